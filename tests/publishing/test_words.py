"""What changed, word by word: the two texts can always be put together again from the pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialops.lib.words import compare, together

TEXTS = st.lists(st.sampled_from(["We", "tried", "everything", "0.20", "€", ".", "\n\n", " ", "Zoë"]), max_size=30).map(
    "".join
)


@given(TEXTS, TEXTS)
def test_the_pieces_are_both_texts(before, after):
    pieces = compare(before, after)
    assert "".join(p.text for p in pieces if p.kind != "new") == before
    assert "".join(p.text for p in pieces if p.kind != "gone") == after


def test_words_that_changed_together_stand_together():
    pieces = compare("We tried everything. Read on.", "We looked for a way. Read on.")
    assert [(p.kind, p.text) for p in pieces] == [
        ("same", "We "), ("gone", "tried everything"), ("new", "looked for a way"), ("same", ". Read on."),
    ]  # fmt: skip


def test_another_text_is_shown_whole():
    assert [p.kind for p in compare("From 1 December it costs more.", "Hiring in Lyon!")] == ["gone", "new"]


def test_a_very_long_text_is_compared_at_once():
    assert [p.kind for p in compare("a " * 50_000, "b " * 50_000)] == ["gone", "new"]


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("A\n\nB\n\nC!", "A!\n\nB\n\nC", "A!\n\nB\n\nC!"),
        ("A\n\nB\n\nC\n\nD", "Z\n\nA\n\nB\n\nC", "Z\n\nA\n\nB\n\nC\n\nD"),
        ("A\n\nC", "A\n\nB\n\nC!", None),
        ("A\n\nB!\n\nC", "A\n\nB!\n\nC", "A\n\nB!\n\nC"),
        ("A\n\nB!\n\nC", "A\n\nB?\n\nC", None),
        ("A\n\nB\n\nC\n\nD", "A\n\nB\n\nC\n\nE", None),
        ("A\n\nC", "A\n\nB!\n\nC", None),
        ("x " * 9, "A!\n\nB\n\nC", None),
    ],
)
def test_changes_of_different_paragraphs_fit_together_and_others_do_not(one, other, both):
    base = "A\n\nB\n\nC"
    assert together(base, one, other) == together(base, other, one) == both


@given(TEXTS, TEXTS)
def test_what_only_one_changed_is_theirs(base, changed):
    assert together(base, base, changed) == together(base, changed, base) == together(base, changed, changed) == changed
