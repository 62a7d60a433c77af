"""A change of what is out: another text over it, or taking it down. An effect outside, so a delivery of its own."""

from django.db import models
from django.db.models import Q

from socialops.lib.delivery.models import Attempt, Delivery, State


class Correction(Delivery):
    """An edit has `text`, `approval` and `content_hash`: what was approved. A deletion has `why`."""

    class Kind(models.TextChoices):
        EDIT = "edit", "Edit"
        DELETE = "delete", "Take down"

    publication = models.ForeignKey("publishing.Publication", models.PROTECT, related_name="corrections")
    channel = models.ForeignKey("channels_registry.Channel", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    text = models.TextField(blank=True, default="")
    approval = models.ForeignKey("publishing.Approval", models.PROTECT, null=True, blank=True, related_name="+")
    content_hash = models.CharField(max_length=64, blank=True, default="")
    why = models.CharField(max_length=300, blank=True, default="")
    answerable = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["publication"],
                condition=~Q(state__in=[State.DONE, State.CANCELLED]),
                name="one_correction_at_a_time",
            ),
            models.CheckConstraint(
                condition=(Q(kind="edit", approval__isnull=False) & ~Q(text="") & ~Q(content_hash=""))
                | (Q(kind="delete", approval=None) & ~Q(why="")),
                name="an_edit_is_approved_and_a_deletion_has_a_reason",
            ),
        ]

    def __str__(self):
        return f"{self.get_kind_display()}: {self.publication}"


class CorrectionAttempt(Attempt):
    delivery = models.ForeignKey(Correction, models.CASCADE, related_name="attempts")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["delivery", "fence"], name="one_correction_attempt_a_fence")]
