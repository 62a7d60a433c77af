"""What publishing keeps no longer. Only governance calls it (governance/retaining.py). Posts, their revisions,
approvals, publications and what networks said to them are records, and stay.

Each takes what is older than `before`, at most MOST rows at a time, and returns how many rows of its own went.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import BigIntegerField, Exists, F, Func, OuterRef, Q
from django.db.models.fields.files import FieldFile

from publishing.models import CalendarFeed, Import, ImportRow, LinkCard, PostMeasurement, Revision
from socialops.lib.keeping import Kept

MOST = 5000
FREE = Kept()


def purge_feeds(before: datetime, kept: Kept = FREE) -> int:
    """Private links to the calendar that were ended."""
    return CalendarFeed.objects.filter(kept.may_go("made_at", people=("person",)), ended_at__lt=before).delete()[0]


def purge_measurements(before: datetime, kept: Kept = FREE) -> int:
    free = kept.may_go("at", people=("publication__answerable",), channels=("publication__variant__channel",))
    pks = PostMeasurement.objects.filter(free, at__lt=before).order_by("pk").values("pk")[:MOST]
    return PostMeasurement.objects.filter(pk__in=list(pks.values_list("pk", flat=True))).delete()[0]


@transaction.atomic
def purge_readings(before: datetime, kept: Kept = FREE) -> int:
    """Readings of pages that no revision shows; the newest of each page stays, for it may be shown at any moment."""
    shown = Func(
        F("content"), function="jsonb_path_query", output_field=BigIntegerField(),
        template="(%(function)s(%(expressions)s, '$.variants[*].card.page'))::bigint",
    )  # fmt: skip
    newer = LinkCard.objects.filter(url=OuterRef("url"), pk__gt=OuterRef("pk"), read_at__isnull=False, problem="")
    free = kept.may_go("asked_at", people=("asked_by",))
    old = LinkCard.objects.filter(Exists(newer), free, asked_at__lt=before).order_by("pk")
    if not old.exists():
        return 0
    shows = set(Revision.objects.annotate(shown=shown).values_list("shown", flat=True))
    gone = [row for row in old.iterator() if row.pk not in shows][:MOST]
    LinkCard.objects.filter(pk__in=[row.pk for row in gone]).delete()
    names = {row.file.name for row in gone if row.file} - set(LinkCard.objects.values_list("file", flat=True))
    _drop(row.file for row in gone if row.file.name in names)
    return len(gone)


@transaction.atomic
def purge_imports(before: datetime, kept: Kept = FREE) -> int:
    """Files of posts: one of which posts were made keeps its rows, so that the same file again changes nothing; one of
    which nothing was made goes whole.
    """
    made = Exists(ImportRow.objects.filter(of=OuterRef("pk"), post__isnull=False))
    rows = Import.objects.select_for_update(of=("self",)).filter(kept.may_go("read_at", people=("by",))).order_by("pk")
    rows = rows.exclude(state__in=(Import.State.CHECKING, Import.State.IMPORTING)).annotate(made=made)
    nothing = list(rows.filter(made=False, read_at__lt=before).filter(_since(before))[:100])
    done = list(rows.filter(made=True).filter(_since(before)).exclude(file="")[:MOST])
    _drop(each.file for each in [*nothing, *done])
    Import.objects.filter(pk__in=[each.pk for each in nothing]).delete()
    Import.objects.filter(pk__in=[each.pk for each in done]).update(file="")
    return len(nothing) + len(done)


def _since(before: datetime) -> Q:
    return Q(started_at=None) | Q(started_at__lt=before)


def _drop(files: Iterable[FieldFile]) -> None:
    """From wherever files are kept, when it is certain that nothing names them any more."""
    for storage, name in {(file.storage, file.name or "") for file in files}:
        transaction.on_commit(partial(storage.delete, name))
