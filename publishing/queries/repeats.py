"""When a post repeats: the wall times of its rule, the words for it, and whether an approval was given for that."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Any

from dateutil.rrule import rrulestr
from django.core.exceptions import ValidationError

from publishing.models import Approval, Recurrence, Variant
from socialops.lib import wall_clock

MOST, LONGEST = 366, timedelta(days=2 * 366)
DAYS = {
    "MO": "Monday", "TU": "Tuesday", "WE": "Wednesday", "TH": "Thursday", "FR": "Friday", "SA": "Saturday",
    "SU": "Sunday",
}  # fmt: skip
EVERY = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month"}
_DAY = "(?:MO|TU|WE|TH|FR|SA|SU)"
PARTS = {
    "FREQ": "DAILY|WEEKLY|MONTHLY", "INTERVAL": "[1-9][0-9]?", "COUNT": "[1-9][0-9]{0,2}", "UNTIL": "[0-9]{8}T235959",
    "BYDAY": f"{_DAY}(?:,{_DAY})*", "BYMONTHDAY": "-1",
}  # fmt: skip


def checked(rule: str, starts: datetime) -> list[datetime]:
    """Its naive wall times, all of them. Raises ValidationError for a rule that is none, never ends, or never begins.

    Months that lack the day of `starts` (the 31st, 29 February) are left out, as RFC 5545 has it; BYMONTHDAY=-1 is the
    last day of each.
    """
    parts = parts_of(rule)
    if any(name not in PARTS or not re.fullmatch(PARTS[name], value) for name, value in parts.items()):
        raise ValidationError({"often": "Posts repeat by days, weeks or months, at most once a day."})
    if ("COUNT" in parts) == ("UNTIL" in parts):
        raise ValidationError({"times": "Say how many times, or until which day: one of the two."})
    try:
        read = rrulestr(rule, dtstart=starts.replace(tzinfo=None, fold=0), ignoretz=True)
        found = list(islice(takewhile(lambda wall: wall <= starts + LONGEST, read), MOST + 1))
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise ValidationError({"often": "This is not a rule that a calendar keeps."}) from error
    if not found:
        raise ValidationError({"until": "It would end before its first time."})
    if len(found) > MOST or len(found) < int(parts.get("COUNT", 0)):
        raise ValidationError({"times": f"A post repeats for two years and {MOST} times at most."})
    return found


def parts_of(rule: str) -> dict[str, str]:
    return dict(part.partition("=")[::2] for part in rule.split(";") if part)


def walls(recurrence: Recurrence) -> list[datetime]:
    return checked(recurrence.rule, recurrence.starts.replace(tzinfo=None))


def instants(recurrence: Recurrence) -> list[datetime]:
    """When its times are. A time that the clocks skip moves by the gap; of one that comes twice it is the first."""
    return [wall_clock.read(wall, recurrence.time_zone).instant for wall in walls(recurrence)]


def name_of(wall: datetime) -> str:
    """What an occurrence is known by (Publication.occurrence)."""
    return f"{wall:%Y-%m-%dT%H:%M}"


def in_words(rule: str, starts: datetime, time_zone: str) -> str:
    parts = parts_of(rule)
    often, unit = int(parts.get("INTERVAL", 1)), EVERY[parts["FREQ"]]
    every = f"Every {unit}" if often == 1 else f"Every {often} {unit}s"
    days = [DAYS[day] for day in parts.get("BYDAY", "").split(",") if day]
    if not days and unit == "week":
        days = [f"{starts:%A}"]
    if days:
        every += " on " + " and ".join(filter(None, [", ".join(days[:-1]), days[-1]]))
    if unit == "month":
        every += " on its last day" if "BYMONTHDAY" in parts else f" on day {starts.day}"
    end = f"{parts['COUNT']} times" if "COUNT" in parts else f"until {datetime.fromisoformat(parts['UNTIL']):%-d %B %Y}"
    return f"{every} at {starts:%H:%M} ({time_zone}), {end}, from {starts:%-d %B %Y} on"


def said(recurrence: Recurrence) -> dict[str, str]:
    """What somebody is asked to agree to, as an approval keeps it."""
    starts = recurrence.starts.replace(tzinfo=None)
    return {
        "rule": recurrence.rule, "starts": name_of(starts), "time_zone": recurrence.time_zone,
        "words": in_words(recurrence.rule, starts, recurrence.time_zone), "channel": recurrence.variant.channel.name,
    }  # fmt: skip


def standing(variants: Iterable[Variant]) -> list[Recurrence]:
    found = Recurrence.objects.filter(variant__in=list(variants), ended_at=None)
    return list(found.select_related("variant__channel").order_by("variant"))


def asked_for(recurrences: Iterable[Recurrence]) -> dict[str, dict[str, str]]:
    """Approval.repeats of these."""
    return {str(each.variant_id): said(each) for each in recurrences}


def agreed(approval: Approval, recurrence: Recurrence) -> bool:
    return covers(approval.repeats, {str(recurrence.variant_id): said(recurrence)})


def covers(before: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether what was agreed to before holds all that is asked for now."""
    kept = ("rule", "starts", "time_zone")
    return all(
        variant in before and all(before[variant][name] == each[name] for name in kept) for variant, each in now.items()
    )
