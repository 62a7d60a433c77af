"""The tokens of a channel, sealed. The web process can seal; only workers can open."""

from django.db import models
from django.db.models import Q

# What may follow what. The database refuses the rest (migration 0002_rules).
MOVES: dict[str, set[str]] = {
    "pending": {"live", "refused", "ended"},
    "live": {"disconnected", "ended"},
    "disconnected": {"live", "ended"},  # a refresh may bring it back
    "refused": set(),
    "ended": set(),
}


class Connection(models.Model):
    class State(models.TextChoices):
        PENDING = "pending", "Connecting"  # sealed by web, waiting for a worker to prove it
        LIVE = "live", "Connected"
        REFUSED = "refused", "Refused"  # the network did not accept it; nothing was replaced
        DISCONNECTED = "disconnected", "Disconnected"  # it worked once, the credential is dead
        ENDED = "ended", "Ended"  # replaced or taken away by a person

    class GivenBack(models.TextChoices):
        """What became of our token over there once a person had disconnected the channel."""

        ASKED = "asked", "Being given back"  # a worker is to do it; the sealed secrets stay until then
        REVOKED = "revoked", "Given back"
        KEPT = "kept", "Not given back"  # the network could not, or not reached; `trouble` says why

    channel = models.ForeignKey("channels_registry.Channel", models.PROTECT, related_name="connections")
    state = models.CharField(max_length=12, choices=State.choices, default=State.PENDING)
    fields = models.JSONField(default=dict)  # public answers of the connect form
    sealed_secrets = models.BinaryField()
    key_id = models.CharField(max_length=40)
    sealed_webhook_secret = models.BinaryField(default=b"")  # with a key of its own, which web may open
    secret_version = models.PositiveIntegerField(default=1)  # compare-and-swap for refreshes
    remote_id = models.CharField(max_length=200, blank=True, default="")
    handle = models.CharField(max_length=200, blank=True, default="")
    scopes = models.JSONField(default=list)  # given
    scopes_asked = models.JSONField(default=list)  # what the network's class wanted when it was connected
    facts = models.JSONField(default=dict)  # what the server says of itself
    authorised_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    next_authoriser = models.ForeignKey(  # who connects it again when it ends; reminded in time
        "accounts.Person", models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    proven_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)  # when its doors were last read whole
    next_check_at = models.DateTimeField(null=True, blank=True)  # when they are read next; a worker's lease moves it on
    next_renewal_at = models.DateTimeField(null=True, blank=True)  # not before then again; a worker's lease as well
    trouble = models.CharField(max_length=400, blank=True, default="")  # for people
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    given_back = models.CharField(
        max_length=7, choices=GivenBack.choices, blank=True, default=""
    )  # "": nothing to give

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel"], condition=Q(state="live"), name="one_live_connection"),
        ]
        indexes = [
            models.Index(fields=["next_check_at"], condition=Q(state="live"), name="doors_to_read"),
            models.Index(fields=["id"], condition=Q(state="pending"), name="to_be_proven"),
            models.Index(fields=["id"], condition=Q(given_back="asked"), name="to_be_given_back"),
        ]

    def __str__(self):
        return f"connection of {self.channel}"


class ConnectionBudget(models.Model):
    """What this connection may still ask of the network, and whether it should: one row, locked briefly."""

    connection = models.OneToOneField(Connection, models.CASCADE, related_name="budget")
    tokens = models.IntegerField(default=1_000_000)
    reset_at = models.DateTimeField(null=True, blank=True)
    cooldown_until = models.DateTimeField(null=True, blank=True)
    breaker = models.CharField(max_length=6, default="closed")  # closed, open, half
    breaker_until = models.DateTimeField(null=True, blank=True)
    consecutive_failures = models.PositiveIntegerField(default=0)
