"""The verbs of a file that somebody brings (socialops.lib.sheets): read, check, mend, start, stop; the worker’s too.

A worker checks and makes (work_due), one file a person at a time, and goes on where it was stopped or died; whoever
brought the file looks on. Checking writes nothing but the rows.
"""

import hashlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from typing import IO, Any, ClassVar, cast

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.base import File
from django.db import transaction
from django.db.models.functions import Now

from socialops.lib import tables, turns
from socialops.lib.clock import steady
from socialops.lib.sheets import Sheet, counts

log = logging.getLogger(__name__)
BATCH, SECONDS = 500, 20.0  # rows a transaction of the check; in which a run begins something new
AT_WORK = "It is being worked on. Wait until that is done, or stop it."


class Importing(ABC):
    """The verbs. `model`, `row_model`: the tables; `prefix`: of the actions in the trail; `changed`: what was made."""

    model: ClassVar[Any]
    row_model: ClassVar[Any]
    prefix: ClassVar[str]
    made: ClassVar[str]  # "posts"

    @abstractmethod
    def require(self, by: Any) -> None:
        """Raises PermissionDenied for who may not import."""

    @abstractmethod
    def guessed(self, by: Any, headers: list[str]) -> dict[str, int]:
        """field: the place of its column."""

    @abstractmethod
    def problems_of_mapping(self, mapping: Mapping[str, int]) -> dict[str, str]: ...

    @abstractmethod
    def judge(self, of: Any, rows: list[Any], problems: Mapping[int, str]) -> None:
        """Set the problems and the plan of each row. `problems`: what reading the file said, by number."""

    @abstractmethod
    def make_until(self, of: Any, end: float) -> bool:
        """Make something of the rows that are right, until then (steady seconds). True when none is left."""

    @abstractmethod
    def record(self, by: Any, action: str, of: Any, **data: Any) -> None:
        """Into the trail, and into the commit."""

    @transaction.atomic
    def read(self, by: Any, upload: File, name: str) -> Any:
        """Keep the file, with a guess at what its columns mean. Refused before anything is kept: what is no table."""
        self.require(by)
        if upload.size > tables.MOST_BYTES:
            raise ValidationError({"file": f"The file is larger than {tables.MOST_BYTES // 1_000_000} MB. Divide it."})
        try:
            kind = tables.recognised(_opened(upload))
            headers, total = _looked_over(upload, kind)
        except tables.Unreadable as error:
            raise ValidationError({"file": str(error)}) from error
        made = self.model(
            by=by, name=name[-200:] or self.made, size=upload.size, sha256=_sha256(upload), kind=kind.kind, total=total,
            encoding=kind.encoding, delimiter=kind.delimiter, headers=headers,
        )  # fmt: skip
        made.mapping = self.remembered(by, headers) or self.guessed(by, headers)
        self.dress(made)
        upload.seek(0)
        made.file.save("", upload, save=False)
        made.save()
        self.record(by, f"{self.prefix}.read", made, rows=total, sha256=made.sha256)
        return made

    @transaction.atomic
    def read_as(self, of: Any, by: Any, encoding: str, delimiter: str) -> Any:
        """Read a CSV in another encoding, or with other columns. What its columns mean is guessed anew."""
        of = self._locked(of, by)
        self._refuse_begun(of)
        if of.kind != "csv" or encoding not in tables.ENCODINGS or delimiter not in tables.DELIMITERS:
            raise ValidationError({"encoding": "Choose an encoding and what divides the columns, of a CSV file."})
        try:
            with of.file.open("rb") as file:
                of.headers, of.total = _looked_over(file, tables.Format("csv", encoding, delimiter))
        except (tables.Unreadable, UnicodeError) as error:
            raise ValidationError({"encoding": f"Read so, it is no table. {error}"}) from error
        of.encoding, of.delimiter = encoding, delimiter
        of.mapping = self.guessed(by, of.headers)
        of.save(update_fields=["headers", "total", "encoding", "delimiter", "mapping"])
        of.rows.all().delete()
        return of

    @transaction.atomic
    def check(self, of: Any, by: Any, mapping: Mapping[str, int], **settings: Any) -> Any:
        """Have every row checked with these columns, as the verbs would. A worker does it, and writes nothing else.

        `settings`: further fields of the file, as its person wants them.
        """
        of = self._locked(of, by)
        self._refuse_begun(of)
        mapping = {name: place for name, place in mapping.items() if 0 <= place < len(of.headers)}
        if problems := self.problems_of_mapping(mapping):
            raise ValidationError(problems)
        of.rows.all().delete()
        of.mapping, of.state, of.problem = dict(mapping), Sheet.State.CHECKING, ""
        for name, value in settings.items():
            setattr(of, name, value)
        of.save(update_fields=["mapping", "state", "problem", *settings])
        return of

    @transaction.atomic
    def start(self, of: Any, by: Any) -> Any:
        """Have the rows that are right made. The others wait to be mended."""
        of = self._locked(of, by)
        if of.at_work or of.state == Sheet.State.READ:
            raise ValidationError(AT_WORK)
        if of.rows.count() < of.total:
            of.state = Sheet.State.CHECKING  # it was stopped before all rows were checked
            of.save(update_fields=["state"])
            return of
        if not counts(of).right:
            raise ValidationError("No row is left to import. Mend those that are wrong, or bring another file.")
        of.state, of.started_at, of.finished_at, of.problem = "importing", of.started_at or Now(), None, ""
        of.save(update_fields=["state", "started_at", "finished_at", "problem"])
        self.record(by, f"{self.prefix}.started", of)
        return of

    @transaction.atomic
    def stop(self, of: Any, by: Any) -> Any:
        """What is done stays; starting it again goes on with the next row."""
        of = self._locked(of, by)
        if not of.at_work:
            raise ValidationError("Nothing is being done with this file, so there is nothing to stop.")
        _end(of, Sheet.State.STOPPED)
        self.record(by, f"{self.prefix}.stopped", of)
        return of

    @transaction.atomic
    def mend(self, row: Any, by: Any, cells: Mapping[str, str]) -> Any:
        """Write other words into the fields of one row, and check it alone."""
        of = self.model.objects.select_related("by").get(pk=row.of_id)
        row = self.row_model.objects.select_for_update().get(pk=row.pk)
        self._require_own(of, by)
        if row.imported:
            raise ValidationError(f"This row is imported. Change its {self.made.removesuffix('s')} instead.")
        kept = row.cells + [""] * (len(of.headers) - len(row.cells))
        for name, said in cells.items():
            kept[of.mapping[name]] = said
        row.cells, row.outcome = kept[: len(of.headers)], ""
        self.judge(of, [row], {})
        row.save()
        self.record(by, f"{self.prefix}.row_mended", of, row=row.number)
        return row

    def work_due(self) -> int:
        """Check and import what people have asked for, one file a person at a time. Returns how many were at hand."""
        end, files = steady() + SECONDS, 0
        for of in self.model.objects.filter(state__in=("checking", "importing")).select_related("by").order_by("id"):
            with turns.only_one(f"{self.prefix} {of.by_id}") as mine:
                if mine:
                    turns.safely(lambda each: self._work(each, end), of)
                    files += 1
        return files

    def remembered(self, by: Any, headers: Sequence[str]) -> dict[str, int]:
        """What the person last made of a file with the same headers."""
        before = self.model.objects.filter(by=by, headers=list(headers)).exclude(mapping={})
        return before.order_by("-id").values_list("mapping", flat=True).first() or {}

    def dress(self, of: Any) -> None:  # noqa: B027 (few have any)
        """Further fields of a file that was just brought."""

    def _work(self, of: Any, end: float) -> None:
        if of.state == Sheet.State.CHECKING:
            self._check(of, end)
        elif self.make_until(of, end):
            self._finish(of.pk, "importing", Sheet.State.DONE, f"{self.prefix}.finished")

    def _check(self, of: Any, end: float) -> None:
        last = of.rows.order_by("-number").values_list("number", flat=True).first() or 1
        try:
            with of.file.open("rb") as file, closing(tables.rows(_opened(file), _format(of))) as every:
                rows = (row for row in islice(every, 1, None) if row.number > last)
                while batch := list(islice(rows, BATCH)):
                    if not self._keep(of.pk, batch) or steady() > end:
                        return
        except (tables.Unreadable, OSError) as error:
            log.warning("an import cannot be read any more: %s", error)
            self._broken(of.pk, "The file cannot be read any more. Bring it again.")
            return
        self._finish(of.pk, "checking", Sheet.State.CHECKED, f"{self.prefix}.checked")

    @transaction.atomic
    def _keep(self, pk: int, batch: list[tables.Row]) -> bool:
        """Check these and keep them. False if the import was stopped."""
        of = self.model.objects.select_for_update(of=("self",)).select_related("by").get(pk=pk)
        if of.state != Sheet.State.CHECKING:
            return False
        rows = [self.row_model(of=of, number=row.number, cells=row.cells) for row in batch]
        self.judge(of, rows, {row.number: row.problem for row in batch if row.problem})
        self.row_model.objects.bulk_create(rows)
        return True

    @transaction.atomic
    def _finish(self, pk: int, at_work: str, state: str, action: str) -> None:
        of = self.model.objects.select_for_update(of=("self",)).select_related("by").get(pk=pk)
        if of.state == at_work:
            _end(of, state)
            found = counts(of)
            self.record(of.by, action, of, read=found.read, wrong=found.wrong, imported=found.imported)

    @transaction.atomic
    def _broken(self, pk: int, words: str) -> None:
        of = self.model.objects.select_for_update().get(pk=pk)
        if of.at_work:
            of.problem = words
            _end(of, Sheet.State.STOPPED)

    def _require_own(self, of: Any, by: Any) -> None:
        self.require(by)
        if of.by_id != by.pk:
            raise PermissionDenied(f"{of.by} brought this file. Bring your own.")

    def _locked(self, of: Any, by: Any) -> Any:
        of = self.model.objects.select_for_update(of=("self",)).select_related("by").get(pk=of.pk)
        self._require_own(of, by)
        return of

    def _refuse_begun(self, of: Any) -> None:
        if of.started_at:
            capital = self.made.capitalize()
            raise ValidationError(
                f"{capital} were made of this file already. Bring it again to read it in another way."
            )
        if of.at_work:
            raise ValidationError(AT_WORK)


def _end(of: Any, state: str) -> None:
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


def _format(of: Any) -> tables.Format:
    return tables.Format(of.kind, of.encoding, of.delimiter)


def _sha256(upload: File) -> str:
    digest = hashlib.sha256()
    for chunk in upload.chunks():
        digest.update(chunk)
    return digest.hexdigest()
