"""A channel gets its connection: web seals what was typed, a worker opens it and proves it on the network.

connect      web: seal, commit; nothing is asked of the network and nothing is replaced yet
prove        worker: ask the network; then LIVE in place of the old one, or REFUSED with what to mend
disconnect   by a person; a worker gives the token back to the network, then it is wiped (channels_registry.parting)
opened       worker: the connection as its network's class takes it (from channels_registry.reaching)
rotate_keys, rotate_webhook_keys
             wrap what is sealed for the newest key, row by row, while everything runs
"""

import asyncio
import logging
import secrets as random
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import TypeVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now

from accounts import audit, notifying
from accounts.models import Person
from channels_registry import sealing
from channels_registry.connector.capabilities import ReceivesWebhooks
from channels_registry.connector.errors import Disconnected, NetworkError, Refused, TryLater
from channels_registry.connector.http import Http
from channels_registry.connector.types import Connected
from channels_registry.models import AccessGrant, Channel, Connection, Rehearsal
from channels_registry.models.access_grant import Door
from channels_registry.permissions import require_administer
from channels_registry.queries.custody import next_authoriser
from channels_registry.reaching import opened
from socialops.lib.sealing import CannotOpen
from socialops.lib.wall_clock import database_now

__all__ = ["connect", "disconnect", "opened", "prove", "rotate_keys", "rotate_webhook_keys", "webhook_secret"]

audit.register("connection.asked", "handed over the keys of a channel")
audit.register("connection.proven", "connected a channel")
audit.register("connection.refused", "could not connect a channel")
audit.register("connection.ended", "took a channel’s connection away")

log = logging.getLogger(__name__)
T = TypeVar("T")
LONGEST_VALUE = 4000
LONGEST_TALK = 60.0  # seconds
GIVE_UP = timedelta(minutes=10)
AGAIN = timedelta(seconds=20)
NO_KEY = "The workers do not have the private key. Ask whoever runs Socialops to run “manage.py doctor”."


@transaction.atomic
def connect(channel: Channel, fields: Mapping[str, str], secrets: Mapping[str, str], by: Person) -> Connection:
    """Seal the answers of the network's connect form. A worker proves them; the old connection works on until then.

    ValidationError with the field's name for what is missing. Secrets go nowhere but into the sealed column.
    """
    channel = Channel.objects.select_for_update().get(pk=channel.pk)
    require_administer(by, channel)
    public, hidden = _answers(channel, fields, secrets)
    for earlier in Connection.objects.filter(channel=channel, state=Connection.State.PENDING):
        _end(earlier, by, "Newer keys were handed over.")
    made = Connection.objects.create(
        channel=channel, fields=public, sealed_secrets=b"", authorised_by=by, scopes_asked=list(channel.connector.asks)
    )
    sealing.seal(made, hidden)
    if isinstance(channel.connector, ReceivesWebhooks):
        sealing.seal_webhook_secret(made, webhook_secret(channel) or random.token_urlsafe(32))
    made.save(update_fields=["sealed_secrets", "key_id", "sealed_webhook_secret"])
    audit.record(by, "connection.asked", made, channel=channel.pk, network=channel.network, fields=public)
    return made


def prove(connection: Connection) -> Connection:
    """Ask the network who we are with these keys. For workers. Safe to repeat; settled connections are left alone."""
    connection = Connection.objects.select_related("channel", "authorised_by").get(pk=connection.pk)
    if connection.state != Connection.State.PENDING:
        return connection
    connect = connection.channel.connector.connect
    try:
        connected = ask(connection, lambda http: connect(connection.fields, sealing.open_sealed(connection), http))
        _require_same_account(connection.channel, connected)
    except (Refused, Disconnected) as error:
        return _refuse(connection, error.reason)
    except NetworkError as error:
        return _put_off(connection, error.reason)
    return _accept(connection, connected)


@transaction.atomic
def disconnect(channel: Channel, by: Person, reason: str) -> None:
    """Take the connection away. What is due on the channel waits for a new one.

    Keys that worked stay sealed until a worker has given them back to the network; all others are wiped at once.
    """
    channel = Channel.objects.select_for_update().get(pk=channel.pk)
    require_administer(by, channel)
    ending = Connection.objects.filter(channel=channel).exclude(state__in=["refused", "ended"])
    if not ending:
        raise ValidationError(f"{channel.name} is not connected.")
    live = Connection.State.LIVE
    for connection in sorted(ending, key=lambda each: each.state == live):
        _end(connection, by, reason, give_back=connection.state == live)
    if not any(connection.state == live for connection in ending):
        AccessGrant.objects.filter(channel=channel, ours=True, revoked_at=None).update(ours=False)


