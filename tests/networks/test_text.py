"""Text is counted as each network counts it, and known again whatever a network did to its white space."""

import pytest

from channels_registry.connector.errors import Refused
from channels_registry.connector.text import check, length, normalised, rule, same, size, too_long
from channels_registry.connector.types import Limits

FAMILY = "👩‍👩‍👧‍👦"


@pytest.mark.parametrize(
    ("text", "graphemes", "characters", "utf16", "weighted", "size"),
    [
        ("abc", 3, 3, 3, 3, 3),
        ("Grüße", 5, 5, 5, 5, 7),
        ("Gru\u0308ße", 5, 5, 6, 5, 8),
        ("日本", 2, 2, 2, 4, 6),
        ("👋🏽", 1, 2, 4, 2, 8),
        (FAMILY, 1, 7, 11, 2, 25),
        ("🇩🇪", 1, 2, 4, 2, 8),
        ("see https://example.org/" + "x" * 50, 74, 74, 74, 27, 74),
        ("", 0, 0, 0, 0, 0),
    ],
)
def test_each_way_of_counting(text, graphemes, characters, utf16, weighted, size):
    counted = [length(text, unit) for unit in ("graphemes", "characters", "utf16", "weighted", "bytes")]
    assert counted == [graphemes, characters, utf16, weighted, size]


def test_a_lone_surrogate_is_counted_and_not_a_crash():
    assert length("a\ud800", "bytes") == 4


def test_what_is_too_long_is_said_with_what_to_do():
    assert too_long("x" * 300, Limits(300)) == ""
    assert too_long("x" * 302, Limits(300)) == ("The text is 302 characters long, 300 are allowed. Shorten it by 2.")
    assert "bytes" in too_long(FAMILY * 200, Limits(300, text_bytes=3000))


@pytest.mark.parametrize("text", ["", "  \n", "\u2003"])
def test_an_empty_text_is_refused(text):
    with pytest.raises(Refused):
        check(text, Limits(300))


def test_the_same_words_are_the_same():
    assert same("Gru\u0308ße \r\n an  alle\u00a0", "Grüße\nan alle")
    assert not same("Grüße an alle", "Grüße an Alle")
    assert normalised(" a\t b ") == "a b"


def test_a_link_and_the_server_of_a_mention_count_as_the_network_says():
    limits = Limits(500, link_counts=23, local_mentions=True)
    assert size("@anna@social.example see https://example.org/" + "x" * 90, limits) == len("@anna see ") + 23
    assert rule(limits).startswith("At most 500 characters, where every link counts 23")
