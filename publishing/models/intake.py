"""What somebody without a seat asks for, through a form at a private link."""

from django.db import models
from django.db.models import Q


class IntakeForm(models.Model):
    """Its link is the secret; only the link's hash is kept."""

    name = models.CharField(max_length=120)
    token_hash = models.CharField(max_length=64, unique=True)
    channels = models.ManyToManyField("channels_registry.Channel", blank=True, related_name="+")  # may be suggested
    campaigns = models.ManyToManyField("publishing.Campaign", blank=True, related_name="+")
    made_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self):
        return self.name


class PostRequest(models.Model):
    """Everything that `who` wrote is a stranger's text: shown as text, never as markup."""

    class State(models.TextChoices):
        RECEIVED = "received", "Received"
        ACCEPTED = "accepted", "In work"
        REFUSED = "refused", "Refused"
        DUPLICATE = "duplicate", "Asked before"

    class Refusal(models.TextChoices):
        NOT_OURS = "not_ours", "It is not for our channels"
        NO_ROOM = "no_room", "There is no room at that time"
        TOO_LATE = "too_late", "It came too late"
        UNCLEAR = "unclear", "We need to know more"
        AGAINST_RULES = "against_rules", "It does not fit our rules"

    form = models.ForeignKey(IntakeForm, models.PROTECT, related_name="requests")
    who = models.CharField(max_length=120)
    email = models.EmailField()
    what = models.TextField(max_length=5000)
    why = models.TextField(max_length=1000, blank=True, default="")
    audience = models.CharField(max_length=300, blank=True, default="")
    link = models.URLField(max_length=600, blank=True, default="")
    wanted_on = models.DateField(null=True, blank=True)
    channels = models.ManyToManyField("channels_registry.Channel", blank=True, related_name="+")
    campaign = models.ForeignKey("publishing.Campaign", models.PROTECT, null=True, blank=True, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.RECEIVED)
    received_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    refusal = models.CharField(max_length=14, choices=Refusal.choices, blank=True, default="")
    note = models.TextField(max_length=1000, blank=True, default="")
    post = models.ForeignKey("publishing.Post", models.PROTECT, null=True, blank=True, related_name="requests")
    duplicate_of = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="duplicates")

    class Meta:
        indexes = [models.Index(fields=["state", "received_at"], name="requests_to_triage")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="received", decided_by=None, post=None, refusal="", duplicate_of=None)
                | Q(state="accepted", decided_by__isnull=False, post__isnull=False)
                | (Q(state="refused", decided_by__isnull=False) & ~Q(refusal=""))
                | Q(state="duplicate", decided_by__isnull=False, duplicate_of__isnull=False),
                name="a_request_is_decided_by_somebody_in_one_way",
            ),
        ]

    def __str__(self):
        return f"{self.who}: {' '.join(self.what.split())[:80]}"


REQUEST_MOVES: dict[str, set[str]] = {"received": {"accepted", "refused", "duplicate"}}
