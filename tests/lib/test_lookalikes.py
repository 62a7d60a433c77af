"""Names that look the same: found out, and names that only share letters left alone."""

import pytest

from socialops.lib.lookalikes import in_disguise, letters, same_key, skeleton


@pytest.mark.parametrize(
    "impostor",
    ["@fernhi11", "Fernhill", "fernhіll", "fеrnhill", "fern_hill", "fern-hill", "femhill", "ƒernhill", "fernhiIl",
     "FERNHILL_official", "fernhill.support", "fernhill@other.example", "fe\u200brnhill", "férnhill", "realfernhill"],
)  # fmt: skip
def test_what_looks_like_a_handle_has_its_skeleton(impostor):
    assert skeleton(impostor) == skeleton("fernhill")


@pytest.mark.parametrize("other", ["fernhall", "fernhillkids", "hill", "acme", "fern"])
def test_another_name_has_another_skeleton(other):
    assert skeleton(other) != skeleton("fernhill")


def test_letters_of_another_alphabet_among_latin_ones_are_a_disguise():
    assert in_disguise("аcme") and letters("аcme") == "acme"
    assert not in_disguise("acme") and not in_disguise("фернхилл") and not in_disguise("åcmé")


def test_one_handle_is_written_in_many_ways():
    assert same_key("@Acme ") == same_key("acme")