def ask(connection: Connection, call: Callable[[Http], Awaitable[T]]) -> T:
    """`talk` with a connection's own keys. What goes wrong is a NetworkError; what is wrong with us, TryLater."""
    try:
        return talk(call)
    except NetworkError:
        raise
    except CannotOpen as error:
        log.error("connection %s cannot be opened: %s", connection.pk, error)
        raise TryLater(NO_KEY) from error
    except Exception as error:
        log.exception("connection %s: the network's class failed", connection.pk)
        raise TryLater(f"{connection.channel.connector.label} gave an answer that cannot be read.") from error


def talk(call: Callable[[Http], Awaitable[T]]) -> T:
    """Run one conversation with a network, from a worker's plain code. It has a minute, however many requests it is."""

    async def conversation() -> T:
        async with Http(pace=settings.PACE, allow=settings.PRIVATE_HOSTS) as http:
            return await call(http)

    try:
        return asyncio.run(asyncio.wait_for(conversation(), LONGEST_TALK * max(settings.PACE, 0.1)))
    except TimeoutError as error:
        raise TryLater("The network takes too long to answer. It is asked again later.") from error


def webhook_secret(channel: Channel) -> str:
    """What signs this channel's webhooks, or "": the same from connection to connection. Web may read it."""
    keeping = Connection.objects.filter(channel=channel).exclude(sealed_webhook_secret=b"")
    newest = keeping.filter(state="live").first() or keeping.order_by("-pk").first()
    return sealing.open_webhook_secret(newest) if newest else ""


def keep(connection: Connection, connected: Connected, secrets: Mapping[str, str]) -> None:
    """Write what the network said into the row and seal the new secrets one version on. Needs the row's lock."""
    connection.secret_version += 1
    sealing.seal(connection, secrets)
    connection.remote_id, connection.handle = connected.remote_id, connected.handle
    connection.scopes, connection.facts = sorted(connected.scopes), dict(connected.facts)
    connection.expires_at, connection.proven_at = connected.expires_at, Now()
    connection.state, connection.trouble = Connection.State.LIVE, ""
    connection.save()


def rotate_keys() -> tuple[int, int]:
    """Wrap every connection's secrets for the newest key: (how many were, of how many). Needs the private keys."""
    return _rotate("sealed_secrets", sealing.rewrap)


def rotate_webhook_keys() -> tuple[int, int]:
    """The same for what signs webhooks, which has keys of its own; of ended connections too, because it is kept."""
    return _rotate("sealed_webhook_secret", sealing.rewrap_webhook_secret)


def tell(channel: Channel, kind: str, text: str, *others: Person | None) -> None:
    """Let those who answer for the channel know, once each."""
    url = f"/channels/{channel.pk}/"
    for person in {each.pk: each for each in (channel.owner, channel.backup_owner, *others) if each}.values():
        notifying.notify(person, kind, text[:300], url, mail=True)


def _rotate(sealed: str, rewrap: Callable[[Connection], bool]) -> tuple[int, int]:
    rows = Connection.objects.exclude(**{sealed: b""}).order_by("pk").values_list("pk", flat=True)
    done = 0
    for pk in rows:
        with transaction.atomic():
            connection = Connection.objects.select_for_update().get(pk=pk)
            if getattr(connection, sealed) and rewrap(connection):
                connection.save(update_fields=[sealed, "key_id"])
                done += 1
    return done, len(rows)


def _answers(channel: Channel, fields: Mapping[str, str], secrets: Mapping[str, str]) -> tuple[dict, dict]:
    """The form's answers, apart: (what anybody may read, what is sealed). Nothing but the network's own fields."""
    public, hidden, errors = {}, {}, {}
    for field in channel.connector.fields:
        value = str((secrets if field.secret else fields).get(field.name, "")).strip()
        if field.required and not value:
            errors[field.name] = f"{field.label} is missing."
        elif len(value) > LONGEST_VALUE:
            errors[field.name] = f"{field.label} is too long to be right. Copy it again."
        (hidden if field.secret else public)[field.name] = value
    if errors:
        raise ValidationError(errors)
    return public, hidden


