from django.db import models
from django.db.models import Q

from channels_registry import networks


class Hold(models.Model):
    """Nothing leaves while it stands: everything, one network, or one channel."""

    network = models.CharField(max_length=40, blank=True, default="")
    channel = models.ForeignKey(
        "channels_registry.Channel", models.PROTECT, null=True, blank=True, related_name="holds"
    )
    reason = models.CharField(max_length=300)
    placed_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    placed_at = models.DateTimeField(auto_now_add=True)
    lifted_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["placed_at"], condition=Q(lifted_at=None), name="standing_holds")]
        constraints = [
            models.CheckConstraint(condition=Q(network="") | Q(channel=None), name="one_scope_a_hold"),
            models.UniqueConstraint(
                fields=["network"], condition=Q(channel=None, lifted_at=None), name="one_standing_hold_a_network"
            ),
            models.UniqueConstraint(
                fields=["channel"], condition=Q(lifted_at=None), name="one_standing_hold_a_channel"
            ),
        ]

    def __str__(self):
        return self.reason

    @property
    def scope(self) -> str:
        """What is held, in words."""
        if self.channel_id:
            return str(self.channel)
        return networks.network(self.network).label if self.network else "Everything"
