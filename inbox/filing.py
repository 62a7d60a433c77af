"""Turning raw events of one channel into contacts, conversations and messages. Called by receiving, in its transaction.

Events may come in any order: the largest version wins and the others become history, a deletion stands whenever it
came, and what answers a message is decided by ids, not by clocks.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from accounts import audit
from accounts.models import Person
from channels_registry.models import Channel, Connection
from inbox.models import Assignment, Contact, Conversation, InboundEvent, Message, Reply

audit.register("conversation.opened", "began a conversation")
audit.register("conversation.reopened", "reopened a conversation")

SHORT = 160
LOCK = 0x1B0C  # namespace of the advisory lock of a channel's inbox
COUNT_WAITING = """
    UPDATE inbox_conversation c SET waiting_since = (
        SELECT min(m.at) FROM inbox_message m
        WHERE m.conversation_id = c.id AND m.direction = 'in' AND m.deleted_at IS NULL
          AND m.id > greatest(c.handled_to, a.answered_to) AND (a.spoke_at IS NULL OR m.at > a.spoke_at))
    FROM (
        SELECT c.id, coalesce(max(r.to_message_id), 0) AS answered_to,
               max(o.at) FILTER (WHERE r.id IS NULL) AS spoke_at
        FROM inbox_conversation c
        LEFT JOIN inbox_message o ON o.conversation_id = c.id AND o.direction = 'out'
        LEFT JOIN inbox_reply r ON r.id = o.reply_id
        WHERE c.id = ANY(%s) GROUP BY c.id) a
    WHERE c.id = a.id
"""

# Many rows at once: bulk_update builds a CASE for each row and field, which costs seconds a thousand.
WRITE_MESSAGES = """
    UPDATE inbox_message m SET text = r.text, version = r.version, history = r.history, deleted_at = r.deleted_at
    FROM jsonb_to_recordset(%s::jsonb) AS r(id bigint, text text, version bigint, history jsonb, deleted_at timestamptz)
    WHERE m.id = r.id
"""
WRITE_CONVERSATIONS = """
    UPDATE inbox_conversation c
    SET state = r.state, last_message_at = r.last_message_at, preview = r.preview,
        snoozed_until = r.snoozed_until, resolved_at = r.resolved_at
    FROM jsonb_to_recordset(%s::jsonb) AS r(
        id bigint, state text, last_message_at timestamptz, preview text,
        snoozed_until timestamptz, resolved_at timestamptz)
    WHERE c.id = r.id
"""


def file_events(channel: Channel, events: list[InboundEvent]) -> None:
    """File these events; all of one channel, whose lock the caller holds."""
    told: dict[str, list[InboundEvent]] = defaultdict(list)
    for event in events:
        told[event.remote_id].append(event)
    known = {m.remote_id: m for m in Message.objects.filter(channel=channel, remote_id__in=told)}
    changed = [known[key] for key, each in told.items() if key in known and _learn(known[key], each)]
    fresh = {key: each for key, each in told.items() if key not in known and not all(e.deleted for e in each)}
    _add_tombstones(channel, fresh)
    created = _create(channel, fresh) if fresh else []
    _write(WRITE_MESSAGES, changed, ("text", "version", "history", "deleted_at"))
    _settle(channel, created, changed)


def lock_channels(channels: Collection[int], *, wait: bool = True) -> bool:
    """One writer a channel's inbox until the transaction ends: message ids then follow the order in which they came."""
    function = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
    with connection.cursor() as cursor:
        for pk in sorted(channels):
            cursor.execute(f"SELECT {function}(%s, %s)", [LOCK, pk])
            if cursor.fetchone()[0] is False:
                return False
    return True


def count_waiting(conversations: Collection[int]) -> None:
    """Set `waiting_since` from the messages: the oldest that stands and that no reply or word of ours followed."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT_WAITING, [list(conversations)])


def short(text: str) -> str:
    """The first words, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= SHORT else line[: SHORT - 1].rstrip() + "…"


