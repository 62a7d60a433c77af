"""What a connection may still ask of its network, and whether it should: cooldowns and the breaker.

A cooldown is the network's wish (429 with Retry-After): the whole connection is silent so long. The breaker is ours:
after five failures in a row that look like the network's own trouble, the connection rests, then one probe goes out.
Deliveries that wait for either stay scheduled.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from django.db import connection
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Now

from channels_registry.models import Connection, ConnectionBudget
from socialops.lib.delivery.lane import Wait
from socialops.lib.delivery.pace import pace

FAILURES = 5
REST = 30.0  # seconds, times the pace


def waits(channel: str = "channel") -> list[Wait]:
    """What a lane waits for; `channel` is the path from its model to the channel."""
    return [
        _wait(Q(cooldown_until__gt=Now()), "cooldown_until", channel, probe=False),
        _wait(Q(breaker="open", breaker_until__gt=Now()), "breaker_until", channel, probe=True),
    ]


def note(well: Iterable[int], unwell: Iterable[int], silence: Mapping[int, float]) -> None:
    """What deliveries learnt: connections that answered, that failed (once for each failure), that want silence."""
    well, failures = set(well), Counter(unwell)
    if well:
        with connection.cursor() as cursor:
            cursor.execute(_WELL, [sorted(well)])
    for connection_id in sorted({*failures, *silence} - well | {*silence}):
        _trouble(connection_id, failures[connection_id] if connection_id not in well else 0, silence.get(connection_id))


def _wait(when: Q, until: str, channel: str, *, probe: bool) -> Wait:
    resting = ConnectionBudget.objects.filter(when, connection__state=Connection.State.LIVE)
    mine = resting.filter(connection__channel=OuterRef(channel)).order_by(F(until).desc()).values(until)[:1]
    return Wait(Q(**{f"{channel}__in": _channels(resting)}), until=Subquery(mine), probe=probe)


def _channels(budgets: QuerySet[ConnectionBudget]) -> QuerySet:
    return budgets.values("connection__channel")


def _trouble(connection_id: int, failures: int, silence: float | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _UNWELL,
            {
                "id": connection_id,
                "failures": failures,
                "most": FAILURES,
                "rest": REST * pace().factor,
                "silence": silence,
            },
        )


_WELL = """
UPDATE channels_registry_connectionbudget SET consecutive_failures = 0, breaker = 'closed', breaker_until = NULL
WHERE connection_id = ANY(%s) AND (consecutive_failures > 0 OR breaker <> 'closed')
"""

_UNWELL = """
INSERT INTO channels_registry_connectionbudget AS budget
    (connection_id, tokens, breaker, consecutive_failures, breaker_until, cooldown_until)
VALUES (%(id)s, 1000000, CASE WHEN %(failures)s >= %(most)s THEN 'open' ELSE 'closed' END, %(failures)s,
    CASE WHEN %(failures)s >= %(most)s THEN statement_timestamp() + %(rest)s * interval '1 second' END,
    statement_timestamp() + %(silence)s * interval '1 second')
ON CONFLICT (connection_id) DO UPDATE SET
    consecutive_failures = budget.consecutive_failures + %(failures)s,
    breaker = CASE WHEN budget.consecutive_failures + %(failures)s >= %(most)s THEN 'open' ELSE budget.breaker END,
    breaker_until = CASE WHEN budget.consecutive_failures + %(failures)s >= %(most)s
        THEN statement_timestamp() + %(rest)s * interval '1 second' ELSE budget.breaker_until END,
    cooldown_until = greatest(budget.cooldown_until, excluded.cooldown_until)
"""
