"""Rows whose worker is gone. What became of them is not known, so they are looked for and never simply sent again."""

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

from django.db import connection, transaction

from socialops.lib.delivery import faults, telling
from socialops.lib.delivery.lane import Lane, Looking, Settled
from socialops.lib.delivery.pace import pace

log = logging.getLogger(__name__)
LOST = "The worker that was sending it is gone, so it is not known whether it is out."


def reap(lane: Lane, client: Any = None, most: int = 500) -> int:
    """Move rows with an expired lease to unknown, to be looked for when the network must have finished with them.

    `client` is the shift's: without it nothing is known of the networks, and each gets the pace's time.
    """
    return telling.moved(lane, partial(_reap, lane, client, most))


def _reap(lane: Lane, client: Any, most: int, tell: telling.Tell) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _REAP.format(table=lane.table, attempts=lane.attempts_table),
            [most, LOST, pace().settle],
        )
        lost = [Settled(i, fence, "unknown", "unknown", LOST) for i, fence in cursor.fetchall()]
        if lost:
            faults.reach("reaping")
            if client is not None:
                _leave_time(lane, client, [row.id for row in lost])
            tell(lost)
    return len(lost)


def _leave_time(lane: Lane, client: Any, ids: Sequence[int]) -> None:
    """A network that takes longer than most to show what it took is looked at later."""
    try:
        with transaction.atomic():
            plans = {pk: _plan(lane, parcel) for pk, parcel in lane.load(ids, client).items()}
    except Exception as error:
        if telling.away(error):
            raise
        log.exception("%s: %d rows could not be loaded, so they are looked for at the usual time", lane.name, len(ids))
        return
    slow = {pk: plan.settle for pk, plan in plans.items() if plan and plan.settle and plan.settle > pace().settle}
    if slow:
        with connection.cursor() as cursor:
            cursor.execute(_LATER.format(table=lane.table), [list(slow), list(slow.values())])


def _plan(lane: Lane, parcel: Any) -> Looking | None:
    return None if isinstance(parcel, BaseException) else lane.plan(parcel)


_LATER = """
UPDATE {table} AS item SET next_attempt_at = statement_timestamp() + slow.seconds * interval '1 second'
FROM unnest(%s::bigint[], %s::float8[]) AS slow(id, seconds) WHERE item.id = slow.id
"""

_REAP = """
WITH gone AS MATERIALIZED (
    SELECT id FROM {table} WHERE state = 'sending' AND lease_until < statement_timestamp()
    ORDER BY lease_until LIMIT %s FOR UPDATE SKIP LOCKED),
moved AS (
    UPDATE {table} AS item SET state = 'unknown', lease_owner = '', lease_until = NULL, looks = 0,
        reason = %s, next_attempt_at = statement_timestamp() + %s * interval '1 second'
    FROM gone WHERE item.id = gone.id
    RETURNING item.id, item.fence),
noted AS (
    UPDATE {attempts} AS a SET outcome = 'unknown', settled_at = statement_timestamp(),
        evidence = a.evidence || '{{"detail": "lease expired"}}'
    FROM moved WHERE a.delivery_id = moved.id AND a.fence = moved.fence AND a.outcome IS NULL)
SELECT id, fence FROM moved
"""
