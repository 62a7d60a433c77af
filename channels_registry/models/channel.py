"""An account or page on a network that speaks for the company."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from channels_registry import networks


def known_network(slug: str) -> None:
    if slug not in networks.slugs():
        raise ValidationError(f"“{slug}” is not a network Socialops knows.")


class Channel(models.Model):
    class State(models.TextChoices):
        PROPOSED = "proposed", "Proposed"
        LIVE = "live", "Live"
        DORMANT = "dormant", "Dormant"
        ARCHIVED = "archived", "Archived"

    class RiskTier(models.TextChoices):
        HIGH = "high", "High"
        MEDIUM = "medium", "Medium"
        LOW = "low", "Low"

    network = models.CharField(max_length=40, validators=[known_network])
    handle = models.CharField(max_length=200)
    name = models.CharField(max_length=120)
    url = models.CharField(max_length=400, blank=True, default="")
    remote_id = models.CharField(max_length=200, blank=True, default="")
    purpose = models.CharField(max_length=200, blank=True, default="")
    brand = models.CharField(max_length=80, blank=True, default="")
    region = models.CharField(max_length=80, blank=True, default="")
    language = models.CharField(max_length=10, blank=True, default="")
    time_zone = models.CharField(max_length=64, default="UTC")
    audience_size = models.PositiveIntegerField(null=True, blank=True)
    risk_tier = models.CharField(max_length=6, choices=RiskTier.choices, default=RiskTier.MEDIUM)
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
        ]

    def __str__(self):
        return f"{self.name} ({self.handle})"

    @property
    def connector(self):
        """The network's class. Raises KeyError for a network that is no longer installed."""
        return networks.network(self.network)
