"""What is planned keeps its wall time when a zone's rules change: its instant is read anew; who answers is told.

Where something speaks against the new instant (an embargo, a blackout, the window agreed to) it goes out at neither.
"""

from collections.abc import Iterable
from datetime import datetime

import tzdata
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse

from accounts import notifying
from accounts.audit import record, register
from publishing import queries, scheduling
from publishing.models import Publication
from socialops.lib import wall_clock

BATCH = 500
register("publication.retimed", "moved a post, because its slot or its clock changed")
register("publication.blocked", "stopped a post that may not go out as it is")


def retime() -> list[int]:
    """All that waits and was planned under another release of the time zones. Returns the ids that moved."""
    moved: list[int] = []
    while found := _planned_before():
        moved += _read_anew(found)
    return moved


def _planned_before() -> list[int]:
    rows = Publication.objects.filter(state__in=("scheduled", "held", "blocked"), due_at__gt=queries.now())
    return list(rows.exclude(tzdata=tzdata.IANA_VERSION).order_by("pk").values_list("pk", flat=True)[:BATCH])


@transaction.atomic
def _read_anew(ids: Iterable[int]) -> list[int]:
    moved = []
    rows = Publication.objects.select_for_update(of=("self",)).filter(
        pk__in=ids, state__in=("scheduled", "held", "blocked")
    )
    for publication in rows.select_related("answerable", "channel", "approval", "variant__post").order_by("pk"):
        wall = publication.wall_time.replace(tzinfo=None)
        instant = wall_clock.read(wall, publication.time_zone, publication.fold).instant
        publication.tzdata = tzdata.IANA_VERSION
        if _moves(publication, instant) and instant > queries.now():
            if refused := _refused(publication, instant):
                _stop(publication, refused)
            else:
                _move(publication, instant)
                moved.append(publication.pk)
        publication.save()
    return moved


def _refused(publication: Publication, instant: datetime) -> str:
    try:
        scheduling.refuse_at(publication, instant, publication.time_zone)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


def _stop(publication: Publication, refused: str) -> None:
    """What is held or blocked already waits for a person as it is."""
    if publication.state != "scheduled":
        return
    publication.state, publication.reason = "blocked", f"The clocks of {publication.time_zone} changed. {refused}"
    record(None, "publication.blocked", publication, reason=publication.reason)
    if publication.part == 0:
        text = f"“{str(publication)[:80]}” was stopped. {publication.reason}"
        notifying.notify(publication.answerable, "publication.blocked", text[:300], _link(publication), mail=True)


def _move(publication: Publication, instant: datetime) -> None:
    before = publication.due_at
    late_by = publication.not_after - before if publication.not_after else None
    publication.due_at = publication.next_attempt_at = instant
    publication.not_after = instant + late_by if late_by is not None else None
    record(None, "publication.retimed", publication, was=before.isoformat(), due_at=instant.isoformat())
    if publication.part == 0:
        _tell(publication)


def _moves(publication: Publication, instant: datetime) -> bool:
    """By whole minutes: what was published at once keeps its seconds."""
    return abs((publication.due_at - instant).total_seconds()) >= 60


def _tell(publication: Publication) -> None:
    zone = publication.time_zone
    text = f"The clocks of {zone} changed. “{str(publication)[:80]}” keeps its {publication.wall_time:%H:%M} there."
    notifying.notify(publication.answerable, "publication.retimed", text, _link(publication), mail=True)


def _link(publication: Publication) -> str:
    return reverse("publication", args=[publication.pk])
