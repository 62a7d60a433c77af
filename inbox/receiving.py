"""The only way in. A poll and a webhook both end here: the raw event is committed first, then something is made of it.

Events are unique by (channel, remote id, version, deleted), so a repeat, a replay or an overlap is harmless.
"""

import hashlib
import json
import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now

from channels_registry.connector.types import InboundMessage
from channels_registry.models import Channel
from inbox import filing
from inbox.models import InboundEvent
from socialops.lib.wall_clock import database_now

log = logging.getLogger(__name__)
BATCH = 1000
BATCHES_AT_MOST = 200  # a call; what is left waits for the next
LONGEST_TEXT = 100_000
LARGEST_RAW = 64 * 1024
STORE = """
    INSERT INTO inbox_inboundevent (channel_id, remote_id, version, deleted, source, payload, trouble)
    SELECT %s, e ->> 'remote_id', (e ->> 'version')::bigint, (e ->> 'deleted')::boolean, %s, e, ''
    FROM jsonb_array_elements(%s::jsonb) AS e
    ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class Ingested:
    """How many of the messages were new, and how many we had already."""

    new: int
    repeats: int


def ingest(channel: Channel, inbound: Iterable[InboundMessage], source: str) -> Ingested:
    """Store what a network said ("poll" or "webhook"), then file it. What cannot be filed now is filed by the task.

    Two commits: after the first nothing can be lost, so a webhook may answer 200 even if the second fails.
    """
    messages = list(inbound)
    ingested = store(channel, messages, source)
    try:
        process(channel, wait=source == "poll")
    except DatabaseError:
        log.exception("inbound events of channel %s are stored, filing them failed", channel.pk)
    return ingested


def store(channel: Channel, messages: list[InboundMessage], source: str) -> Ingested:
    """The raw rows, in one commit."""
    new, now = 0, database_now()
    with transaction.atomic(), connection.cursor() as cursor:
        for start in range(0, len(messages), BATCH):
            payloads = [_payload(message, now) for message in messages[start : start + BATCH]]
            cursor.execute(STORE, [channel.pk, source, json.dumps(payloads)])
            new += cursor.rowcount
    return Ingested(new, len(messages) - new)


def process(channel: Channel, *, wait: bool = True) -> int:
    """File every stored event of this channel; returns how many. Without `wait`, leave it to whoever is at it."""
    filed = 0
    for _ in range(BATCHES_AT_MOST):
        with transaction.atomic():
            if not filing.lock_channels([channel.pk], wait=wait):
                return filed
            events = list(InboundEvent.objects.filter(channel=channel, processed_at=None).order_by("pk")[:BATCH])
            if not events:
                return filed
            _file(channel, events)
        filed += len(events)
    return filed


def channels_behind() -> list[Channel]:
    """Channels with events that were stored and not filed: a process died between the two commits."""
    behind = InboundEvent.objects.filter(processed_at=None).values("channel")
    return list(Channel.objects.filter(pk__in=behind))


def _file(channel: Channel, events: list[InboundEvent]) -> None:
    try:
        with transaction.atomic():
            filing.file_events(channel, events)
    except (DatabaseError, ValueError, KeyError, TypeError):
        log.exception("a batch of channel %s cannot be filed as one; filing one by one", channel.pk)
        for event in events:
            _file_alone(channel, event)
    InboundEvent.objects.filter(pk__in=[event.pk for event in events]).update(processed_at=Now())


def _file_alone(channel: Channel, event: InboundEvent) -> None:
    """One event that cannot be filed keeps its raw row and never stands in the way of the others."""
    try:
        with transaction.atomic():
            filing.file_events(channel, [event])
    except (DatabaseError, ValueError, KeyError, TypeError) as error:
        log.exception("inbound event %s cannot be filed", event.pk)
        InboundEvent.objects.filter(pk=event.pk).update(trouble=repr(error)[:300])


def _payload(message: InboundMessage, now: datetime) -> dict[str, Any]:
    """The message as JSON that the database can hold, whatever was put into it over there."""
    told = vars(message)
    payload = {name: _clean(value) for name, value in told.items() if name not in ("at", "raw", "reply_to", "text")}
    payload["text"] = _clean(message.text)[:LONGEST_TEXT]
    payload["reply_to"] = _clean(dict(message.reply_to))
    payload["raw"] = _clean(dict(message.raw))
    if len(json.dumps(payload["raw"], default=str)) > LARGEST_RAW:
        payload["raw"] = {"left_out": "larger than 64 KiB"}
    payload["version"] = max(min(int(message.version), 2**63 - 1), 0)
    payload["at"] = _time(message.at, now).isoformat()
    for name, most in (("remote_id", 400), ("thread_id", 400), ("author_id", 300), ("in_reply_to", 400)):
        payload[name] = _key(payload[name], most)
    return payload


def _time(at: datetime, now: datetime) -> datetime:
    """Aware, and not in the future: a false clock over there must not pin a conversation to the top."""
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(aware, now)


def _key(value: str, most: int) -> str:
    """An id that fits its column; a longer one keeps its beginning and a digest of the whole."""
    if len(value) <= most:
        return value
    return f"{value[: most - 65]}#{hashlib.sha256(value.encode()).hexdigest()}"


def _clean(value: Any) -> Any:
    """Without NUL and lone surrogates, which PostgreSQL cannot hold; everything else is kept as it came."""
    if isinstance(value, str):
        return value.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {_clean(str(key)): _clean(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(each) for each in value]
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return _clean(str(value))