def _require_same_account(channel: Channel, connected: Connected) -> None:
    """Keys of another account would post the channel's words under another name."""
    if channel.remote_id:
        same = channel.remote_id == connected.remote_id
    else:
        same = _same_handle(_bare(channel.handle), _bare(connected.handle))
    if not same:
        raise Refused(
            f"These keys belong to {connected.handle}, not to {channel.handle}. Use those of {channel.handle}."
        )


def _same_handle(one: str, other: str) -> bool:
    """The server's name counts only where both say it: “acme” and “acme@example.social” are the same."""
    return one == other or one == other.partition("@")[0] or one.partition("@")[0] == other


def _bare(handle: str) -> str:
    return handle.strip().removeprefix("@").casefold()


@transaction.atomic
def _accept(connection: Connection, connected: Connected) -> Connection:
    channel = Channel.objects.select_for_update().get(pk=connection.channel_id)
    connection = Connection.objects.select_for_update().get(pk=connection.pk)
    if connection.state != Connection.State.PENDING:
        return connection  # somebody took it back, or another worker was faster
    for old in Connection.objects.filter(channel=channel, state__in=["live", "disconnected"]):
        _end(old, connection.authorised_by, "Replaced by a newer connection.")
    keep(connection, connected, connected.secrets)
    Connection.objects.filter(pk=connection.pk).update(next_check_at=Now(), next_authoriser=next_authoriser(channel))
    Rehearsal.objects.create(connection=connection)  # ends the way in with a try: channels_registry.rehearsing
    channel.remote_id, channel.url = connected.remote_id, connected.url or channel.url
    channel.audience_size = connected.audience_size if connected.audience_size is not None else channel.audience_size
    channel.save(update_fields=["remote_id", "url", "audience_size"])
    _record_our_door(connection)
    connection.refresh_from_db()
    audit.record(
        connection.authorised_by, "connection.proven", connection, channel=channel.pk, scopes=connection.scopes
    )
    return connection


def _record_our_door(connection: Connection) -> None:
    """Our own way in is a door like any other, and marked, so that nobody shuts it by mistake."""
    channel = connection.channel
    if AccessGrant.objects.standing().filter(channel=channel, ours=True).exists():
        return
    AccessGrant.objects.create(
        channel=channel,
        door=Door.APP,
        entitlement=(", ".join(connection.scopes) or "connected")[:80],
        label="Socialops",
        ours=True,
        granted_by=connection.authorised_by,
        reason="The connection that Socialops works with.",
        starts_at=Now(),
        last_proven_at=Now(),
    )


@transaction.atomic
def _refuse(connection: Connection, reason: str) -> Connection:
    """It was not accepted. Whatever was live before is live still."""
    refused = Connection.objects.filter(pk=connection.pk, state=Connection.State.PENDING).update(
        state=Connection.State.REFUSED, trouble=reason[:400], sealed_secrets=b""
    )
    connection.refresh_from_db()
    if refused:
        audit.record(None, "connection.refused", connection, channel=connection.channel_id, reason=reason)
        text = f"{connection.channel.name} could not be connected. {reason}"
        notifying.notify(
            connection.authorised_by, "connection.refused", text[:300], f"/channels/{connection.channel_id}/connection/"
        )
    return connection


def _put_off(connection: Connection, reason: str) -> Connection:
    """Nothing is decided: the network, or we, may be better in a moment. After ten minutes it is refused."""
    if database_now() - connection.created_at > GIVE_UP:
        return _refuse(connection, f"{reason} It was tried for ten minutes. Try again later.")
    Connection.objects.filter(pk=connection.pk, state=Connection.State.PENDING).update(
        trouble=reason[:400], next_check_at=Now() + AGAIN * settings.PACE
    )
    connection.refresh_from_db()
    return connection


def _end(connection: Connection, by: Person | None, reason: str, give_back: bool = False) -> None:
    secrets = (
        {"given_back": Connection.GivenBack.ASKED, "next_check_at": Now()} if give_back else {"sealed_secrets": b""}
    )
    Connection.objects.filter(pk=connection.pk).update(
        state=Connection.State.ENDED, trouble=reason[:400], expires_at=None, ended_at=Now(), ended_by=by, **secrets
    )
    audit.record(by, "connection.ended", connection, channel=connection.channel_id, reason=reason)
