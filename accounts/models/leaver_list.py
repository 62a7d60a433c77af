"""People who leave, from a file: what it says, row by row, and what became of each row."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class LeaverList(models.Model):
    """`mapping` says in which column, from 0, each of accounts.queries.leavers.FIELDS stands."""

    class State(models.TextChoices):
        READ = "read", "To be checked"
        CHECKED = "checked", "Checked"
        APPLYING = "applying", "Being applied"
        DONE = "done", "Applied"

    by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    headers = ArrayField(models.CharField(max_length=100), default=list)
    mapping = models.JSONField(default=dict)
    time_zone = models.CharField(max_length=64, default="UTC")  # of times whose row names none
    state = models.CharField(max_length=10, choices=State.choices, default=State.READ)
    total = models.PositiveIntegerField(default=0)
    read_at = models.DateTimeField(db_default=Now(), editable=False)
    applied_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    applied_at = models.DateTimeField(null=True, blank=True)

    def __str__(self):
        return self.name


LIST_MOVES: dict[str, set[str]] = {
    "read": {"checked"},
    "checked": {"applying"},
    "applying": {"done"},
    "done": {"checked"},  # what was wrong was mended elsewhere: checked once more
}


class LeaverRow(models.Model):
    """`problems` by field; `plan` is leave or nothing (it stands already); `outcome` what was done: left, nothing, or
    the reason why it could not be.
    """

    of = models.ForeignKey(LeaverList, models.CASCADE, related_name="rows", db_index=False)
    number = models.PositiveIntegerField()  # as a spreadsheet shows it
    cells = ArrayField(models.TextField(), default=list)
    problems = models.JSONField(default=dict)
    person = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    wall = models.DateTimeField(null=True, blank=True)  # naive local time, stored as if UTC
    time_zone = models.CharField(max_length=64, blank=True, default="")
    reason = models.CharField(max_length=200, blank=True, default="")
    plan = models.CharField(max_length=10, blank=True, default="")
    outcome = models.CharField(max_length=10, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["of", "number"], name="one_leaver_a_row")]
        indexes = [
            models.Index(fields=["of", "number"], condition=Q(plan="leave", outcome=""), name="leavers_to_record")
        ]

    def wall_words(self) -> str:
        """As the clock over there shows it, whoever reads."""
        return f"{self.wall:%a %-d %b %Y, %H:%M} {self.time_zone.replace('_', ' ')}" if self.wall else ""
