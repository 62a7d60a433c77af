"""The lane of replies: when one may go out, how it is sent and looked for, and what its end changes here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts import audit, notifying
from accounts.models import Person
from channels_registry import budgets, refreshing
from channels_registry.connector.capabilities import Converses, Network, Publishes
from channels_registry.connector.errors import Disconnected, NetworkError, Refused, TryLater
from channels_registry.connector.types import Access, Published, Unsure
from channels_registry.models import AccessGrant, Connection
from channels_registry.models.access_grant import RIGHTS, Door
from channels_registry.reaching import Reach, Reached, client
from inbox import filing
from inbox.models import Conversation, Message, Reply, ReplyAttempt
from publishing.models import Hold
from socialops.lib.delivery.lane import Errors, Lane, Looking, Refusal, Settled

PLACES = 50
TELLS = {  # states that are events, with the words of the trail
    "done": ("reply.sent", "answered a customer"),
    "failed": ("reply.failed", "could not send a reply"),
    "unknown": ("reply.unknown", "does not know whether a reply is out"),
    "needs_human": ("reply.needs_human", "asked a person whether a reply is out"),
    "held": ("reply.held", "held a reply that was due"),
    "blocked": ("reply.blocked", "stopped a reply that may not go out"),
}
ALERTS = {
    "failed": "was not sent.",
    "needs_human": "may be out: look, then say whether it is.",
    "blocked": "was stopped.",
}
for _action, _words in TELLS.values():
    audit.register(_action, _words)


@dataclass(frozen=True, slots=True)
class Parcel:
    reply: Reply
    to: Mapping[str, Any]
    network: Network
    access: Access
    connection_id: int
    secret_version: int
    marker: str


def load(ids: Sequence[int], reach: Reach) -> dict[int, Parcel | NetworkError]:
    rows = list(Reply.objects.filter(pk__in=ids).select_related("to_message"))
    reached = reach.to(row.channel_id for row in rows)
    return {row.pk: _parcel(row, reached[row.channel_id]) for row in rows}


async def send(parcel: Parcel) -> Published:
    return await parcel.network.reply(parcel.access, parcel.to, parcel.reply.text, parcel.marker)


async def look(parcel: Parcel) -> Published | Unsure | None:
    return await parcel.network.find_reply(parcel.access, parcel.to, parcel.reply.text, parcel.marker)


async def revive(parcel: Parcel) -> bool:
    return await refreshing.revive(parcel.connection_id, parcel.secret_version)


def looking(parcel: Parcel) -> Looking | None:
    """A key proves absence at the first look; a list that is matched by text only after three."""
    network = parcel.network
    if network.idempotency == "N":
        return None
    sure = isinstance(network, Publishes) and network.resend_is_safe(parcel.access)
    return Looking(absences=1 if sure else 3, settle=network.settle_seconds * settings.PACE)


def settled(rows: Sequence[Settled]) -> None:
    """What was said stands in its conversation; the trail, who has to know, and what was learnt about connections."""
    told = [row for row in rows if row.state in TELLS]
    if told:
        ids = [row.id for row in told]
        replies = Reply.objects.select_related("conversation", "answerable", "to_message").in_bulk(ids)
        audit.record_many((None, TELLS[row.state][0], replies[row.id].conversation, _data(row)) for row in told)
        filed([(replies[row.id], row) for row in told if row.state == "done"])
        _alert([(replies[row.id], row) for row in told if row.state in ALERTS])
    _note_health([row for row in rows if isinstance(row.parcel, Parcel)])


def filed(done: Sequence[tuple[Reply, Settled]]) -> None:
    """Put replies that are out into their conversations. A poll may have brought the same message already."""
    if not done:
        return
    filing.lock_channels({reply.channel_id for reply, _ in done})
    now = timezone.now()
    Message.objects.bulk_create(
        [_outgoing(reply, row.remote_id, row.remote_url, now) for reply, row in done],
        update_conflicts=True,
        unique_fields=["channel", "remote_id"],
        update_fields=["reply", "text", "direction"],
    )
    ids = sorted({reply.conversation_id for reply, _ in done})
    filing.count_waiting(ids)
    for reply, _ in done:
        Conversation.objects.filter(pk=reply.conversation_id, last_message_at__lte=now).update(
            last_message_at=now, preview=filing.short(reply.text)
        )
    Conversation.objects.filter(pk__in=ids, state="open", waiting_since=None).update(state="pending")


def _outgoing(reply: Reply, remote_id: str, url: str, at) -> Message:
    return Message(
        conversation=reply.conversation,
        channel_id=reply.channel_id,
        remote_id=remote_id or f"reply:{reply.key}",
        direction=Message.Direction.OUT,
        author_handle=reply.answerable.name,
        text=reply.text,
        at=at,
        url=url[:600],
        reply=reply,
    )


def _parcel(reply: Reply, reached: Reached | NetworkError) -> Parcel | NetworkError:
    if isinstance(reached, NetworkError):
        return reached
    if refused := reached.lacks(Converses):
        return refused
    marker = reached.network.reply_marker(str(reply.key))
    connection = (reached.connection_id, reached.secret_version)
    return Parcel(reply, reply.to_message.reply_to, reached.network, reached.access, *connection, marker)


def _refusals() -> list[Refusal]:
    """A hold counts until it is lifted, and afterwards for what was due while it stood: lifting it sends nothing."""
    holds = Hold.objects.filter(Q(lifted_at=None) | Q(lifted_at__gte=OuterRef("due_at")))
    scope = Q(network="", channel=None) | Q(channel=OuterRef("channel")) | Q(network=OuterRef("channel__network"))
    held = Exists(holds.filter(scope))
    departed = Q(answerable__in=Person.objects.departed().values("pk"))
    may = [level for level, rights in RIGHTS.items() if "answer" in rights]
    grants = AccessGrant.objects.standing().filter(door=Door.RIGHT, entitlement__in=may)
    right = Exists(grants.filter(channel=OuterRef("channel"), person=OuterRef("answerable")))
    connected = Q(channel__in=Connection.objects.filter(state=Connection.State.LIVE).values("channel"))
    return [
        Refusal("held", "A hold stood over this channel. Decide whether to send it.", held, stops=True),
        Refusal("blocked", "The person who answers for it has left. Somebody else has to take it over.", departed),
        Refusal("blocked", "The person who answers for it may no longer answer on this channel.", ~right),
        Refusal("blocked", "The channel is not connected. Connect it again.", ~connected),
    ]


def _data(row: Settled) -> dict[str, Any]:
    data = {"reply": row.id, "reason": row.reason, "remote_id": row.remote_id, "url": row.remote_url}
    return {name: value for name, value in data.items() if value}


def _alert(rows: Sequence[tuple[Reply, Settled]]) -> None:
    for reply, row in rows:
        text = f"Your reply “{reply.text[:80]}” {ALERTS[row.state]} {row.reason}"[:300]
        url = f"/inbox/{reply.conversation_id}/"
        notifying.notify(reply.answerable, f"reply.{row.state}", text, url, mail=True)


def _note_health(rows: Sequence[Settled]) -> None:
    well = {row.parcel.connection_id for row in rows if row.infra is False}
    unwell = [row.parcel.connection_id for row in rows if row.infra]
    silence = {row.parcel.connection_id: row.after for row in rows if row.after}
    if well or unwell or silence:
        budgets.note(well, unwell, silence)


LANE = Lane(
    name="reply",
    model=Reply,
    attempts=ReplyAttempt,
    slots=1,
    places=PLACES,
    refusals=_refusals(),
    waits=budgets.waits("channel"),
    client=client(PLACES),
    load=load,
    send=send,
    errors=Errors(refused=(Refused,), later=(TryLater,), dead=(Disconnected,)),
    revive=revive,
    look=look,
    looking=looking,
    settled=settled,
)
