"""Leavers from a file: bring it, say what its columns mean, see what each row would do, have it done.

Nothing is recorded before somebody applies it. The same file twice changes nothing.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC
from itertools import islice
from typing import IO, cast

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.base import File
from django.db import transaction
from django.db.models.functions import Now

from accounts import audit, departing
from accounts.models import LeaverList, LeaverRow, Person, Role
from accounts.permissions import require_role
from accounts.queries.leavers import FIELDS, guessed, judged, problems_of_mapping
from socialops.lib import tables, turns, wall_clock
from socialops.lib.clock import steady

BATCH, SECONDS = 1000, 20.0

audit.register("leaver_list.read", "handed in a file of leavers")
audit.register("leaver_list.started", "had a file of leavers applied")
audit.register("leaver_list.finished", "finished applying a file of leavers")


@transaction.atomic
def read(by: Person, upload: File, name: str) -> LeaverList:
    """Keep the rows, with a guess at what the columns mean, and check them if it is a good one."""
    require_role(by, Role.ADMIN)
    if upload.size > tables.MOST_BYTES:
        raise ValidationError({"file": f"The file is larger than {tables.MOST_BYTES // 1_000_000} MB. Divide it."})
    try:
        rows = tables.rows(cast(IO[bytes], upload.file), tables.recognised(cast(IO[bytes], upload.file)))
        headers = next(rows).cells
        found = list(rows)
    except tables.Unreadable as error:
        raise ValidationError({"file": str(error)}) from error
    if not found:
        raise ValidationError({"file": "The file has a header and no row below it."})
    of = LeaverList.objects.create(
        by=by, name=name[-200:] or "leavers", sha256=_sha256(upload), headers=headers, mapping=guessed(headers),
        time_zone=by.time_zone, total=len(found),
    )  # fmt: skip
    LeaverRow.objects.bulk_create(
        (LeaverRow(of=of, number=each.number, cells=each.cells, problems=_broken(each.problem)) for each in found),
        BATCH,
    )
    audit.record(by, "leaver_list.read", of, rows=of.total, sha256=of.sha256)
    return of if problems_of_mapping(of.mapping) else check(of, by, of.mapping, of.time_zone)


@transaction.atomic
def check(of: LeaverList, by: Person, mapping: Mapping[str, int], time_zone: str) -> LeaverList:
    """What each row would do, with these columns. It records nothing."""
    of = _locked(of, by)
    if of.state == LeaverList.State.APPLYING:
        raise ValidationError("It is being applied. Wait until that is done.")
    wall_clock.known_time_zone(time_zone)
    kept = {name: at for name, at in mapping.items() if name in FIELDS and 0 <= at < len(of.headers)}
    if problems := problems_of_mapping(kept):
        raise ValidationError(problems)
    of.mapping, of.time_zone, of.state = kept, time_zone, LeaverList.State.CHECKED
    of.save(update_fields=["mapping", "time_zone", "state"])
    rows = list(of.rows.order_by("number").values_list("number", "cells", "problems", "outcome"))
    of.rows.all().delete()
    _keep_judged(of, by, [(at, cells, "" if outcome else said.get("row", "")) for at, cells, said, outcome in rows])
    return of


@transaction.atomic
def apply(of: LeaverList, by: Person, what: str) -> LeaverList:
    """Have it done: `all` only if every row is right, `good` those that are. A worker does it."""
    of = _locked(of, by)
    if of.state not in (LeaverList.State.CHECKED, LeaverList.State.DONE):
        raise ValidationError("It is not checked yet, or is being applied already.")
    wrong, right = of.rows.exclude(problems={}).count(), of.rows.filter(plan="leave", outcome="").count()
    if what == "all" and wrong:
        raise ValidationError(f"{wrong} of its rows are wrong. Mend them in the file, or apply those that are right.")
    if not right:
        raise ValidationError("No row is left to apply: what is right stands already.")
    if of.state == LeaverList.State.DONE:
        of.state = LeaverList.State.CHECKED
        of.save(update_fields=["state"])
    of.state, of.applied_by, of.applied_at = LeaverList.State.APPLYING, by, Now()
    of.save(update_fields=["state", "applied_by", "applied_at"])
    audit.record(by, "leaver_list.started", of, rows=right)
    return of


def work_due() -> int:
    """Apply what people have asked for. Looks at what is, so a run that died goes on with the next row."""
    end, done = steady() + SECONDS, 0
    for of in LeaverList.objects.filter(state="applying").select_related("applied_by").order_by("pk"):
        with turns.only_one(f"leavers {of.pk}") as mine:
            if mine:
                done += bool(turns.safely(lambda each: _apply_until(each, end), of))
    return done


def _apply_until(of: LeaverList, end: float) -> bool:
    rows = of.rows.filter(plan="leave", outcome="").select_related("person").order_by("number")
    while batch := list(islice(rows.iterator(), 50)):
        for row in batch:
            _let_go(of, row)
            if steady() > end:
                return False
    _finish(of.pk)
    return True


@transaction.atomic
def _let_go(of: LeaverList, row: LeaverRow) -> None:
    """By whoever applied it, under the rules of that moment: what changed meanwhile is said beside the row."""
    locked = LeaverRow.objects.select_for_update(of=("self",)).select_related("person").get(pk=row.pk)
    if locked.outcome or locked.person is None or locked.wall is None or of.applied_by is None:
        return
    try:
        with transaction.atomic():
            departing.mark_departed(
                locked.person, locked.wall.replace(tzinfo=None), locked.time_zone, of.applied_by, locked.reason
            )
        locked.outcome = "left"
    except (ValidationError, PermissionDenied) as error:
        words = " ".join(getattr(error, "messages", [])) or str(error)
        locked.problems, locked.outcome = {"row": words}, "refused"
    locked.save(update_fields=["problems", "outcome"])


@transaction.atomic
def _finish(pk: int) -> None:
    of = LeaverList.objects.select_for_update(of=("self",)).select_related("applied_by").get(pk=pk)
    if of.state != LeaverList.State.APPLYING:
        return
    of.state = LeaverList.State.DONE
    of.save(update_fields=["state"])
    left, refused = (of.rows.filter(outcome=each).count() for each in ("left", "refused"))
    audit.record(of.applied_by, "leaver_list.finished", of, left=left, refused=refused)


def _keep_judged(of: LeaverList, by: Person, rows: list[tuple[int, list[str], str]]) -> None:
    """Written once, whole: ten thousand rows updated one by one would take half a minute."""
    LeaverRow.objects.bulk_create(
        (
            LeaverRow(
                of=of, number=meant.number, cells=cells, problems=meant.problems, person=meant.person,
                wall=meant.wall.replace(tzinfo=UTC) if meant.wall else None, time_zone=meant.time_zone[:64],
                reason=meant.reason, plan=meant.plan,
            )
            for (_, cells, _), meant in zip(rows, judged(of, by, rows), strict=True)
        ),
        BATCH,
    )  # fmt: skip


def _broken(problem: str) -> dict[str, str]:
    return {"row": problem} if problem else {}


def _sha256(upload: File) -> str:
    digest = hashlib.sha256()
    for chunk in upload.chunks():
        digest.update(chunk)
    return digest.hexdigest()


def _locked(of: LeaverList, by: Person) -> LeaverList:
    require_role(by, Role.ADMIN)
    return LeaverList.objects.select_for_update(of=("self",)).get(pk=of.pk)
