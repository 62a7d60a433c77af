"""Taking due rows, in one statement and one commit: the intent stands before any request is sent (invariant I1).

The same declaration refuses and selects: what matches a refusal is moved to its state in the statement that claims the
rest, so nothing that should be held can slip through between two statements.
"""

import itertools
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.models import BooleanField, Case, DateTimeField, IntegerField, Q, Value, When
from django.db.models.functions import Cast, Now

from socialops.lib.clock import steady
from socialops.lib.delivery import faults, telling
from socialops.lib.delivery.lane import Lane, Settled
from socialops.lib.delivery.pace import pace

log = logging.getLogger(__name__)
JUMP = 30.0  # seconds by which the database's clock may move against the steady one between two ticks
MOST = 500  # rows in one claim: 100 to 500 is fastest
WAITING = -1  # stands where the number of a refusal stands, for rows that stay scheduled
_numbers = itertools.count(1)


@dataclass(slots=True)
class Job:
    """One row in the hands of a shift. `send_before`: on the steady clock, when it is too late to begin sending."""

    id: int
    fence: int
    tries: int
    late: bool = False  # nobody claimed it for long: look before it is sent
    expired: bool = False  # its latest useful time has passed
    looks: int = 0  # which look this is; 0: a sending
    evidence: dict[str, Any] = field(default_factory=dict)
    send_before: float = 0.0
    parcel: Any = None
    stopped: bool = False


@dataclass
class Claimed:
    jobs: list[Job]
    refused: int = 0
    next_in: float | None = None  # seconds until the next row is due (0: ask again); None when nothing is scheduled


class Claimer:
    """Claims for one shift, on the connection it is made on. The claim is written and planned once."""

    def __init__(self, lane: Lane, owner: str):
        self.lane, self.owner, self.pace = lane, owner, pace()
        self.claims = self._prepared()
        self.stopping = self._stopping_statement()
        self.apart: float | None = None  # what the database's clock is ahead of the steady one

    def claim(self, limit: int) -> Claimed:
        """Up to `limit` due rows, committed as ours, with what must be known to send them."""
        return telling.moved(self.lane, partial(self._claim, limit))

    def _claim(self, limit: int, tell: telling.Tell) -> Claimed:
        began = steady()
        if (wait := self._next_in()) is None or wait > 0:
            return Claimed([], next_in=wait)
        faults.reach("before_claim")
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"EXECUTE {self.claims}(%s)", [min(limit, MOST)])
            rows = cursor.fetchall()
            refused = [self._refused(row) for row in rows if row[3] is not None and row[3] != WAITING]
            if refused:
                tell(refused)
        faults.reach("after_claim")
        send_before = began + self.pace.lease - self.pace.deadline - self.pace.margin
        ours = [row for row in rows if row[3] is None]
        jobs = [Job(row[0], row[1], row[2], row[4], row[5], send_before=send_before) for row in ours]
        return Claimed(jobs, len(refused), 0.0 if rows else None)  # none: another slot is at them

    def clock_jumped(self) -> bool:
        """Whether the database's clock has moved by itself since this was asked last, which is said in the log."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
            apart = cursor.fetchone()[0] - steady()
        moved, self.apart = 0.0 if self.apart is None else apart - self.apart, apart
        if abs(moved) <= JUMP:
            return False
        log.error(
            "%s: the clock of the database has jumped by %+.0f s. Let it keep time by NTP: what is due is due by it.",
            self.lane.name, moved,
        )  # fmt: skip
        return True

    def look(self, limit: int) -> list[Job]:
        """Up to `limit` rows whose outcome is unknown and whose time to be looked for has come."""
        with connection.cursor() as cursor:
            cursor.execute(
                _LOOK.format(table=self.lane.table, attempts=self.lane.attempts_table),
                [min(limit, MOST), self.pace.apart],
            )
            rows = cursor.fetchall()
        return [
            Job(i, fence, tries, looks=looks, evidence=json.loads(evidence))
            for i, fence, tries, looks, evidence in rows
        ]

    def stopped(self, ids: Sequence[int]) -> list[int]:
        """Which of these rows must not be sent any more, and whose open requests are to be aborted."""
        if self.stopping is None or not ids:
            return []
        sql, params = self.stopping
        with connection.cursor() as cursor:
            cursor.execute(sql, [*params, list(ids)])
            return [row[0] for row in cursor.fetchall()]

    def _refused(self, row: tuple) -> Settled:
        refusal = self.lane.all_refusals[row[3]]
        return Settled(row[0], row[1], refusal.state, reason=refusal.reason)

    def _stopping_statement(self) -> tuple[str, tuple] | None:
        stops = [When(refusal.when, then=Value(1)) for refusal in self.lane.refusals if refusal.stops]
        if not stops:
            return None
        rows = self.lane.model._default_manager.order_by().annotate(stops=Case(*stops, output_field=IntegerField()))
        sql, params = rows.filter(stops=1).values_list("id").query.sql_with_params()
        return f"{sql} AND {self.lane.table}.id = ANY(%s)", params

    def _next_in(self) -> float | None:
        """Seconds until the next row is due, negative for one that is; None when nothing is scheduled.

        Asked before each claim, because claiming when nothing is due costs thirty times as much.
        """
        with connection.cursor() as cursor:
            cursor.execute(_NEXT.format(table=self.lane.table))
            row = cursor.fetchone()
        return None if row is None else float(row[0])

    def _prepared(self) -> str:
        """The name of the claim in the database. Planned each time, one of 200 rows costs a quarter more, one of 20
        nearly twice as much.
        """
        name = f"claim_{next(_numbers)}"
        with connection.cursor() as cursor:
            cursor.execute("SET plan_cache_mode = force_generic_plan")
            cursor.execute(f"PREPARE {name}(int) AS {self._statement()}", self._params())
        return name

    def _statement(self) -> str:
        lane, table = self.lane, self.lane.table
        order = ", ".join(f"{table}.{column}" for column in lane.order)
        states = " ".join(f"WHEN {n} THEN %s" for n, _ in enumerate(lane.all_refusals))
        due, attempts = self._due_query()[0], lane.attempts_table
        return _CLAIM.format(table=table, attempts=attempts, due=due, order=order, states=states, waiting=WAITING)

    def _params(self) -> list:
        moved = [refusal.state for refusal in self.lane.all_refusals]
        moved += [refusal.reason for refusal in self.lane.all_refusals]
        times = [self.pace.lease, self.pace.deadline]
        return [*self._due_query()[1], self.pace.deadline, *moved, self.owner, *times]

    def _due_query(self) -> tuple[str, list]:
        """Due rows: the number of the first refusal that matches, until when they wait, and whether they are late."""
        lane = self.lane
        refusal = Case(
            *(When(refusal.when, then=Value(n)) for n, refusal in enumerate(lane.all_refusals)),
            default=Value(None), output_field=IntegerField(),
        )  # fmt: skip
        waits = [When(wait.when, then=wait.until) for wait in lane.waits]
        until = Cast(Case(*waits, default=Value(None), output_field=DateTimeField()), DateTimeField())
        probes = [When(wait.when, then=Value(wait.probe)) for wait in lane.waits]
        late = When(lane.is_late, then=Value(True))
        expired = When(Q(not_after__lt=Now()), then=Value(True))
        rows = (
            lane.model._default_manager.filter(state="scheduled", next_attempt_at__lte=Now())
            .order_by()
            .annotate(
                refusal=refusal,
                until=until,
                late=Case(late, default=Value(False), output_field=BooleanField()),
                expired=Case(expired, default=Value(False), output_field=BooleanField()),
                probe=Case(*probes, default=Value(False), output_field=BooleanField()),
            )
            .values_list("id", "refusal", "until", "late", "expired", "probe")
        )
        sql, params = rows.query.sql_with_params()
        return sql, list(params)


_CLAIM = """
WITH due AS MATERIALIZED ({due} ORDER BY {order} LIMIT $1 FOR UPDATE OF {table} SKIP LOCKED),
waiting AS (
    UPDATE {table} AS item SET next_attempt_at = greatest(due.until, statement_timestamp()) +
        CASE WHEN due.probe AND due.turn > 1 THEN %s ELSE 0 END * interval '1 second'
    FROM (SELECT *, row_number() OVER (PARTITION BY until ORDER BY id) AS turn FROM due) AS due
    WHERE item.id = due.id AND due.until IS NOT NULL AND due.refusal IS NULL
    RETURNING item.id, item.fence, item.tries, {waiting} AS refusal, false AS late, false AS expired),
