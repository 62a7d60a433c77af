"""Tokens run out: each is renewed in time, once, and a good one is never lost to a bad answer.

Transient is not revoked: only the network's own refusal, said twice, makes a connection `disconnected`. One refresh at
a time (an advisory lock), and only if nobody has refreshed since we looked (secret_version).
"""

import asyncio
import time
from datetime import timedelta

from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Greatest, Now

from accounts import audit
from channels_registry.connecting import ask, keep, tell
from channels_registry.connector.errors import Disconnected, NetworkError, Refused
from channels_registry.connector.http import Http
from channels_registry.connector.types import Connected
from channels_registry.models import Connection
from channels_registry.reaching import opened
from socialops.lib import turns
from socialops.lib.wall_clock import database_now

audit.register("connection.refreshed", "renewed a channel’s connection")
audit.register("connection.lost", "lost a channel’s connection")

LOCK = 7_301_100  # with the connection's id: one refresh at a time over all workers
SOON = timedelta(minutes=15)
LEASE = timedelta(minutes=1)
ONCE_MORE = 1.0  # seconds between a refusal and the look that confirms it


def refresh(connection: Connection, *, refused_us: bool = False) -> bool:
    """Renew the connection; True if it can be used. For workers.

    `refused_us`: the network has just answered 401 to this `secret_version`. A refusal to renew then means that the
    connection is dead; otherwise it stays live until its own end, with the reason in sight.
    """
    seen = connection.secret_version
    with transaction.atomic():
        if not _locked(connection.pk, wait=refused_us):
            return False  # another worker is at it; the caller's row comes back
        connection = Connection.objects.select_related(
            "channel__owner", "channel__backup_owner", "authorised_by", "next_authoriser"
        ).get(pk=connection.pk)
        if connection.state not in (Connection.State.LIVE, Connection.State.DISCONNECTED):
            return False
        if connection.secret_version != seen:
            return connection.state == Connection.State.LIVE
        return _renew(connection, refused_us)


async def revive(connection_id: int, secret_version: int) -> bool:
    """For a lane's `revive`: the network said 401 to these secrets; True if it is worth sending again."""
    return await asyncio.to_thread(_revive, connection_id, secret_version)


def refresh_due() -> int:
    """Renew what runs out soon. Returns how many were tried. (People are told by publishing.warning.)"""
    return turns.in_turn("renew connections", _next, refresh)


def _revive(connection_id: int, secret_version: int) -> bool:
    try:
        connection = Connection.objects.get(pk=connection_id)
        connection.secret_version = secret_version
        return refresh(connection, refused_us=True)
    finally:
        database.close()  # this thread's own


def _locked(pk: int, wait: bool) -> bool:
    """`wait`: for a delivery that was refused, whose fate hangs on what the other refresh comes to."""
    with database.cursor() as cursor:
        if wait:
            cursor.execute("SELECT true FROM pg_advisory_xact_lock(%s, %s)", [LOCK, pk])
        else:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [LOCK, pk])
        return cursor.fetchone()[0]


def _renew(connection: Connection, refused_us: bool) -> bool:
    async def renewal(http: Http) -> tuple[Connected, dict[str, str]]:
        access = opened(connection, http)
        return await connection.channel.connector.refresh(access), dict(access.secrets)

    try:
        renewed, secrets = ask(connection, renewal)
    except (Refused, Disconnected) as error:
        return _refused(connection, error.reason, refused_us)
    except NetworkError as error:
        return _transient(connection, error.reason)
    return _renewed(connection, renewed, secrets)


def _renewed(connection: Connection, renewed: Connected, secrets: dict[str, str]) -> bool:
    """An empty answer never replaces a good secret."""
    row = Connection.objects.select_for_update().get(pk=connection.pk)
    if row.secret_version != connection.secret_version or row.state == Connection.State.ENDED:
        return row.state == Connection.State.LIVE
    if renewed.remote_id != row.remote_id:
        return _transient(row, "The network answered for another account, so nothing was changed.")
    keep(row, renewed, {**secrets, **{name: value for name, value in renewed.secrets.items() if value}})
    audit.record(None, "connection.refreshed", row, channel=row.channel_id, version=row.secret_version)
    return True


def _refused(connection: Connection, reason: str, refused_us: bool) -> bool:
    still_good = connection.expires_at is not None and connection.expires_at > database_now() and not refused_us
    if still_good or (connection.state == Connection.State.LIVE and not _is_dead(connection)):
        return _transient(connection, reason)
    lost = Connection.objects.filter(pk=connection.pk, state=Connection.State.LIVE).update(
        state=Connection.State.DISCONNECTED, trouble=reason[:400]
    )
    if lost:  # one notification an incident
        audit.record(None, "connection.lost", connection, channel=connection.channel_id, reason=reason)
        text = f"{connection.channel.name} is no longer connected. {reason}"
        tell(connection.channel, "connection.lost", text, connection.authorised_by, connection.next_authoriser)
    return False


def _is_dead(connection: Connection) -> bool:
    """One refusal may be a blip of a server that is being restarted. The token is tried once more, a moment later."""
    time.sleep(ONCE_MORE * settings.PACE)
    try:
        ask(connection, lambda http: connection.channel.connector.rehearse(opened(connection, http)))
    except (Refused, Disconnected):
        return True
    except NetworkError:
        pass
    return False


def _transient(connection: Connection, reason: str) -> bool:
    Connection.objects.filter(pk=connection.pk).update(trouble=reason[:400])
    return connection.state == Connection.State.LIVE and not _is_over(connection)


def _is_over(connection: Connection) -> bool:
    return connection.expires_at is not None and connection.expires_at <= database_now()


def _next() -> Connection | None:
    """The one that ends first; the others get their turn before it is tried again, however long it takes."""
    with transaction.atomic():
        taken = _running_out().select_for_update(skip_locked=True).order_by("expires_at", "pk").first()
        if taken:
            Connection.objects.filter(pk=taken.pk).update(next_renewal_at=Now() + max(LEASE * settings.PACE, LEASE / 2))
    return taken


def _running_out() -> QuerySet[Connection]:
    """Within a quarter of an hour of their end, or in the last quarter of their life; not tried just now."""
    life = F("expires_at") - F("proven_at")
    return Connection.objects.filter(
        Q(next_renewal_at=None) | Q(next_renewal_at__lte=Now()),
        state=Connection.State.LIVE,
        expires_at__lte=Now() + Greatest(life / 4, SOON * settings.PACE),
    )
