"""What still points at a channel that is to go: posts that wait to go out there."""

from django.urls import reverse

from channels_registry.models import Channel
from channels_registry.queries.lifecycle import Pointing
from publishing.models import Publication
from socialops.lib.delivery.models import LIVE


def scheduled_there(channel: Channel) -> Pointing:
    """One query."""
    waiting = Publication.objects.filter(channel=channel, state__in=LIVE)
    return Pointing("posts that are to go out", waiting.count(), f"{reverse('publication_list')}?channel={channel.pk}")
