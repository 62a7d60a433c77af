"""A rehearsal: a worker reads something harmless with the channel's own token, now, and says what came back.

ask_rehearsal   by a person, or by the system when a channel was just connected (channels_registry.connecting)
rehearse        worker: the token as it is; where it ran out it is renewed, as a delivery would
name_next       who connects the channel again when its connection ends
"""

from datetime import timedelta
from time import monotonic

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now

from accounts import audit, notifying
from accounts.models import Person
from channels_registry.connecting import ask
from channels_registry.connector.errors import Disconnected, NetworkError, Refused
from channels_registry.connector.types import Rehearsed
from channels_registry.models import Channel, Connection, Rehearsal
from channels_registry.permissions import require_administer
from channels_registry.queries import custody
from channels_registry.reaching import opened
from channels_registry.refreshing import refresh
from socialops.lib import turns

audit.register("connection.rehearsed", "tried a channel’s connection")
audit.register("connection.next_named", "said who connects a channel again")

LEASE = timedelta(minutes=2)  # longer than a conversation with a network may take
State = Rehearsal.State


@transaction.atomic
def ask_rehearsal(channel: Channel, by: Person) -> Rehearsal:
    """A worker is to try the connection now. One at a time: the one under way is given back. For its managers."""
    require_administer(by, channel)
    connection = Connection.objects.select_for_update().filter(channel=channel, state="live").first()
    if connection is None:
        raise ValidationError(f"{channel.name} is not connected, so there is nothing to try. Connect it first.")
    under_way = Rehearsal.objects.filter(connection=connection, state=State.ASKED).first()
    return under_way or Rehearsal.objects.create(connection=connection, asked_by=by)


def rehearse(rehearsal: Rehearsal) -> Rehearsal:
    """For workers. What is settled is left alone; a token that is dead is found out as by a delivery."""
    rehearsal = Rehearsal.objects.select_related("connection__channel").get(pk=rehearsal.pk)
    if rehearsal.state != State.ASKED:
        return rehearsal
    began, connection = monotonic(), rehearsal.connection
    try:
        if connection.state != Connection.State.LIVE:
            raise Refused("The channel is not connected any more.")
        seen = _read(connection)
    except (Refused, Disconnected) as error:
        return _settle(rehearsal, State.REFUSED, error.reason)
    except NetworkError as error:
        return _settle(rehearsal, State.UNCLEAR, f"{error.reason} The connection itself may be good.")
    if seen.remote_id != connection.remote_id:
        return _settle(rehearsal, State.REFUSED, f"The token belongs to {seen.handle}, not to {connection.handle}.")
    took = int((monotonic() - began) * 1000)
    return _settle(rehearsal, State.WELL, _came_back(connection, seen), handle=seen.handle[:200], milliseconds=took)


def rehearse_due() -> int:
    """Returns how many were tried."""
    return turns.in_turn("rehearse", _next, rehearse)


@transaction.atomic
def name_next(channel: Channel, person: Person, by: Person) -> Connection:
    """Say who connects the channel again. They must be able to: managers and administrators. They are told."""
    channel = Channel.objects.select_for_update().get(pk=channel.pk)
    require_administer(by, channel)
    connection = Connection.objects.select_for_update().filter(channel=channel, state__in=["live", "disconnected"])
    row = connection.order_by("-pk").first()
    if row is None:
        raise ValidationError(f"{channel.name} is not connected. Connect it first.")
    if not custody.who_may_authorise(channel).filter(pk=person.pk).exists():
        raise ValidationError({"person": f"{person} may not connect {channel.name}. Give them the level “Can manage”."})
    if row.next_authoriser_id == person.pk:
        return row
    row.next_authoriser = person
    row.save(update_fields=["next_authoriser"])
    audit.record(by, "connection.next_named", row, channel=channel.pk, person=person.pk)
    if person != by:
        text = f"You are the one who connects {channel.name} again when its connection ends."
        notifying.notify(person, "connection.next_named", text, f"/channels/{channel.pk}/connection/health/")
    return row


def _read(connection: Connection) -> Rehearsed:
    """With the token as it is; one that ran out is renewed once, as a delivery would. Raises NetworkError."""
    network = connection.channel.connector
    try:
        return ask(connection, lambda http: network.rehearse(opened(connection, http)))
    except Disconnected:
        if not refresh(connection, refused_us=True):
            raise
    connection.refresh_from_db()
    return ask(connection, lambda http: network.rehearse(opened(connection, http)))


def _came_back(connection: Connection, seen: Rehearsed) -> str:
    lacking = [label for label, _ in custody.cannot(connection)]
    less = f" It may not: {', '.join(lacking).lower()}." if lacking else ""
    return f"{connection.channel.connector.label} knows the token as {seen.handle}.{less}"


@transaction.atomic
def _settle(rehearsal: Rehearsal, state: Rehearsal.State, words: str, **found: object) -> Rehearsal:
    done = Rehearsal.objects.filter(pk=rehearsal.pk, state=State.ASKED).update(
        state=state, words=words[:400], ended_at=Now(), **found
    )
    rehearsal.refresh_from_db()
    if done:
        connection = rehearsal.connection
        audit.record(
            rehearsal.asked_by, "connection.rehearsed", connection, channel=connection.channel_id, state=state.value
        )
    return rehearsal


def _next() -> Rehearsal | None:
    """The one that has waited longest; it is nobody else's until its lease ends."""
    due = Rehearsal.objects.filter(state=State.ASKED, next_try_at__lte=Now())
    with transaction.atomic():
        taken = due.select_for_update(skip_locked=True).order_by("next_try_at", "pk").first()
        if taken:
            Rehearsal.objects.filter(pk=taken.pk).update(next_try_at=Now() + max(LEASE * settings.PACE, LEASE / 4))
    return taken
