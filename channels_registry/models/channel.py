"""An account or page on a network that speaks for the company."""

from datetime import date, timedelta

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Lower
from django.utils import timezone

from channels_registry import networks
from channels_registry.models.risk import Kind

REVIEW_DAYS = {"high": 90, "medium": 180, "low": 365}  # by risk tier, between two looks at the record


def known_network(slug: str) -> None:
    if slug not in networks.slugs():
        raise ValidationError(f"“{slug}” is not a network Socialops knows.")


def first_review() -> date:
    """A record that nobody has looked at is due like one of medium risk."""
    return timezone.now().date() + timedelta(days=REVIEW_DAYS["medium"])


class Channel(models.Model):
    class State(models.TextChoices):
        PROPOSED = "proposed", "Proposed"
        LIVE = "live", "Live"
        DORMANT = "dormant", "Dormant"
        ARCHIVED = "archived", "Archived"
        LOST = "lost", "Lost"  # ours, and we cannot get in
        IMPOSTOR = "impostor", "Impostor"  # it speaks as if it were ours, and is not

    class Verification(models.TextChoices):
        YES = "yes", "Verified"
        NO = "no", "Not verified"
        UNKNOWN = "unknown", "Not known"

    class RiskTier(models.TextChoices):
        HIGH = "high", "High"
        MEDIUM = "medium", "Medium"
        LOW = "low", "Low"

    network = models.CharField(max_length=40, validators=[known_network])
    handle = models.CharField(max_length=200)
    name = models.CharField(max_length=120)
    url = models.CharField(max_length=400, blank=True, default="")
    remote_id = models.CharField(max_length=200, blank=True, default="")
    legal_entity = models.CharField(max_length=120, blank=True, default="")  # the company that answers for it in law
    purpose = models.CharField(max_length=200, blank=True, default="")
    brand = models.CharField(max_length=80, blank=True, default="")
    region = models.CharField(max_length=80, blank=True, default="")
    language = models.CharField(max_length=10, blank=True, default="")
    time_zone = models.CharField(max_length=64, default="UTC")
    audience_size = models.PositiveIntegerField(null=True, blank=True)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.BRAND)
    regulated = models.BooleanField(default=False)  # speaks for a bank, an insurer, a maker of medicines
    runs_ads = models.BooleanField(default=False)
    crisis_voice = models.BooleanField(default=False)
    verification = models.CharField(max_length=7, choices=Verification.choices, default=Verification.UNKNOWN)
    verified_since = models.DateField(null=True, blank=True)
    verification_evidence = models.CharField(max_length=400, blank=True, default="")  # where it can be seen
    risk_tier = models.CharField(max_length=6, choices=RiskTier.choices, default=RiskTier.MEDIUM)  # by rating.py only
    closing_procedure = models.TextField(max_length=4000, blank=True, default="")
    review_due = models.DateField(default=first_review)  # when somebody has to look at the record again
    state = models.CharField(max_length=10, choices=State.choices, default=State.LIVE)
    owner = models.ForeignKey("accounts.Person", models.PROTECT, related_name="owned_channels")
    backup_owner = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        permissions = [  # the rights of this application; which person has which is in AccessGrant
            ("see", "See the channel"),
            ("draft", "Write drafts"),
            ("approve", "Approve posts"),
            ("publish", "Publish and schedule"),
            ("answer", "Answer messages"),
            ("manage", "Manage the channel and who has access"),
        ]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["network", "handle"], condition=~Q(state="archived"), name="one_live_channel_a_handle"
            ),
            models.UniqueConstraint(  # @Acme and acme are one account
                F("network"),
                Lower(Func(F("handle"), Value("@"), function="LTRIM", output_field=models.CharField())),
                condition=~Q(state="archived"),
                name="one_live_channel_a_handle_however_written",
            ),
        ]
        indexes = [models.Index(fields=["review_due"], name="records_to_review")]

    def __str__(self):
        return f"{self.name} ({self.handle})"

    @property
    def connector(self):
        """The network's class. Raises KeyError for a network that is no longer installed."""
        return networks.network(self.network)

    @property
    def review_is_due(self) -> bool:
        return self.review_due < timezone.localdate() and self.state != self.State.ARCHIVED


CHANNEL_BORN = {"proposed", "live", "dormant", "lost"}
CHANNEL_MOVES: dict[str, set[str]] = {
    "proposed": {"live", "archived", "impostor"},
    "live": {"dormant", "archived", "lost"},
    "dormant": {"live", "archived", "lost"},
    "lost": {"live", "archived", "impostor"},
    "impostor": {"live", "archived"},  # we got it back; it is gone
    "archived": set(),  # registered anew, if it ever speaks again
}


class RecordReview(models.Model):
    """Somebody has looked at what the register says of a channel, and found it right."""

    channel = models.ForeignKey(Channel, models.CASCADE, related_name="record_reviews")
    by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    note = models.CharField(max_length=300, blank=True, default="")
    next_due = models.DateField()

    def __str__(self):
        return f"{self.channel} reviewed by {self.by}"
