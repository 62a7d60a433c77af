"""What a clock on the wall says, and which instant that is.

Compare instants only: in Python, 02:30 with fold=0 equals 02:30 with fold=1 in the same zone.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.db import connection


def database_now() -> datetime:
    """The clock that decides what is due, past or ahead: every process has its own, and they differ."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        return cursor.fetchone()[0]


FIRST_YEAR, LAST_YEAR = 1900, 9000  # what lies within can be read in every zone and moved by years


@dataclass(frozen=True)
class Reading:
    """The instant (UTC) of a wall time. `skipped` is how far it was moved, because the clocks skip that time."""

    instant: datetime
    skipped: timedelta
    twice: bool  # the clocks go back over this time, so it comes twice; `fold` picks the first or the second

    def wall(self, zone: str) -> datetime:
        """The naive local time that the clock really shows at the instant."""
        return self.instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def read(wall: datetime, zone: str, fold: int = 0) -> Reading:
    """The instant of a naive wall time. A time that the clocks skip is moved forward by the gap (RFC 5545).

    Berlin, 28 March 2027, 02:30 does not exist: it becomes 01:30 UTC, which is 03:30 there.
    """
    known_time_zone(zone)
    if not FIRST_YEAR <= wall.year <= LAST_YEAR:
        raise ValidationError("No calendar here goes that far. Check the year.", code="far")
    first, second = (wall.replace(tzinfo=ZoneInfo(zone), fold=which) for which in (0, 1))
    before, after = first.utcoffset() or timedelta(), second.utcoffset() or timedelta()
    skipped = max(after - before, timedelta())  # in a gap, fold 0 is the offset before it and fold 1 the one after
    instant = (second if fold and not skipped else first).astimezone(UTC)
    return Reading(instant, skipped, twice=before > after)


@cache
def time_zones() -> tuple[str, ...]:
    """The names that people choose from: places, not abbreviations."""
    left_out = ("Etc/", "posix/", "right/", "SystemV/", "US/")
    return tuple(sorted(z for z in _every_time_zone() if ("/" in z and not z.startswith(left_out)) or z == "UTC"))


@cache
def _every_time_zone() -> frozenset[str]:
    return frozenset(available_timezones())


def known_time_zone(name: str) -> None:
    if name not in _every_time_zone():
        raise ValidationError(f"“{name}” is not a time zone. Use a name such as Europe/Paris.")
