"""The slots of a lane: so many shifts at once over all machines. One is an advisory lock, held by a connection."""

import random

from django.db import connection

from socialops.lib import turns
from socialops.lib.delivery.lane import Lane
from socialops.lib.delivery.pace import pace


def free_slot(lane: Lane) -> bool:
    """Whether a shift would find a slot now. Asked by a nudge, on the process's ordinary connection."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2
            AND classid = %s::bigint::oid AND objid < %s
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())""",
            [_key(lane) & 0xFFFFFFFF, lane.slots],
        )
        return cursor.fetchone()[0] < lane.slots


def take_slot(lane: Lane) -> int | None:
    """The number (from 1) of the slot that this connection now holds. The database frees it when we fall silent."""
    connection.close()
    with connection.cursor() as cursor:
        for silence in ("idle_session_timeout", "idle_in_transaction_session_timeout"):
            cursor.execute(f"SET {silence} = %s", [f"{pace().silence * 1000:.0f}ms"])
        # A claim that a crash of the database can forget is no intent: what it stood for would be sent again.
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        )
        for number in random.sample(range(lane.slots), lane.slots):
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_key(lane), number])
            if cursor.fetchone()[0]:
                return number + 1
    return None


def give_slot() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")


def _key(lane: Lane) -> int:
    return turns.key(f"delivery:{lane.name}")
