"""Every change of clocks, in every zone, for years ahead. What is expected is counted from UTC, where nothing jumps."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError

from socialops.lib import wall_clock

FIRST, LAST = datetime(2025, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
STEP = timedelta(days=5)  # no zone changes its clocks twice in five days


def offset(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def changes(zone: ZoneInfo) -> Iterator[tuple[datetime, timedelta, timedelta]]:
    """(the instant from which the new offset holds, the offset before, the offset after)."""
    at, before = FIRST, offset(FIRST, zone)
    while at < LAST:
        if (after := offset(at + STEP, zone)) != before:
            early, late = at, at + STEP
            while late - early > SECOND:
                middle = early + (late - early) // 2
                early, late = (middle, late) if offset(middle, zone) == before else (early, middle)
            yield late.replace(microsecond=0), before, after
        at, before = at + STEP, after


def wall(at: datetime, offset: timedelta) -> datetime:
    return (at + offset).replace(tzinfo=None)


def test_every_change_of_every_zone():
    gaps = folds = 0
    for name in wall_clock.time_zones():
        for at, before, after in changes(ZoneInfo(name)):
            first, last = wall(at, min(before, after)), wall(at, max(before, after))
            if after > before:
                gaps += 1
                for said in (first, first + (last - first) / 2, last - SECOND):
                    for fold in (0, 1):
                        read = wall_clock.read(said, name, fold)
                        assert read == wall_clock.Reading((said - before).replace(tzinfo=UTC), after - before, False)
                        assert read.wall(name) == said + (after - before), "moved forward by the gap"
            else:
                folds += 1
                for said in (first, first + (last - first) / 2, last - SECOND):
                    for fold, its in ((0, before), (1, after)):
                        read = wall_clock.read(said, name, fold)
                        assert read == wall_clock.Reading((said - its).replace(tzinfo=UTC), timedelta(), True)
                        assert read.wall(name) == said
            for said, its in ((first - SECOND, before), (last, after)):  # right before and right after: ordinary
                for fold in (0, 1):
                    ordinary = wall_clock.Reading((said - its).replace(tzinfo=UTC), timedelta(), False)
                    assert wall_clock.read(said, name, fold) == ordinary, (name, said)
    assert gaps > 1000 and folds > 1000, "a year of Europe alone has more"


def test_reading_a_clock_as_if_it_never_changed_is_found_out(monkeypatch):
    """The control: whoever takes the offset of that morning for the whole day is wrong."""

    def naive(said: datetime, name: str, fold: int = 0) -> wall_clock.Reading:
        morning = said.replace(hour=0, minute=0, second=0, tzinfo=ZoneInfo(name)).utcoffset() or timedelta()
        return wall_clock.Reading((said - morning).replace(tzinfo=UTC), timedelta(), False)

    monkeypatch.setattr(wall_clock, "read", naive)
    with pytest.raises(AssertionError):
        test_every_change_of_every_zone()


@pytest.mark.parametrize("zone", ["UTC", "Europe/Paris", "Pacific/Apia"])
def test_a_day_that_only_some_years_have(zone):
    assert wall_clock.read(datetime(2028, 2, 29, 23, 59), zone).wall(zone) == datetime(2028, 2, 29, 23, 59)
    nine = [wall_clock.read(datetime(2028, 2, 28, 9) + timedelta(days=n), zone).instant for n in range(3)]
    assert [later - sooner for sooner, later in pairwise(nine)] == [timedelta(days=1)] * 2


@pytest.mark.parametrize("year", [1, 1899, 9001, 9999])
def test_no_calendar_goes_that_far(year):
    with pytest.raises(ValidationError, match="Check the year"):
        wall_clock.read(datetime(year, 1, 1), "UTC")
