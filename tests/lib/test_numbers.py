"""Ids that come as text."""

import pytest

from socialops.lib.numbers import number, numbers


@pytest.mark.parametrize(
    ("text", "means"),
    [("5", 5), ("0", 0), ("9" * 17, int("9" * 17))]
    + [(bad, None) for bad in (None, "", "-1", "+1", " 1", "1.0", "1e3", "0x1", "five", "²", "9" * 18, "9" * 5000)],
)
def test_only_a_whole_number_that_a_column_takes_is_one(text, means):
    assert number(text) == means


def test_what_is_no_number_is_left_out():
    assert numbers(["3", "x", "", "1"]) == [3, 1]
