"""Posts from a file: the import, and what became of each of its rows."""

import uuid

from django.db import models
from django.db.models import Q


def _place(of: "Import", name: str) -> str:
    """A name nobody can guess or choose; what it was called is kept in the row."""
    return f"imports/{uuid.uuid4().hex}.{of.kind}"


class Import(models.Model):
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

    by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="imports")
    name = models.CharField(max_length=200)  # of the file
    file = models.FileField(upload_to=_place, max_length=80)
    size = models.PositiveIntegerField()  # bytes
    sha256 = models.CharField(max_length=64)
    kind = models.CharField(max_length=4, choices=Kind.choices)
    encoding = models.CharField(max_length=12, blank=True, default="")  # of a csv: socialops.lib.tables.ENCODINGS
    delimiter = models.CharField(max_length=10, blank=True, default="")  # of a csv: socialops.lib.tables.DELIMITERS
    headers = models.JSONField()  # the words of the first row
    mapping = models.JSONField(default=dict)  # a field of publishing.queries.columns: the place of its column
    time_zone = models.CharField(max_length=64)  # of times that name none
    total = models.PositiveIntegerField()  # rows below the header
    state = models.CharField(max_length=10, choices=State.choices, default=State.READ)
    problem = models.CharField(max_length=200, blank=True, default="")  # why it ended before its end
    read_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)  # when posts were first made of it
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["by", "-id"], name="imports_of_a_person"),
            models.Index(fields=["id"], condition=Q(state__in=("checking", "importing")), name="imports_at_work"),
        ]

    def __str__(self):
        return self.name

    @property
    def at_work(self) -> bool:
        return self.state in (self.State.CHECKING, self.State.IMPORTING)


IMPORT_MOVES: dict[str, set[str]] = {
    "read": {"checking"},
    "checking": {"checked", "stopped"},
    "checked": {"checking", "importing"},
    "importing": {"done", "stopped"},
    "done": {"importing"},  # rows that were mended meanwhile
    "stopped": {"checking", "importing"},
}


class ImportRow(models.Model):
    class Plan(models.TextChoices):
        CREATE = "create", "New post"
        CHANGE = "change", "Changes a post"
        NOTHING = "nothing", "Nothing changes"

    class Outcome(models.TextChoices):
        CREATED = "created", "New post"
        CHANGED = "changed", "Post changed"
        UNCHANGED = "unchanged", "Nothing changed"
        SKIPPED = "skipped", "Left out"
        FAILED = "failed", "Refused"

    of = models.ForeignKey(Import, models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField()  # as a spreadsheet shows it
    cells = models.JSONField()
    key = models.CharField(max_length=200, blank=True, default="")  # what the file calls the post
    identity = models.CharField(max_length=64, blank=True, default="")  # the same for what is the same post
    digest = models.CharField(max_length=64, blank=True, default="")  # of everything the row says
    problems = models.JSONField(default=dict, blank=True)  # field: words
    plan = models.CharField(max_length=7, choices=Plan.choices, blank=True, default="")
    outcome = models.CharField(max_length=9, choices=Outcome.choices, blank=True, default="")
    post = models.ForeignKey("publishing.Post", models.PROTECT, null=True, blank=True, related_name="imported")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["of", "number"], name="one_row_a_number"),
            models.CheckConstraint(
                condition=~Q(outcome__in=("created", "changed", "unchanged")) | Q(post__isnull=False, problems={}),
                name="an_imported_row_has_its_post",
            ),
        ]
        indexes = [
            models.Index(fields=["identity"], condition=Q(post__isnull=False), name="rows_imported_before"),
            models.Index(fields=["of", "key"], condition=~Q(key=""), name="rows_by_key"),
        ]

    def __str__(self):
        return f"row {self.number} of {self.of.name}"
