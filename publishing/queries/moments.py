"""When a row of a file wants its post out: the spellings of dates and times that people and programs write."""

import re
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError

from socialops.lib import wall_clock

OFFSET = re.compile(r"(.*\d)\s*(Z|[+-]\d{2}:?\d{2})$", re.IGNORECASE)
DATE = re.compile(r"(?:(\d{4})([-/.])(\d{1,2})\2(\d{1,2})|(\d{1,2})([-/.])(\d{1,2})\6(\d{4}))")
TIME = re.compile(r"(\d{1,2})(?:[:.h](\d{2}))?(?:[:.](\d{2})(?:\.\d+)?)?\s*(am|pm|h|uhr)?", re.IGNORECASE)


def instant(at: str, day: str, hour: str, zone: str) -> datetime | None:
    """The instant (UTC) of what the cells say; None if they say nothing. Raises ValidationError({field: words})."""
    if at:
        words, offset = _without_offset(at)
        parts = re.split(r"[T\s]+", words.strip(), maxsplit=1)
        if len(parts) < 2:
            raise ValidationError({"at": "Write the time too, as in 2026-12-24 09:30."})
        return _read("at", _date("at", parts[0].rstrip(",")), _time("at", parts[1]), zone, offset)
    if not day and not hour:
        return None
    if not day or not hour:
        missing, said = ("date", "a date") if hour else ("time", "a time")
        raise ValidationError({missing: f"Write {said} too, or leave date and time empty."})
    return _read("date", _date("date", day.removesuffix(" 00:00")), _time("time", hour), zone, "")


def _without_offset(said: str) -> tuple[str, str]:
    found = OFFSET.fullmatch(said.strip())
    return (found[1], found[2].upper().replace("Z", "+00:00")) if found and ":" in found[1] else (said, "")


def _date(field: str, said: str) -> date:
    found = DATE.fullmatch(said.strip())
    if not found:
        raise ValidationError({field: f"“{said[:40]}” is no date. Write it as 2026-12-24."})
    if found[1]:
        return _made(field, said, int(found[1]), int(found[3]), int(found[4]))
    one, sign, two, year = int(found[5]), found[6], int(found[7]), int(found[8])
    if sign != "." and one <= 12 and two <= 12 and one != two:
        raise ValidationError({field: f"“{said}” can be read in two ways. Write it as {year}-{two:02}-{one:02}."})
    day, month = (two, one) if two > 12 else (one, two)
    return _made(field, said, year, month, day)


def _made(field: str, said: str, year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError as error:
        raise ValidationError({field: f"There is no such day as “{said}”."}) from error


def _time(field: str, said: str) -> time:
    found = TIME.fullmatch(said.strip())
    half = (found[4] or "").lower() if found else ""
    if not found or not (found[2] or half):
        raise ValidationError({field: f"“{said[:40]}” is no time. Write it as 09:30."})
    hour = int(found[1])
    if half in ("am", "pm"):
        hour = hour % 12 + 12 * (half == "pm") if 1 <= hour <= 12 else 99
    try:
        return time(hour, int(found[2] or 0), int(found[3] or 0))
    except ValueError as error:
        raise ValidationError({field: f"There is no such time as “{said[:40]}”."}) from error


def _read(field: str, day: date, hour: time, zone: str, offset: str) -> datetime:
    wall = datetime.combine(day, hour)
    if offset:
        sure = datetime.fromisoformat(f"{wall.isoformat()}{offset if ':' in offset else f'{offset[:3]}:{offset[3:]}'}")
        return sure.astimezone(UTC)
    reading = wall_clock.read(wall, zone)
    if reading.skipped:
        words = f"That day has no {wall:%H:%M} in {zone}: clocks go forward. Choose another time."
        raise ValidationError({field: words})
    if reading.twice:
        words = f"On that day {wall:%H:%M} comes twice in {zone}. Write which, as in {_twice(wall, zone)}."
        raise ValidationError({field: words})
    return reading.instant


def _twice(wall: datetime, zone: str) -> str:
    both = (wall.replace(tzinfo=ZoneInfo(zone), fold=fold).isoformat(" ", "minutes") for fold in (0, 1))
    return " or ".join(both)
