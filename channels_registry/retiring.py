"""A channel rests, is lost and found, or goes for good: what points there first, then every door, then the record."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now

from accounts import audit
from accounts.models import Person
from channels_registry import connecting
from channels_registry.models import AccessGrant, Channel, ChannelMove, Connection, Retirement
from channels_registry.models.access_grant import Door
from channels_registry.moving import move
from channels_registry.permissions import require_administer
from channels_registry.queries.lifecycle import doors_still_open, pointing_at, retirement_of
from channels_registry.revoking import request_revocation

audit.register("retirement.begun", "began to retire a channel")
audit.register("retirement.withdrawn", "kept a channel that was to go")
audit.register("retirement.finished", "retired a channel")

State = Channel.State


@transaction.atomic
def rest(channel: Channel, by: Person, reason: str) -> ChannelMove:
    """Nothing new is planned there for now; everything else stays."""
    return move(_administered(channel, by), State.DORMANT, by, reason)


@transaction.atomic
def wake(channel: Channel, by: Person, reason: str) -> ChannelMove:
    channel = _administered(channel, by)
    if channel.state != State.DORMANT:
        raise ValidationError(f"{channel.name} is not dormant.")
    return move(channel, State.LIVE, by, reason)


@transaction.atomic
def lose(channel: Channel, by: Person, reason: str) -> ChannelMove:
    """It is ours, and nobody gets in any more: taken over, locked out, or with somebody who left."""
    return move(_administered(channel, by), State.LOST, by, reason)


@transaction.atomic
def recover(channel: Channel, by: Person, reason: str) -> ChannelMove:
    """We are in again. Whoever else is has to be looked at: its record falls due for review at once."""
    channel = _administered(channel, by)
    if channel.state not in (State.LOST, State.IMPOSTOR):
        raise ValidationError(f"{channel.name} is not lost.")
    made = move(channel, State.LIVE, by, reason)
    Channel.objects.filter(pk=channel.pk).update(review_due=made.at.date())
    return made


@transaction.atomic
def begin(channel: Channel, by: Person, reason: str) -> Retirement:
    """Have every door elsewhere shut and proven. Rights here stay until the end, since people have to clear up."""
    channel = _administered(channel, by)
    if standing := retirement_of(channel):
        return standing
    if channel.state not in (State.LIVE, State.DORMANT, State.LOST, State.IMPOSTOR):
        raise ValidationError(
            f"{channel.name} is {channel.get_state_display().lower()}, so there is nothing to retire."
        )
    if not reason.strip():
        raise ValidationError({"reason": "Say why it goes. The reason stays with the channel."})
    made = Retirement.objects.create(channel=channel, by=by, reason=reason.strip()[:300])
    doors = list(doors_still_open(channel).order_by("pk"))
    for door in doors:
        request_revocation(door, by, f"{channel.name} is retired: {made.reason}")
    audit.record(by, "retirement.begun", made, channel=channel.pk, doors=len(doors), reason=made.reason)
    return made


@transaction.atomic
def withdraw(retirement: Retirement, by: Person) -> Retirement:
    """It stays after all. Doors that are shut by now stay shut."""
    retirement = _locked(retirement, by)
    retirement.ended_at, retirement.ended_by, retirement.withdrawn = Now(), by, True
    retirement.save(update_fields=["ended_at", "ended_by", "withdrawn"])
    audit.record(by, "retirement.withdrawn", retirement, channel=retirement.channel_id)
    return retirement


@transaction.atomic
def finish(retirement: Retirement, by: Person, closed: str = "") -> Channel:
    """Into the archive: nothing points there, and every door is proven shut, or `closed` says what became of it.

    The connection is ended and every right here with it. Doors that are not proven yet go on being asked for.
    """
    retirement = _locked(retirement, by)
    channel = retirement.channel
    if left := pointing_at(channel):
        raise ValidationError(f"Still pointing there: {', '.join(f'{each.count} {each.noun}' for each in left)}.")
    if (doors := doors_still_open(channel).count()) and not closed.strip():
        words = f"{doors} doors are not proven shut. Say what became of the account over there, or wait until they are."
        raise ValidationError({"closed": words})
    if Connection.objects.filter(channel=channel).exclude(state__in=["refused", "ended"]).exists():
        connecting.disconnect(channel, by, f"Retired: {retirement.reason}")
    move(channel, State.ARCHIVED, by, retirement.reason)
    _end_rights(channel, by)
    retirement.ended_at, retirement.ended_by, retirement.closed = Now(), by, closed.strip()[:400]
    retirement.save(update_fields=["ended_at", "ended_by", "closed"])
    audit.record(by, "retirement.finished", retirement, channel=channel.pk, doors_left=doors, closed=retirement.closed)
    return channel


def _end_rights(channel: Channel, by: Person) -> None:
    """One's own last: without it nobody but an administrator could end the others."""
    rights = AccessGrant.objects.standing().filter(channel=channel, door=Door.RIGHT)
    for grant in sorted(rights, key=lambda each: each.person_id == by.pk):
        request_revocation(grant, by, "The channel is archived.")


def _administered(channel: Channel, by: Person) -> Channel:
    channel = Channel.objects.select_for_update().get(pk=channel.pk)
    require_administer(by, channel)
    return channel


def _locked(retirement: Retirement, by: Person) -> Retirement:
    channel = _administered(retirement.channel, by)
    retirement = Retirement.objects.select_for_update().get(pk=retirement.pk)
    if retirement.ended_at:
        raise ValidationError("This retirement is over. Look at the channel again.")
    retirement.channel = channel
    return retirement
