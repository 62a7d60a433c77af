"""Reading channels by poll: leased rows that say how far each was read, and a shift that reads what is due.

A read changes nothing over there, so it needs no attempts: if a worker dies, its lease ends and somebody reads again.
Each page is stored before the cursor moves past it, and every few minutes the last ten are read again, so that what
a webhook lost, or a network listed late, comes in all the same (repeats are harmless).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from channels_registry import networks, refreshing
from channels_registry.connector.capabilities import Converses
from channels_registry.connector.errors import Disconnected, NetworkError, Refused, TryLater
from channels_registry.connector.types import Page
from channels_registry.models import Channel
from channels_registry.reaching import Reach, Reached
from inbox import receiving
from inbox.models import PollCursor
from socialops.lib.clock import steady

INTERVAL = 5.0  # seconds between two reads of a channel; all seconds here are multiplied by settings.PACE
LEASE = 50.0
READS_FOR = 15.0  # seconds; a channel with more to tell is read on in the next lease
LONGEST_PAUSE = 300.0
OVERLAP = timedelta(minutes=10)
SWEEP_EVERY = timedelta(minutes=5)
# No success: nothing was read. If what was renewed is not accepted either, pauses grow and a person hears of it.
RENEWED = TryLater("The network does not accept the access that it has renewed.")
TELLS_AFTER = 3  # failures in a row that a person hears of; fewer are the network's hiccups

CLAIM = """
    UPDATE inbox_pollcursor p
    SET fence = fence + 1, lease_until = statement_timestamp() + %(lease)s * interval '1 second'
    WHERE id IN (
        SELECT c.id FROM inbox_pollcursor c
        WHERE c.due_at <= statement_timestamp() AND (c.lease_until IS NULL OR c.lease_until < statement_timestamp())
          AND NOT EXISTS (
            SELECT FROM channels_registry_connectionbudget b
            JOIN channels_registry_connection n ON n.id = b.connection_id
            WHERE n.channel_id = c.channel_id AND n.state = 'live'
              AND greatest(b.cooldown_until, b.breaker_until) > statement_timestamp())
        ORDER BY c.due_at, c.id LIMIT %(most)s FOR UPDATE SKIP LOCKED)
    RETURNING id
"""
SETTLE = """
    UPDATE inbox_pollcursor p
    SET cursor = r.cursor, marks = r.marks, swept_at = coalesce(r.swept_at, p.swept_at), failures = r.failures,
        trouble = r.trouble, lease_until = NULL,
        due_at = statement_timestamp() + r.pause * interval '1 second',
        last_read_at = CASE WHEN r.failures = 0 THEN statement_timestamp() ELSE p.last_read_at END
    FROM jsonb_to_recordset(%s::jsonb) AS r(
        id bigint, fence bigint, cursor text, marks jsonb, swept_at timestamptz, failures int, trouble text,
        pause float8)
    WHERE p.id = r.id AND p.fence = r.fence
"""
BEGIN = """
    INSERT INTO inbox_pollcursor (channel_id, kind, cursor, marks, due_at, fence, failures, trouble)
    SELECT n.channel_id, k.kind, '', '[]', statement_timestamp(), 0, 0, ''
    FROM channels_registry_connection n JOIN channels_registry_channel c ON c.id = n.channel_id
    CROSS JOIN unnest(%s) AS k(kind)
    WHERE n.state = 'live' AND c.state <> 'archived' AND c.network = %s
      AND NOT EXISTS (SELECT FROM inbox_pollcursor p WHERE p.channel_id = n.channel_id AND p.kind = k.kind)
    ON CONFLICT DO NOTHING
"""


@dataclass
class Reading:
    """One leased cursor while it is read. A sweep begins at an earlier mark and moves the cursor only at its end."""

    row: PollCursor
    channel: Channel
    reached: Reached | None
    error: NetworkError | None
    cursor: str
    sweeps: bool
    began: float = field(default_factory=steady)
    more: bool = False

    def ended(self, error: NetworkError | None = None) -> dict[str, Any]:
        """What the row becomes: for SETTLE."""
        row, now = self.row, timezone.now()
        failures = row.failures + 1 if error else 0
        cursor = row.cursor if self.sweeps and (error or self.more) else self.cursor
        return {
            "id": row.pk,
            "fence": row.fence,
            "cursor": cursor,
            "marks": row.marks if error else _marked(row.marks, cursor, now),
            "swept_at": now.isoformat() if self.sweeps and not error else None,
            "failures": failures,
            "trouble": _trouble(error, failures),
            "pause": 0.0 if self.more and not error and not self.sweeps else _pause(error, failures),
        }


def begin_cursors() -> None:
    """A row for every kind of every connected channel whose network lets us read."""
    with connection.cursor() as cursor:
        for slug in networks.slugs():
            network = networks.network(slug)
            if isinstance(network, Converses):
                cursor.execute(BEGIN, [list(network.kinds), slug])


def claim(most: int, reach: Reach) -> list[Reading]:
    """Lease cursors that are due, ready to be read. Those whose channel cannot be reached carry the error."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CLAIM, {"lease": LEASE * settings.PACE, "most": most})
        ids = [pk for (pk,) in cursor.fetchall()]
    if not ids:
        return []
    rows = list(PollCursor.objects.filter(pk__in=ids).select_related("channel"))
    reached = reach.to(row.channel_id for row in rows)
    return [_reading(row, reached[row.channel_id]) for row in rows]


