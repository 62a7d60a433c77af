"""What is planned keeps its wall time when a zone's rules change: its instant is read anew; who answers is told."""

from collections.abc import Iterable

import tzdata
from django.db import transaction

from accounts import notifying
from accounts.audit import record, register
from publishing import queries
from publishing.models import Publication
from socialops.lib import wall_clock

BATCH = 500
register("publication.retimed", "moved a post, because its slot or its clock changed")


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
    for publication in rows.select_related("answerable", "channel").order_by("pk"):
        wall = publication.wall_time.replace(tzinfo=None)
        instant = wall_clock.read(wall, publication.time_zone, publication.fold).instant
        before, after = publication.due_at, queries.now()
        publication.tzdata = tzdata.IANA_VERSION
        if _moves(publication, instant) and instant > after:
            late_by = publication.not_after - before if publication.not_after else None
            publication.due_at = publication.next_attempt_at = instant
            publication.not_after = instant + late_by if late_by is not None else None
            record(None, "publication.retimed", publication, was=before.isoformat(), due_at=instant.isoformat())
            moved.append(publication.pk)
            if publication.part == 0:
                _tell(publication)
        publication.save()
    return moved


def _moves(publication: Publication, instant) -> bool:
    """By whole minutes: what was published at once keeps its seconds."""
    return abs((publication.due_at - instant).total_seconds()) >= 60


def _tell(publication: Publication) -> None:
    zone = publication.time_zone
    text = f"The clocks of {zone} changed. “{str(publication)[:80]}” keeps its {publication.wall_time:%H:%M} there."
    link = f"/publications/{publication.pk}/"
    notifying.notify(publication.answerable, "publication.retimed", text, link, mail=True)