def _learn(message: Message, events: list[InboundEvent]) -> bool:
    """Edits and deletions of a message we have; says whether anything changed."""
    before = (message.version, len(message.history), message.deleted_at)
    for event in sorted(events, key=lambda e: e.version):
        if event.deleted:
            message.deleted_at = message.deleted_at or event.received_at
        elif event.version > message.version:
            _remember(message, message.version, message.text)
            message.text, message.version = event.payload["text"], event.version
        elif event.version < message.version:
            _remember(message, event.version, event.payload["text"])
    return before != (message.version, len(message.history), message.deleted_at)


def _remember(message: Message, version: int, text: str) -> None:
    if all(each["version"] != version for each in message.history):
        message.history = sorted([*message.history, {"version": version, "text": text}], key=lambda e: e["version"])


def _add_tombstones(channel: Channel, fresh: dict[str, list[InboundEvent]]) -> None:
    """Deletions that came before what they delete."""
    early = InboundEvent.objects.filter(channel=channel, remote_id__in=fresh, deleted=True, processed_at__isnull=False)
    for event in early:
        fresh[event.remote_id].append(event)


def _create(channel: Channel, fresh: dict[str, list[InboundEvent]]) -> list[Message]:
    """Messages that we did not have, ours told apart from the customers'."""
    ours_ids = _our_ids(channel)
    our_replies = dict(
        Reply.objects.filter(channel=channel, remote_id__in=fresh).values_list("remote_id", "conversation_id")
    )
    firsts = {key: min((e for e in each if not e.deleted), key=lambda e: e.version) for key, each in fresh.items()}
    theirs = [e for key, e in firsts.items() if e.payload["author_id"] not in ours_ids and key not in our_replies]
    ours = [e for key, e in firsts.items() if e.payload["author_id"] in ours_ids or key in our_replies]
    theirs.sort(key=lambda e: (e.payload["at"], e.pk))
    conversations = _conversations(channel, theirs)
    made = [_message(channel, e, conversations[_place(e)], fresh[e.remote_id], Message.Direction.IN) for e in theirs]
    made = Message.objects.bulk_create(made, batch_size=500)
    spoken = _with_conversation(channel, ours, our_replies)
    said = [_message(channel, e, place, fresh[e.remote_id], Message.Direction.OUT) for e, place in spoken]
    return made + Message.objects.bulk_create(said, batch_size=500)


def _our_ids(channel: Channel) -> set[str]:
    connections = Connection.objects.filter(channel=channel).values_list("remote_id", flat=True)
    return {channel.remote_id, *connections} - {""}


def _place(event: InboundEvent) -> tuple[str, str]:
    return event.payload["author_id"], event.payload["thread_id"]


def _conversations(channel: Channel, events: list[InboundEvent]) -> dict[tuple[str, str], Conversation]:
    """The conversation of each (author, thread), begun where there is none."""
    contacts = _contacts(channel.network, events)
    threads = {_place(event)[1] for event in events}
    standing = Conversation.objects.filter(channel=channel, contact__in=contacts.values(), thread_id__in=threads)
    names = {contact.pk: remote_id for remote_id, contact in contacts.items()}
    found = {(names[c.contact_id], c.thread_id): c for c in standing.select_for_update(of=("self",))}
    begun: dict[tuple[str, str], Conversation] = {}
    for event in events:
        key = _place(event)
        if key not in found and key not in begun:
            begun[key] = _conversation(channel, contacts[key[0]], event)
    Conversation.objects.bulk_create(begun.values(), batch_size=500)
    audit.record_many([(None, "conversation.opened", each, {"channel": channel.pk}) for each in begun.values()])
    return found | begun


def _contacts(network: str, events: Iterable[InboundEvent]) -> dict[str, Contact]:
    told = {event.payload["author_id"]: event.payload for event in events}
    wanted = [
        Contact(network=network, remote_id=key, handle=p["author_handle"][:200], name=p["author_name"][:200])
        for key, p in sorted(told.items())
    ]
    Contact.objects.bulk_create(
        wanted,
        update_conflicts=True,
        unique_fields=["network", "remote_id"],
        update_fields=["handle", "name"],
        batch_size=500,
    )
    return {c.remote_id: c for c in Contact.objects.filter(network=network, remote_id__in=told)}


def _conversation(channel: Channel, contact: Contact, event: InboundEvent) -> Conversation:
    at = datetime.fromisoformat(event.payload["at"])
    return Conversation(
        channel=channel,
        contact=contact,
        thread_id=event.payload["thread_id"],
        kind=event.payload["kind"][:10],
        subject=short(event.payload["text"]),
        opened_at=at,
        last_message_at=at,
    )


