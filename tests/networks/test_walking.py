"""A list that stands newest first is read down to where the last walk began, and a little deeper."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from channels_registry.connector.walking import REMEMBERED, Walk

NOW = datetime.now(UTC)


def at(**ago: float) -> str:
    return (NOW - timedelta(**ago)).isoformat()


def test_the_first_walk_ends_a_month_back():
    cursor, more = Walk.at("").onwards([at(days=1), at(days=2)], ["b", "a"], "page 2")
    assert more and Walk.at(cursor) == Walk(high="", top=at(days=1), walk="page 2", seen=["b", "a"])
    cursor, more = Walk.at(cursor).onwards([at(days=3), at(days=31)], ["c"], "page 3")
    assert not more and Walk.at(cursor) == Walk(high=at(days=1), seen=["c", "b", "a"])


def test_the_next_goes_an_hour_below_the_newest_of_the_last():
    walk = Walk(high=at(hours=5))
    assert walk.onwards([at(hours=1), at(hours=5.5)], [], "page 2")[1]
    assert not walk.onwards([at(hours=1), at(hours=6.5)], [], "page 2")[1]
    assert not walk.onwards([at(hours=1)], [], "")[1]  # the list has an end


def test_a_page_without_entries_keeps_the_place():
    cursor, more = Walk(high=at(hours=5)).onwards([], [], "")
    assert not more and Walk.at(cursor).high == at(hours=5)


def test_a_page_that_the_network_forgot_begins_the_walk_anew_and_hands_nothing_on_twice():
    again = Walk.at(Walk(high=at(days=1), top=at(hours=1), walk="page 7", seen=["a"]).anew())
    assert again == Walk(high=at(days=1), seen=["a"])


def test_what_was_seen_is_remembered_within_bounds():
    cursor, _ = Walk().onwards([at(hours=1)], [str(n) for n in range(500)], "")
    assert len(Walk.at(cursor).seen) == REMEMBERED


@pytest.mark.parametrize("cursor", ["", "nonsense", "[1]", "null", json.dumps({"other": 1})])
def test_a_cursor_that_cannot_be_read_begins_at_the_beginning(cursor):
    assert Walk.at(cursor) == Walk()