async def fetch(reading: Reading) -> Page:
    """The next page. A cursor that the network no longer knows is begun again from where the network lets us."""
    if reading.error is not None:
        raise reading.error
    network, access = reading.reached.network, reading.reached.access
    try:
        return await network.fetch(access, reading.row.kind, reading.cursor)
    except Refused:
        if not reading.cursor:
            raise
        reading.cursor, reading.sweeps = "", False
        return await network.fetch(access, reading.row.kind, "")


async def revived(reading: Reading, error: NetworkError) -> bool:
    """Whether a credential that the network did not accept could be renewed, so that it is worth reading again soon."""
    if not isinstance(error, Disconnected) or reading.reached is None:
        return False
    return await refreshing.revive(reading.reached.connection_id, reading.reached.secret_version)


def take_in(reading: Reading, page: Page) -> bool:
    """Store a page and move on; says whether there is another one to read now."""
    if page.messages:
        receiving.ingest(reading.channel, page.messages, "poll")
    moved = page.cursor not in (None, "", reading.cursor)
    reading.cursor = page.cursor or reading.cursor
    reading.more = page.more and moved
    return reading.more and steady() - reading.began < READS_FOR * settings.PACE


def settle(ends: Iterable[Mapping[str, Any]]) -> None:
    """Write how readings ended. A lease that somebody else has taken since is left alone."""
    ends = list(ends)
    if ends:
        with connection.cursor() as cursor:
            cursor.execute(SETTLE, [json.dumps(ends)])


def network_error(error: BaseException) -> NetworkError:
    """Whatever a connector raised, as something that can be said."""
    if isinstance(error, NetworkError):
        return error
    return TryLater("The network gave an answer that cannot be read.", detail=repr(error))


def _reading(row: PollCursor, reached: Reached | NetworkError) -> Reading:
    error = reached if isinstance(reached, NetworkError) else reached.lacks(Converses)
    if isinstance(reached, NetworkError) or error:
        return Reading(row, row.channel, None, error, row.cursor, False)
    mark = _mark_to_sweep(row, timezone.now())
    return Reading(row, row.channel, reached, None, row.cursor if mark is None else mark, mark is not None)


def _mark_to_sweep(row: PollCursor, now: datetime) -> str | None:
    """Where the cursor stood ten minutes ago, when it is time to read from there again."""
    if row.swept_at is not None and now - row.swept_at < SWEEP_EVERY * settings.PACE:
        return None
    old = [cursor for at, cursor in row.marks if now - datetime.fromisoformat(at) >= OVERLAP * settings.PACE]
    return old[-1] if old and old[-1] != row.cursor else None


def _marked(marks: list, cursor: str, now: datetime) -> list:
    """Remember where we are, once a minute, back to the last mark that is older than the overlap."""
    minute, overlap = timedelta(minutes=1) * settings.PACE, OVERLAP * settings.PACE
    if not marks or now - datetime.fromisoformat(marks[-1][0]) >= minute:
        marks = [*marks, [now.isoformat(), cursor]]
    old = [mark for mark in marks if now - datetime.fromisoformat(mark[0]) >= overlap]
    return old[-1:] + marks[len(old) :]


def _trouble(error: NetworkError | None, failures: int) -> str:
    """For people. A dead connection says so at once, a hiccup only when it lasts."""
    if error is None or (isinstance(error, TryLater) and failures < TELLS_AFTER):
        return ""
    what = (
        "Nothing is lost: reading goes on where it stopped" if isinstance(error, Disconnected) else "It is tried again"
    )
    return f"{error.reason} {what}."[:300]


def _pause(error: NetworkError | None, failures: int) -> float:
    if error is None or isinstance(error, Disconnected):
        return INTERVAL * settings.PACE
    pause = min(INTERVAL * 2 ** min(failures, 8), LONGEST_PAUSE) * settings.PACE
    return max(pause, getattr(error, "after", None) or 0.0)
