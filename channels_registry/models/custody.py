"""What became of a connection over time: how it was, who tried it, and which warnings of its end were given."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

# What may follow what. The database refuses the rest (migration 0013_custody).
REHEARSAL_MOVES: dict[str, set[str]] = {"asked": {"well", "refused", "unclear"}}


class ConnectionChange(models.Model):
    """One turn in the life of a connection. Written by the database itself (migration 0013_custody), whoever changes
    the row and however, so that none is missing; append-only.
    """

    class Kind(models.TextChoices):
        LIVE = "live", "Connected"
        TROUBLE = "trouble", "In trouble"
        WELL = "well", "Well again"
        LOST = "disconnected", "Disconnected"
        BACK = "back", "Connected again by itself"
        REFUSED = "refused", "Keys refused"
        ENDED = "ended", "Ended"

    connection = models.ForeignKey("channels_registry.Connection", models.PROTECT, related_name="changes")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    at = models.DateTimeField(db_default=Now())
    why = models.CharField(max_length=400, blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["connection", "-at"], name="health_of_a_connection")]

    def __str__(self):
        return f"{self.get_kind_display()} at {self.at:%Y-%m-%d %H:%M}"


class Rehearsal(models.Model):
    """A harmless read with the connection's own token, by a worker: what would happen if a post were due now."""

    class State(models.TextChoices):
        ASKED = "asked", "Being tried"
        WELL = "well", "It works"
        REFUSED = "refused", "It does not work"
        UNCLEAR = "unclear", "Nobody can say"  # the network, or we, were away

    connection = models.ForeignKey("channels_registry.Connection", models.PROTECT, related_name="rehearsals")
    asked_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    asked_at = models.DateTimeField(db_default=Now())
    next_try_at = models.DateTimeField(db_default=Now())  # a worker's lease moves it on
    state = models.CharField(max_length=8, choices=State.choices, default=State.ASKED)
    words = models.CharField(max_length=400, blank=True, default="")  # for people
    handle = models.CharField(max_length=200, blank=True, default="")  # as whom the network knows the token
    milliseconds = models.PositiveIntegerField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection"], condition=Q(state="asked"), name="one_rehearsal_at_a_time")
        ]
        indexes = [models.Index(fields=["next_try_at"], condition=Q(state="asked"), name="to_be_rehearsed")]

    def __str__(self):
        return f"rehearsal of {self.connection}"


class ConnectionWarning(models.Model):
    """That its end was told to people, once a threshold. New secrets are a new version, and are warned of anew."""

    connection = models.ForeignKey("channels_registry.Connection", models.PROTECT, related_name="end_warnings")
    secret_version = models.PositiveIntegerField()
    days = models.PositiveSmallIntegerField()
    posts = models.PositiveIntegerField()  # how many were scheduled after its end then
    told_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "secret_version", "days"], name="one_warning_a_threshold")
        ]

    def __str__(self):
        return f"{self.days} days before the end of {self.connection}"