refused AS (
    UPDATE {table} AS item SET state = CASE due.refusal {states} END, reason = CASE due.refusal {states} END
    FROM due WHERE item.id = due.id AND due.refusal IS NOT NULL
    RETURNING item.id, item.fence, item.tries, due.refusal, false, false),
claimed AS (
    UPDATE {table} AS item SET state = 'sending', fence = item.fence + 1, lease_owner = %s, reason = '',
        lease_until = statement_timestamp() + %s * interval '1 second'
    FROM due WHERE item.id = due.id AND due.refusal IS NULL AND due.until IS NULL
    RETURNING item.id, item.fence, item.tries, due.refusal, due.late, due.expired),
intent AS (
    INSERT INTO {attempts} (delivery_id, fence, started_at, deadline_at, remote_request_id, evidence)
    SELECT id, fence, statement_timestamp(), statement_timestamp() + %s * interval '1 second', '', '{{}}' FROM claimed)
SELECT * FROM claimed UNION ALL SELECT * FROM refused UNION ALL SELECT * FROM waiting
"""

_LOOK = """
WITH due AS MATERIALIZED (
    SELECT id FROM {table} WHERE state = 'unknown' AND next_attempt_at <= statement_timestamp()
    ORDER BY next_attempt_at LIMIT %s FOR UPDATE SKIP LOCKED)
UPDATE {table} AS item
SET looks = item.looks + 1, next_attempt_at = statement_timestamp() + %s * interval '1 second'
FROM due WHERE item.id = due.id
RETURNING item.id, item.fence, item.tries, item.looks, coalesce(
    (SELECT evidence FROM {attempts} AS a WHERE a.delivery_id = item.id AND a.fence = item.fence), '{{}}')::text
"""

_NEXT = """
SELECT extract(epoch FROM next_attempt_at - clock_timestamp()) FROM {table}
WHERE state = 'scheduled' ORDER BY next_attempt_at LIMIT 1
"""
