"""Keeping what a network says of a channel."""

from django.db import transaction

from channels_registry.connector.types import Following
from channels_registry.models import Channel, ChannelMeasurement

MOST_FOLLOWERS = 2**31 - 1  # as the channel's own column takes it


@transaction.atomic
def keep_following(channel: Channel, said: Following) -> ChannelMeasurement:
    """One more measurement. The channel's own number follows it where the network tells one."""
    made = ChannelMeasurement.objects.create(channel=channel, followers=said.followers, posts=said.posts)
    if said.followers is not None:
        Channel.objects.filter(pk=channel.pk).update(audience_size=min(said.followers, MOST_FOLLOWERS))
    return made