def _with_conversation(
    channel: Channel, ours: list[InboundEvent], replies: dict[str, int]
) -> list[tuple[InboundEvent, Conversation]]:
    """What we said ourselves, beside the conversation it belongs to. A word of ours to nobody is not the inbox's."""
    answered = {event.payload["in_reply_to"] for event in ours} - {""}
    parents = dict(
        Message.objects.filter(channel=channel, remote_id__in=answered).values_list("remote_id", "conversation_id")
    )
    wanted = {e.pk: replies.get(e.remote_id) or parents.get(e.payload["in_reply_to"]) for e in ours}
    found = Conversation.objects.in_bulk({pk for pk in wanted.values() if pk})
    return [(event, found[wanted[event.pk]]) for event in ours if wanted[event.pk]]


def _message(
    channel: Channel, event: InboundEvent, place: Conversation, told: list[InboundEvent], direction: str
) -> Message:
    payload: dict[str, Any] = event.payload
    message = Message(
        conversation=place,
        channel=channel,
        remote_id=event.remote_id,
        direction=direction,
        author_handle=payload["author_handle"][:200],
        text=payload["text"],
        at=datetime.fromisoformat(payload["at"]),
        received_at=event.received_at,
        url=payload["url"][:600],
        version=event.version,
        reply_to=payload["reply_to"],
    )
    _learn(message, [each for each in told if each is not event])
    return message


def _settle(channel: Channel, created: list[Message], changed: list[Message]) -> None:
    """Bring the conversations of these messages up to date: who waits, what is on top, what is open again."""
    latest: dict[int, Message] = {}
    for message in sorted([*changed, *created], key=lambda m: (m.at, m.pk)):
        latest[message.conversation_id] = message
    if not latest:
        return
    count_waiting(latest)
    heard = {m.conversation_id for m in created if m.direction == Message.Direction.IN and not m.deleted_at}
    conversations = list(Conversation.objects.select_for_update(of=("self",)).filter(pk__in=latest).order_by("pk"))
    reopened = [c for c in conversations if _moved(c, latest[c.pk], c.pk in heard)]
    _write(WRITE_CONVERSATIONS, conversations, ("state", "last_message_at", "preview", "snoozed_until", "resolved_at"))
    _release_from_leavers(reopened)
    audit.record_many([(None, "conversation.reopened", each, {"channel": channel.pk}) for each in reopened])


def _moved(conversation: Conversation, latest: Message, heard: bool) -> bool:
    """Put the latest message on top and move the state; says whether the customer reopened the conversation."""
    if latest.at >= conversation.last_message_at or not conversation.preview:
        conversation.last_message_at = latest.at
        conversation.preview = "Deleted by its author." if latest.deleted_at else short(latest.text)
    before = conversation.state
    if heard and conversation.waiting_since:
        conversation.state = Conversation.State.OPEN
        conversation.snoozed_until = conversation.resolved_at = None
    elif before == Conversation.State.OPEN and not conversation.waiting_since:
        conversation.state = Conversation.State.PENDING
    return before != conversation.state == Conversation.State.OPEN


def _write(statement: str, rows: Sequence[Message | Conversation], fields: tuple[str, ...]) -> None:
    if rows:
        told = [{"id": row.pk, **{name: getattr(row, name) for name in fields}} for row in rows]
        with connection.cursor() as cursor:
            cursor.execute(statement, [json.dumps(told, cls=DjangoJSONEncoder)])


def _release_from_leavers(conversations: list[Conversation]) -> None:
    """A conversation that comes back to somebody who has left is nobody's."""
    departed = set(
        Person.objects.departed().filter(pk__in=[c.assigned_to_id for c in conversations]).values_list("pk", flat=True)
    )
    stranded = [c for c in conversations if c.assigned_to_id in departed]
    Conversation.objects.filter(pk__in=[c.pk for c in stranded]).update(assigned_to=None)
    Assignment.objects.bulk_create(
        Assignment(conversation=c, to=None, by=None, reason="Reopened after the person in charge had left.")
        for c in stranded
    )
