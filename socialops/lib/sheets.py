"""Files of rows that people bring, as tables: abstract, like deliveries. The verbs are socialops.lib.bringing.

An app declares two tables (Sheet, SheetRow) and an Importing: what its columns mean, what is wrong with a row, and how
one is made.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import Count, Q, QuerySet

WRONG = ~Q(problems={})


class Sheet(models.Model):
    """A file. The concrete table adds `by`, a person, and `file`."""

    class State(models.TextChoices):
        READ = "read", "Columns to confirm"
        CHECKING = "checking", "Being checked"
        CHECKED = "checked", "Checked"
        IMPORTING = "importing", "Being imported"
        DONE = "done", "Imported"
        STOPPED = "stopped", "Stopped"

    class Kind(models.TextChoices):
        CSV = "csv", "CSV"
        XLSX = "xlsx", "XLSX"

    by: Any
    file: Any
    rows: Any
    name = models.CharField(max_length=200)  # of the file
    size = models.PositiveIntegerField()  # bytes
    sha256 = models.CharField(max_length=64)
    kind = models.CharField(max_length=4, choices=Kind.choices)
    encoding = models.CharField(max_length=12, blank=True, default="")  # of a csv: socialops.lib.tables.ENCODINGS
    delimiter = models.CharField(max_length=10, blank=True, default="")  # of a csv: socialops.lib.tables.DELIMITERS
    headers = models.JSONField()  # the words of the first row
    mapping = models.JSONField(default=dict)  # a field: the place of its column
    total = models.PositiveIntegerField()  # rows below the header
    state = models.CharField(max_length=10, choices=State.choices, default=State.READ)
    problem = models.CharField(max_length=200, blank=True, default="")  # why it ended before its end
    read_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)  # when something was first made of it
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    def __str__(self):
        return self.name

    @property
    def at_work(self) -> bool:
        return self.state in (self.State.CHECKING, self.State.IMPORTING)


SHEET_MOVES: dict[str, set[str]] = {
    "read": {"checking"},
    "checking": {"checked", "stopped"},
    "checked": {"checking", "importing"},
    "importing": {"done", "stopped"},
    "done": {"importing"},  # rows that were mended meanwhile
    "stopped": {"checking", "importing"},
}


class SheetRow(models.Model):
    """A row of one. The concrete table adds `of`, and what was made of it."""

    class Outcome(models.TextChoices):
        CREATED = "created", "New"
        CHANGED = "changed", "Changed"
        UNCHANGED = "unchanged", "Nothing changed"
        SKIPPED = "skipped", "Left out"
        FAILED = "failed", "Refused"

    number = models.PositiveIntegerField()  # as a spreadsheet shows it
    cells = models.JSONField()
    problems = models.JSONField(default=dict, blank=True)  # field: words
    plan = models.CharField(max_length=7, blank=True, default="")  # create, change, nothing
    outcome = models.CharField(max_length=9, blank=True, default="")

    class Meta:
        abstract = True

    @property
    def imported(self) -> bool:
        return self.outcome in ("created", "changed", "unchanged")


@dataclass(frozen=True)
class Counts:
    """How many rows of an import: read, wrong, planned, and by what became of them."""

    read: int
    wrong: int
    create: int
    change: int
    nothing: int
    created: int
    changed: int
    unchanged: int

    @property
    def imported(self) -> int:
        return self.created + self.changed + self.unchanged

    @property
    def right(self) -> int:
        """What could be imported now."""
        return self.read - self.wrong - self.imported


def counts(of: Any) -> Counts:
    """One query."""
    plans, outcomes = ("create", "change", "nothing"), ("created", "changed", "unchanged")
    planned = {plan: Count("pk", filter=Q(plan=plan, outcome="", problems={})) for plan in plans}
    became = {outcome: Count("pk", filter=Q(outcome=outcome)) for outcome in outcomes}
    return Counts(**of.rows.aggregate(read=Count("pk"), wrong=Count("pk", filter=WRONG), **planned, **became))


def wrong_rows(of: Any, field: str = "") -> QuerySet:
    """In order; of one field's problems if it is named."""
    rows = of.rows.filter(WRONG).order_by("number")
    return rows.filter(problems__has_key=field) if field else rows


def guess(fields: Mapping[str, Iterable[str]], headers: Sequence[str]) -> dict[str, int]:
    """field: the place of its column. `fields`: the headers that mean each. The first that fits, once each."""
    meant = {plain(word): name for name, words in fields.items() for word in words}
    found: dict[str, int] = {}
    for place, header in enumerate(headers):
        if name := meant.get(plain(header)):
            found.setdefault(name, place)
    return found


def twice(mapping: Mapping[str, int]) -> dict[str, str]:
    """What is wrong with fields that stand in the same column."""
    places = list(mapping.values())
    return {name: "This column means something else already." for name in mapping if places.count(mapping[name]) > 1}


def plain(header: str) -> str:
    """Lower case, letters and digits only, without accents: “Why now?” is whynow, “Schlüssel” schlussel."""
    bare = unicodedata.normalize("NFKD", header.casefold())
    return "".join(sign for sign in bare if sign.isalnum())
