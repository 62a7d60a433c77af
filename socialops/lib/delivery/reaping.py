"""Rows whose worker is gone. What became of them is not known, so they are looked for and never simply sent again."""

from django.db import connection, transaction

from socialops.lib.delivery import faults
from socialops.lib.delivery.lane import Lane, Settled
from socialops.lib.delivery.pace import pace

LOST = "The worker that was sending it is gone, so it is not known whether it is out."


def reap(lane: Lane, most: int = 500) -> int:
    """Move rows with an expired lease to unknown, to be looked for when the network must have finished with them."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _REAP.format(table=lane.table, attempts=lane.attempts_table),
            [most, LOST, pace().settle],
        )
        lost = [Settled(i, fence, "unknown", "unknown", LOST) for i, fence in cursor.fetchall()]
        if lost:
            faults.reach("reaping")
            lane.settled(lost)
    return len(lost)


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
