from django.db import models
from django.db.models import Q

from channels_registry import networks

NO_CHANNEL, NO_CAMPAIGN, NO_TAG, NO_NETWORK = Q(channel=None), Q(campaign=None), Q(tag=""), Q(network="")
ONE_SCOPE = (
    (NO_CHANNEL & NO_CAMPAIGN & NO_TAG)
    | (NO_NETWORK & NO_CAMPAIGN & NO_TAG)
    | (NO_NETWORK & NO_CHANNEL & NO_TAG)
    | (NO_NETWORK & NO_CHANNEL & NO_CAMPAIGN)
)


class HoldQuerySet(models.QuerySet):
    def standing(self):
        return self.filter(lifted_at=None)

    def of_everything(self):
        """Those that stop whatever there is. One of a campaign or a tag names no network and no channel either."""
        return self.filter(network="", channel=None, campaign=None, tag="")


class Hold(models.Model):
    """Nothing leaves while it stands: everything, or one network, channel, campaign or tag. Unsaved it is a scope."""

    network = models.CharField(max_length=40, blank=True, default="")
    channel = models.ForeignKey(
        "channels_registry.Channel", models.PROTECT, null=True, blank=True, related_name="holds"
    )
    campaign = models.ForeignKey("publishing.Campaign", models.PROTECT, null=True, blank=True, related_name="holds")
    tag = models.CharField(max_length=40, blank=True, default="")
    reason = models.CharField(max_length=300)
    placed_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    placed_at = models.DateTimeField(auto_now_add=True)
    lifted_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    lifted_at = models.DateTimeField(null=True, blank=True)

    objects = HoldQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["placed_at"], condition=Q(lifted_at=None), name="standing_holds")]
        constraints = [
            models.CheckConstraint(condition=ONE_SCOPE, name="one_scope_a_hold"),
            models.UniqueConstraint(
                fields=["network"],
                condition=NO_CHANNEL & NO_CAMPAIGN & NO_TAG & Q(lifted_at=None),
                name="one_standing_hold_a_network",
            ),
            models.UniqueConstraint(
                fields=["channel"], condition=Q(lifted_at=None), name="one_standing_hold_a_channel"
            ),
            models.UniqueConstraint(
                fields=["campaign"], condition=Q(lifted_at=None), name="one_standing_hold_a_campaign"
            ),
            models.UniqueConstraint(
                fields=["tag"], condition=~NO_TAG & Q(lifted_at=None), name="one_standing_hold_a_tag"
            ),
        ]

    def __str__(self):
        return self.reason

    @property
    def scope(self) -> str:
        """What is held, in words."""
        if self.channel_id:
            return str(self.channel)
        if self.campaign_id:
            return f"The campaign “{self.campaign}”"
        if self.tag:
            return f"What is tagged “{self.tag}”"
        return networks.network(self.network).label if self.network else "Everything"


class HoldTask(models.Model):
    """Something that a hold cannot stop, for a person to stop by hand over there. `note` says what they saw."""

    class Kind(models.TextChoices):
        NATIVE = "native", "Scheduled on the network itself"
        ADS = "ads", "Ads and boosted posts"
        APP = "app", "Another tool that can post"

    hold = models.ForeignKey(Hold, models.PROTECT, related_name="tasks")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    text = models.CharField(max_length=300)
    url = models.CharField(max_length=600, blank=True, default="")
    done_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    done_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(done_by=None, done_at=None, note="")
                | (Q(done_by__isnull=False, done_at__isnull=False) & ~Q(note="")),
                name="a_task_of_a_hold_is_done_by_somebody_who_says_what_they_saw",
            ),
        ]

    def __str__(self):
        return self.text


class HoldDecision(models.Model):
    """What became of one publication that a hold had stopped."""

    class Fate(models.TextChoices):
        KEPT = "kept", "Kept at its time"
        MOVED = "moved", "Moved"
        DROPPED = "dropped", "Dropped"

    hold = models.ForeignKey(Hold, models.PROTECT, related_name="decisions")
    publication = models.ForeignKey("publishing.Publication", models.PROTECT, related_name="+")
    fate = models.CharField(max_length=8, choices=Fate.choices)
    by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return f"{self.publication}: {self.get_fate_display()}"
