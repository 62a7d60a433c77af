"""A change of a channel's state, with its row. Only the verbs that open, retire and lose a channel call it."""

from django.core.exceptions import ValidationError

from accounts import audit
from accounts.models import Person
from channels_registry.models import Channel, ChannelMove
from channels_registry.models.channel import CHANNEL_MOVES

audit.register("channel.moved", "moved a channel to another state")


def move(channel: Channel, after: str, by: Person, reason: str) -> ChannelMove:
    """Needs a transaction that holds the channel's row, and a verb that has asked whether `by` may."""
    before = channel.state
    if after not in CHANNEL_MOVES[before]:
        words = Channel.State(after).label.lower()
        raise ValidationError(
            f"{channel.name} is {channel.get_state_display().lower()}, so it does not become {words}."
        )
    if not reason.strip():
        raise ValidationError({"reason": "Say why. The reason stays with the channel."})
    channel.state = after
    channel.save(update_fields=["state"])
    made = ChannelMove.objects.create(channel=channel, before=before, after=after, by=by, reason=reason.strip()[:300])
    audit.record(by, "channel.moved", channel, before=before, after=after, reason=made.reason)
    return made
