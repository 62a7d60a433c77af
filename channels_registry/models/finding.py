"""Where the network's list and what is declared here do not agree, until it is gone or somebody has decided."""

from django.db import models
from django.db.models import Q

# Accepted ends with its date, in hand with a revocation that is taken back; what is settled is found anew as a new row.
FINDING_MOVES: dict[str, set[str]] = {
    "open": {"accepted", "in_hand", "settled"},
    "accepted": {"open", "in_hand", "settled"},
    "in_hand": {"open", "settled"},
    "settled": set(),
}


class Finding(models.Model):
    class Kind(models.TextChoices):
        UNKNOWN = "unknown", "Unknown person"
        MISSING = "missing", "Not on the network’s list"
        LEVEL = "level", "Another level than declared"
        DEPARTED = "departed", "Has left, and is still there"
        EXPIRED = "expired", "Ended here, and still open there"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ACCEPTED = "accepted", "Accepted for now"
        IN_HAND = "in_hand", "Being shut"
        SETTLED = "settled", "Settled"

    class Outcome(models.TextChoices):
        THEIRS = "theirs", "It is theirs"
        SERVICE = "service", "It is a service"
        NOT_HELD = "not_held", "They do not have it"
        ACCEPTED = "accepted", "Accepted until a date"
        REVOKED = "revoked", "Shut"
        GONE = "gone", "Gone by itself"

    channel = models.ForeignKey("channels_registry.Channel", models.PROTECT, related_name="findings")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    grant = models.ForeignKey("channels_registry.AccessGrant", models.PROTECT, related_name="findings")
    declared = models.ForeignKey(  # what is said here, where that is another row
        "channels_registry.AccessGrant", models.PROTECT, null=True, blank=True, related_name="+"
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    outcome = models.CharField(max_length=8, choices=Outcome.choices, blank=True, default="")
    found_at = models.DateTimeField()
    decided_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True, default="")
    accepted_until = models.DateTimeField(null=True, blank=True)
    asked_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    asked_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "grant"], condition=~Q(state="settled"), name="one_finding_of_a_kind_a_door"
            ),
            models.CheckConstraint(
                condition=~Q(state="accepted") | Q(accepted_until__isnull=False, decided_by__isnull=False),
                name="accepted_by_somebody_until_then",
            ),
        ]
        indexes = [
            models.Index(fields=["channel", "state"], condition=~Q(state="settled"), name="findings_of_a_channel"),
        ]

    def __str__(self):
        return f"{self.get_kind_display()}: {self.grant}"
