"""What is handed to an auditor, and what keeps it from being deleted."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class EvidenceBundle(models.Model):
    """A pack: who asked, what it covers, and the digests by which it is known again. A worker makes it."""

    class State(models.TextChoices):
        DUE = "due", "Being made"
        MADE = "made", "Made"
        FAILED = "failed", "Could not be made"

    kind = models.CharField(max_length=30)  # of governance.queries.packs.KINDS
    title = models.CharField(max_length=200, blank=True, default="")
    scope = models.JSONField(default=dict)  # what the kind asks for: {"case": id}, {"person": id}, ...
    sample = models.PositiveIntegerField(default=25)  # rows drawn of each table
    seed = models.CharField(max_length=32, blank=True, default="")  # with which the sample is drawn again
    made_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(db_default=Now(), editable=False)
    state = models.CharField(max_length=6, choices=State.choices, default=State.DUE)
    done = models.PositiveIntegerField(default=0)  # rows written so far
    total = models.PositiveIntegerField(default=0)  # of so many; 0 is not known yet
    tries = models.PositiveSmallIntegerField(default=0)
    problem = models.TextField(blank=True, default="")
    at_moment = models.DateTimeField(null=True, blank=True)  # the moment the evidence speaks of; empty: when it is made
    made_at = models.DateTimeField(null=True, blank=True)
    manifest = models.JSONField(default=dict)
    manifest_sha256 = models.CharField(max_length=64, blank=True, default="")
    key_id = models.CharField(max_length=40, blank=True, default="")  # the key that signed the manifest
    file = models.FileField(upload_to="evidence/%Y/%m/", blank=True)
    size = models.BigIntegerField(default=0)  # bytes of the ZIP
    sha256 = models.CharField(max_length=64, blank=True, default="")  # of the ZIP
    pdf = models.FileField(upload_to="evidence/%Y/%m/", blank=True)

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(state="due"), name="packs_to_make")]

    def __str__(self) -> str:
        return self.title or self.kind


BUNDLE_MOVES: dict[str, set[str]] = {"due": {"made", "failed"}, "failed": {"due"}, "made": set()}
