"""Posts from a file: bring it, have every row checked, mend what is wrong, have drafts made of what is right.

A worker checks and makes (work_due), whoever brought the file looks on. Checking writes nothing but the rows.
"""

import hashlib
import logging
from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import islice
from typing import IO, cast

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.base import File
from django.db import transaction
from django.db.models.functions import Now

from accounts.audit import record, register
from accounts.models import Person
from publishing.making import make_until
from publishing.models import Import, ImportRow
from publishing.permissions import may_draft_somewhere
from publishing.queries.columns import guessed, problems_of_mapping
from publishing.queries.imports import counts, remembered
from publishing.queries.wishes import seen_channels
from publishing.sifting import judged
from socialops.lib import tables, turns, wall_clock
from socialops.lib.clock import steady

register("import.read", "handed in a file of posts")
register("import.checked", "had a file of posts checked")
register("import.started", "had posts made of a file")
register("import.finished", "finished making posts of a file")
register("import.stopped", "stopped an import")
register("import.row_mended", "mended a row of an import")

log = logging.getLogger(__name__)
BATCH, SECONDS = 500, 20.0  # rows a transaction of the check; in which a run begins something new


@transaction.atomic
def read(by: Person, upload: File, name: str) -> Import:
    """Keep the file, with a guess at what its columns mean. Refused before anything is kept: what is no table."""
    _require_draft(by)
    if upload.size > tables.MOST_BYTES:
        raise ValidationError({"file": f"The file is larger than {tables.MOST_BYTES // 1_000_000} MB. Divide it."})
    try:
        kind = tables.recognised(_opened(upload))
        headers, total = _looked_over(upload, kind)
    except tables.Unreadable as error:
        raise ValidationError({"file": str(error)}) from error
    made = Import(
        by=by, name=name[-200:] or "posts", size=upload.size, sha256=_sha256(upload), kind=kind.kind, total=total,
        encoding=kind.encoding, delimiter=kind.delimiter, headers=headers, time_zone=by.time_zone,
    )  # fmt: skip
    made.mapping = remembered(by, headers) or guessed(headers, seen_channels(by))
    upload.seek(0)
    made.file.save("", upload, save=False)
    made.save()
    record(by, "import.read", made, rows=total, sha256=made.sha256)
    return made


@transaction.atomic
def read_as(of: Import, by: Person, encoding: str, delimiter: str) -> Import:
    """Read a CSV in another encoding, or with other columns. What its columns mean is guessed anew."""
    of = _locked(of, by)
    _refuse_begun(of)
    if of.kind != "csv" or encoding not in tables.ENCODINGS or delimiter not in tables.DELIMITERS:
        raise ValidationError({"encoding": "Choose an encoding and what divides the columns, of a CSV file."})
    try:
        with of.file.open("rb") as file:
            of.headers, of.total = _looked_over(file, tables.Format("csv", encoding, delimiter))
    except (tables.Unreadable, UnicodeError) as error:
        raise ValidationError({"encoding": f"Read so, it is no table. {error}"}) from error
    of.encoding, of.delimiter = encoding, delimiter
    of.mapping = guessed(of.headers, seen_channels(by))
    of.save(update_fields=["headers", "total", "encoding", "delimiter", "mapping"])
    of.rows.all().delete()
    return of


@transaction.atomic
def check(of: Import, by: Person, mapping: Mapping[str, int], time_zone: str) -> Import:
    """Have every row checked with these columns, as the verbs would. A worker does it, and writes nothing else."""
    of = _locked(of, by)
    _refuse_begun(of)
    wall_clock.known_time_zone(time_zone)
    mapping = {name: place for name, place in mapping.items() if 0 <= place < len(of.headers)}
    if problems := problems_of_mapping(mapping):
        raise ValidationError(problems)
    of.rows.all().delete()
    of.mapping, of.time_zone, of.state, of.problem = dict(mapping), time_zone, Import.State.CHECKING, ""
    of.save(update_fields=["mapping", "time_zone", "state", "problem"])
    return of


@transaction.atomic
def start(of: Import, by: Person) -> Import:
    """Have drafts made of the rows that are right. The others wait to be mended."""
    of = _locked(of, by)
    if of.at_work or of.state == Import.State.READ:
        raise ValidationError("It is being worked on. Wait until that is done, or stop it.")
    if of.rows.count() < of.total:
        of.state = Import.State.CHECKING  # it was stopped before all rows were checked
        of.save(update_fields=["state"])
        return of
    if not counts(of).right:
        raise ValidationError("No row is left to import. Mend those that are wrong, or bring another file.")
    of.state, of.started_at, of.finished_at, of.problem = Import.State.IMPORTING, of.started_at or Now(), None, ""
    of.save(update_fields=["state", "started_at", "finished_at", "problem"])
    record(by, "import.started", of)
    return of


@transaction.atomic
def stop(of: Import, by: Person) -> Import:
    """What is done stays; starting it again goes on with the next row."""
    of = _locked(of, by)
    if not of.at_work:
        raise ValidationError("Nothing is being done with this file, so there is nothing to stop.")
    _end(of, Import.State.STOPPED)
    record(by, "import.stopped", of)
    return of


