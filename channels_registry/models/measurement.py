"""Who follows a channel, as its network told it over time."""

from django.db import models


class ChannelMeasurement(models.Model):
    """None: the network did not tell."""

    channel = models.ForeignKey(
        "channels_registry.Channel", models.CASCADE, related_name="measurements", db_index=False
    )
    at = models.DateTimeField(auto_now_add=True)
    followers = models.PositiveBigIntegerField(null=True)
    posts = models.PositiveBigIntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["channel", "-at"], name="channel_measured")]

    def __str__(self):
        return f"{self.channel.name}: {self.followers} at {self.at:%Y-%m-%d %H:%M}"
