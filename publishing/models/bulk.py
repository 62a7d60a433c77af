"""Posts from a file: the import, and what became of each of its rows."""

import uuid

from django.db import models
from django.db.models import Q

from socialops.lib.sheets import SHEET_MOVES, Sheet, SheetRow


def _place(of: "Import", name: str) -> str:
    """A name nobody can guess or choose; what it was called is kept in the row."""
    return f"imports/{uuid.uuid4().hex}.{of.kind}"


class Import(Sheet):
    by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="imports")
    file = models.FileField(upload_to=_place, max_length=80)
    time_zone = models.CharField(max_length=64)  # of times that name none

    class Meta:
        indexes = [
            models.Index(fields=["by", "-id"], name="imports_of_a_person"),
            models.Index(fields=["id"], condition=Q(state__in=("checking", "importing")), name="imports_at_work"),
        ]


IMPORT_MOVES = SHEET_MOVES


class ImportRow(SheetRow):
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
    key = models.CharField(max_length=200, blank=True, default="")  # what the file calls the post
    identity = models.CharField(max_length=64, blank=True, default="")  # the same for what is the same post
    digest = models.CharField(max_length=64, blank=True, default="")  # of everything the row says
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