@transaction.atomic
def mend(row: ImportRow, by: Person, cells: Mapping[str, str]) -> ImportRow:
    """Write other words into the fields of one row, and check it alone."""
    of = Import.objects.get(pk=row.of_id)
    row = ImportRow.objects.select_for_update().get(pk=row.pk)
    _require_own(of, by)
    if row.outcome in ("created", "changed", "unchanged"):
        raise ValidationError("This row is imported. Change its post instead.")
    kept = row.cells + [""] * (len(of.headers) - len(row.cells))
    for name, said in cells.items():
        kept[of.mapping[name]] = said
    row.cells, row.outcome = kept[: len(of.headers)], ""
    judged(of, [row])
    row.save()
    record(by, "import.row_mended", of, row=row.number)
    return row


def work_due() -> int:
    """Check and import what people have asked for, one file a person at a time. Returns how many files were at hand."""
    end, files = steady() + SECONDS, 0
    for of in Import.objects.filter(state__in=("checking", "importing")).select_related("by").order_by("id"):
        with turns.only_one(f"import {of.by_id}") as mine:
            if mine:
                turns.safely(lambda each: _check(each, end) if each.state == "checking" else _make(each, end), of)
                files += 1
    return files


def _check(of: Import, end: float) -> None:
    last = of.rows.order_by("-number").values_list("number", flat=True).first() or 1
    try:
        with of.file.open("rb") as file, closing(tables.rows(_opened(file), _format(of))) as every:
            rows = (row for row in islice(every, 1, None) if row.number > last)
            while batch := list(islice(rows, BATCH)):
                if not _keep(of.pk, batch) or steady() > end:
                    return
    except (tables.Unreadable, OSError) as error:
        log.warning("an import cannot be read any more: %s", error)
        _broken(of.pk, "The file cannot be read any more. Bring it again.")
        return
    _finish(of.pk, "checking", Import.State.CHECKED, "import.checked")


@transaction.atomic
def _keep(pk: int, batch: list[tables.Row]) -> bool:
    """Check these and keep them. False if the import was stopped."""
    of = Import.objects.select_for_update(of=("self",)).select_related("by").get(pk=pk)
    if of.state != Import.State.CHECKING:
        return False
    rows = [ImportRow(of=of, number=row.number, cells=row.cells) for row in batch]
    judged(of, rows, {row.number: row.problem for row in batch if row.problem})
    ImportRow.objects.bulk_create(rows)
    return True


def _make(of: Import, end: float) -> None:
    if make_until(of, end):
        _finish(of.pk, "importing", Import.State.DONE, "import.finished")


@transaction.atomic
def _finish(pk: int, at_work: str, state: str, action: str) -> None:
    of = Import.objects.select_for_update(of=("self",)).select_related("by").get(pk=pk)
    if of.state == at_work:
        _end(of, state)
        found = counts(of)
        record(of.by, action, of, read=found.read, wrong=found.wrong, imported=found.imported)


@transaction.atomic
def _broken(pk: int, words: str) -> None:
    of = Import.objects.select_for_update().get(pk=pk)
    if of.at_work:
        of.problem = words
        _end(of, Import.State.STOPPED)


def _end(of: Import, state: str) -> None:
    of.state, of.finished_at = state, Now()
    of.save(update_fields=["state", "finished_at", "problem"])


def _looked_over(file: File, kind: tables.Format) -> tuple[list[str], int]:
    """The header, and how many rows follow it. Raises Unreadable."""
    rows: Iterator[tables.Row] = tables.rows(_opened(file), kind)
    headers = next(rows).cells
    total = sum(1 for _ in rows)
    if not total:
        raise tables.Unreadable("The file has a header and no row below it.")
    return headers, total


def _opened(file: File) -> IO[bytes]:
    return cast(IO[bytes], file.file)


def _format(of: Import) -> tables.Format:
    return tables.Format(of.kind, of.encoding, of.delimiter)


def _sha256(upload: File) -> str:
    digest = hashlib.sha256()
    for chunk in upload.chunks():
        digest.update(chunk)
    return digest.hexdigest()


def _require_draft(by: Person) -> None:
    if not may_draft_somewhere(by):
        raise PermissionDenied("Only people who may write on a channel import posts. Ask who manages one.")


def _require_own(of: Import, by: Person) -> None:
    _require_draft(by)
    if of.by_id != by.pk:
        raise PermissionDenied(f"{of.by} brought this file. Bring your own.")


def _locked(of: Import, by: Person) -> Import:
    of = Import.objects.select_for_update(of=("self",)).select_related("by").get(pk=of.pk)
    _require_own(of, by)
    return of


def _refuse_begun(of: Import) -> None:
    if of.started_at:
        raise ValidationError("Posts were made of this file already. Bring it again to read it in another way.")
    if of.at_work:
        raise ValidationError("It is being worked on. Wait until that is done, or stop it.")
