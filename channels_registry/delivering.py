"""What every lane that calls networks has in common: whom it refuses, how it looks, what it learns of connections.

A parcel of such a lane has `reached`, the opened connection that it goes through.
"""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from accounts.models import Person
from channels_registry import budgets, refreshing
from channels_registry.connector.capabilities import Publishes
from channels_registry.connector.errors import Disconnected, Refused, TryLater
from channels_registry.models import AccessGrant, Connection
from channels_registry.models.access_grant import RIGHTS, Door
from socialops.lib.delivery.lane import Errors, Looking, Refusal, Settled

NOT_CONNECTED = "The channel is not connected. Connect it again."
ERRORS = Errors(refused=(Refused,), later=(TryLater,), dead=(Disconnected,))


def refusals(right: str) -> list[Refusal]:
    """For a model with `channel` and `answerable`, the person whose right there has to be live at the claim."""
    departed = Q(answerable__in=Person.objects.departed().values("pk"))
    may = [level for level, rights in RIGHTS.items() if right in rights]
    grants = AccessGrant.objects.standing().filter(door=Door.RIGHT, entitlement__in=may)
    held = Exists(grants.filter(channel=OuterRef("channel"), person=OuterRef("answerable")))
    return [
        Refusal("blocked", "The person who answers for it has left. Somebody else has to take it over.", departed),
        Refusal("blocked", f"The person who answers for it may no longer {right} on this channel.", ~held),
        not_connected("channel", NOT_CONNECTED),
    ]


def not_connected(channel: str, reason: str) -> Refusal:
    """`channel` is the path from the lane's model to the channel."""
    live = Connection.objects.filter(state=Connection.State.LIVE)
    return Refusal("blocked", reason, ~Q(**{f"{channel}__in": live.values("channel")}))


def looking(parcel: Any, *, by_handle: bool = False) -> Looking | None:
    """A key, or a handle where there is one, proves absence at the first look; a list matched by text after three."""
    network, access = parcel.reached.network, parcel.reached.access
    if network.idempotency == "N":
        return None
    sure = by_handle and network.idempotency == "C"
    sure = sure or (isinstance(network, Publishes) and network.resend_is_safe(access))
    return Looking(absences=1 if sure else 3, settle=network.settle_seconds * settings.PACE)


async def revive(parcel: Any) -> bool:
    return await refreshing.revive(parcel.reached.connection_id, parcel.reached.secret_version)


def learnt(rows: Iterable[Settled]) -> None:
    """What these endings say about each connection; a row without a parcel says nothing."""
    there = [row for row in rows if row.parcel is not None and not isinstance(row.parcel, BaseException)]
    well = {row.parcel.reached.connection_id for row in there if row.infra is False}
    unwell = [row.parcel.reached.connection_id for row in there if row.infra]
    silence = {row.parcel.reached.connection_id: row.after for row in there if row.after}
    if well or unwell or silence:
        budgets.note(well, unwell, silence)


def stopped_by_connection(row: Settled) -> bool:
    """Whether a connection that is gone is what this row stopped on: found so by the claim, or by the network's no."""
    return row.state == "blocked" and (row.parcel is not None or row.reason == NOT_CONNECTED)


def told(row: Settled, **data: Any) -> dict[str, Any]:
    """How it ended, for the trail; what is not known is left out."""
    known = (("reason", row.reason), ("remote_id", row.remote_id), ("url", row.remote_url))
    data.update(pair for pair in known if pair[1])
    return data
