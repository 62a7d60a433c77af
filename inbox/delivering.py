"""The lane of replies: when one may go out, how it is sent and looked for, and what its end changes here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q

from accounts import audit, notifying
from channels_registry import budgets
from channels_registry.connector.capabilities import Converses
from channels_registry.connector.errors import NetworkError
from channels_registry.connector.types import Published, Unsure
from channels_registry.delivering import ERRORS, learnt, looking, refusals, revive, told
from channels_registry.reaching import Reach, Reached, client
from inbox import filing
from inbox.models import Conversation, Message, Reply, ReplyAttempt
from publishing.models import Hold
from socialops.lib.delivery.lane import Lane, Refusal, Settled
from socialops.lib.wall_clock import database_now

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
    reached: Reached
    marker: str


def load(ids: Sequence[int], reach: Reach) -> dict[int, Parcel | NetworkError]:
    rows = list(Reply.objects.filter(pk__in=ids).select_related("to_message"))
    reached = reach.to(row.channel_id for row in rows)
    return {row.pk: _parcel(row, reached[row.channel_id]) for row in rows}


async def send(parcel: Parcel) -> Published:
    network, access = parcel.reached.network, parcel.reached.access
    return await network.reply(access, parcel.to, parcel.reply.text, parcel.marker)


async def look(parcel: Parcel) -> Published | Unsure | None:
    network, access = parcel.reached.network, parcel.reached.access
    return await network.find_reply(access, parcel.to, parcel.reply.text, parcel.marker)


def settled(rows: Sequence[Settled]) -> None:
    """What was said stands in its conversation; the trail, who has to know, and what was learnt about connections."""
    events = [row for row in rows if row.state in TELLS]
    if events:
        ids = [row.id for row in events]
        replies = Reply.objects.select_related("conversation", "answerable", "to_message").in_bulk(ids)
        audit.record_many(
            (None, TELLS[row.state][0], replies[row.id].conversation, told(row, reply=row.id)) for row in events
        )
        filed([(replies[row.id], row) for row in events if row.state == "done"])
        _alert([(replies[row.id], row) for row in events if row.state in ALERTS])
    learnt(rows)


def filed(done: Sequence[tuple[Reply, Settled]]) -> None:
    """Put replies that are out into their conversations. A poll may have brought the same message already."""
    if not done:
        return
    filing.lock_channels({reply.channel_id for reply, _ in done})
    now = database_now()
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
    return Parcel(reply, reply.to_message.reply_to, reached, reached.network.reply_marker(str(reply.key)))


def _refusals() -> list[Refusal]:
    """A hold counts until it is lifted, and afterwards for what was due while it stood: lifting it sends nothing.

    One of a campaign or a tag is about posts: answers to customers go on.
    """
    holds = Hold.objects.filter(Q(lifted_at=None) | Q(lifted_at__gte=OuterRef("due_at")))
    there = holds.filter(Q(channel=OuterRef("channel")) | Q(network=OuterRef("channel__network")))
    held = Q(Exists(there)) | Q(Exists(holds.of_everything()))
    return [
        Refusal("held", "A hold stood over this channel. Decide whether to send it.", held, stops=True),
        *refusals("answer"),
    ]


def _alert(rows: Sequence[tuple[Reply, Settled]]) -> None:
    for reply, row in rows:
        text = f"Your reply “{reply.text[:80]}” {ALERTS[row.state]} {row.reason}"[:300]
        url = f"/inbox/{reply.conversation_id}/"
        notifying.notify(reply.answerable, f"reply.{row.state}", text, url, mail=True)


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
    errors=ERRORS,
    revive=revive,
    look=look,
    looking=looking,
    settled=settled,
)
