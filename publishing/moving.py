"""Moving what stands in a calendar: a reader drops it on a time of their zone; it keeps the one it was planned in."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Person
from publishing import scheduling
from publishing.models import Publication
from socialops.lib import wall_clock


@transaction.atomic
def move(
    publication: Publication, to: datetime, zone: str, by: Person, fold: int = 0, seen: datetime | None = None
) -> Publication:
    """`to` is a naive wall time of `zone`. `seen` is when it was due as the mover saw it: if somebody else moved it
    meanwhile, nothing is changed. The rules are those of `scheduling.reschedule`.
    """
    publication = scheduling.locked(publication)
    if seen is not None and seen != publication.due_at:
        at = publication.due_at.astimezone(ZoneInfo(zone))
        when = f"{at:%A} {at.day} {at:%B}, {at:%H:%M}"
        raise ValidationError(f"{publication.answerable} gave it {when} meanwhile. Look, then move it again.")
    if zone != publication.time_zone:
        there = wall_clock.read(to, zone, fold).instant.astimezone(ZoneInfo(publication.time_zone))
        to, fold = there.replace(tzinfo=None, fold=0), there.fold
    return scheduling.reschedule(publication, to, publication.time_zone, by, fold)


def told(moved: Publication, to: datetime, zone: str) -> str:
    """Where it stands now, as the mover's clock says it, and what the clocks did to the time that was asked for."""
    at = moved.due_at.astimezone(ZoneInfo(zone))
    words = f"Moved to {at:%A} {at.day} {at:%B}, {at:%H:%M}."
    reading = wall_clock.read(to, zone)
    if reading.skipped:
        return f"{words} That day has no {to:%H:%M} in {zone}: clocks go forward."
    if reading.twice:
        return f"{words} {to:%H:%M} comes twice there that day: it is the {'second' if at.fold else 'first'} one."
    return words
