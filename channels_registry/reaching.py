"""What a worker needs to talk to networks: one HTTP client for a shift, and each connection opened once."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

from django.conf import settings
from django.db import connection

from channels_registry import sealing
from channels_registry.connector.capabilities import Network
from channels_registry.connector.errors import Disconnected, NetworkError, Refused
from channels_registry.connector.http import Http, Trace
from channels_registry.connector.types import Access
from channels_registry.models import Connection
from socialops.lib.delivery import faults
from socialops.lib.delivery.sending import gate
from socialops.lib.sealing import CannotOpen


@dataclass(frozen=True)
class Reached:
    """A channel's live connection, opened."""

    connection_id: int
    secret_version: int
    network: Network
    access: Access

    def lacks(self, capability: type) -> Refused | None:
        """Why this connection cannot do that, or None when it can."""
        if not isinstance(self.network, capability):
            return Refused(f"{self.network.label} does not offer this.")
        reason = self.network.lacks(self.access.facts, self.access.scopes).get(capability)
        return Refused(reason) if reason else None


class Reach:
    """`async with Reach(places) as reach`: `http` lives in the loop, `to` is called from a thread with a database."""

    def __init__(self, places: int, trace: Trace | None = None):
        self.http = Http(pace=settings.PACE, limit=places, allow=settings.PRIVATE_HOSTS, gate=gate, trace=trace)
        self._opened: dict[tuple[int, int], Reached] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    def to(self, channels: Iterable[int]) -> dict[int, Reached | NetworkError]:
        """For each channel its opened connection, or the error that a delivery to it ends with."""
        wanted = set(channels)
        keys = _live(wanted)
        new = [pk for pk, version in keys.values() if (pk, version) not in self._opened]
        unopened = Connection.objects.filter(pk__in=new, state=Connection.State.LIVE).select_related("channel")
        opened = {c.channel_id: self._open(c) for c in unopened} if new else {}
        gone = Disconnected("The channel is not connected. Connect it again.")
        known = {channel: self._opened[key] for channel, key in keys.items() if key in self._opened}
        return {channel: opened.get(channel) or known.get(channel) or gone for channel in wanted}

    def _open(self, live: Connection) -> Reached | NetworkError:
        key = (live.pk, live.secret_version)
        if key not in self._opened:
            try:
                network, access = live.channel.connector, opened(live, self.http)
            except KeyError:
                return Refused("This network is not installed here any more.")
            except CannotOpen as error:
                return Disconnected("The keys of this connection cannot be opened here.", detail=str(error))
            self._opened[key] = Reached(live.pk, live.secret_version, network, access)
        return self._opened[key]


def _live(channels: set[int]) -> dict[int, tuple[int, int]]:
    """(id, version of its secrets) of each channel's live connection. Asked at each claim, so it is one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_LIVE, [list(channels)])
        return {channel: (pk, version) for channel, pk, version in cursor.fetchall()}


_LIVE = """
SELECT channel_id, id, secret_version FROM channels_registry_connection WHERE channel_id = ANY(%s) AND state = 'live'
"""


def opened(live: Connection, http: Http) -> Access:
    """The connection as its network's class takes it. Raises CannotOpen in every process but a worker."""
    return Access(
        remote_id=live.remote_id,
        handle=live.handle,
        fields=live.fields,
        secrets=sealing.open_sealed(live),
        facts=live.facts,
        scopes=frozenset(live.scopes),
        http=http,
    )


def client(places: int) -> Callable[[], Reach]:
    """For a lane's `client`. Only deliveries pass points at which a test may kill the worker."""
    return lambda: Reach(places, faults.trace if faults.armed() else None)
