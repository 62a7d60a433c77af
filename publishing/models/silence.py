"""When nothing is to be scheduled: a blackout over channels for a time, an embargo over one post until a moment."""

from django.db import models
from django.db.models import F, Q


class Blackout(models.Model):
    """Over everything, one network, one channel or one campaign. What was scheduled inside before it stays, marked,
    until a person decides: a blackout keeps people from scheduling; what stops what is on its way is a Hold.
    """

    network = models.CharField(max_length=40, blank=True, default="")
    channel = models.ForeignKey("channels_registry.Channel", models.PROTECT, null=True, blank=True, related_name="+")
    campaign = models.ForeignKey("publishing.Campaign", models.PROTECT, null=True, blank=True, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=200)
    declared_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    declared_at = models.DateTimeField(auto_now_add=True)
    ended_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)  # taken back

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="a_blackout_ends_after_it_starts"),
            models.CheckConstraint(
                condition=Q(network="", channel=None) | Q(network="", campaign=None) | Q(channel=None, campaign=None),
                name="one_scope_a_blackout",
            ),
        ]
        indexes = [models.Index(fields=["ends_at"], condition=Q(ended_at=None), name="standing_blackouts")]

    def __str__(self):
        return self.reason


class Embargo(models.Model):
    """A post that may not go out before a moment. The database refuses an earlier time, too."""

    post = models.OneToOneField("publishing.Post", models.CASCADE, related_name="embargo")
    until = models.DateTimeField()
    reason = models.CharField(max_length=200)
    by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "embargoes"

    def __str__(self):
        return self.reason
