"""Writing down what came of it: in batches, each row only while it is still ours (fence and state)."""

import json
import logging
import time
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import IntegrityError, connection, transaction

from socialops.lib.clock import steady
from socialops.lib.delivery import faults
from socialops.lib.delivery.claiming import Job
from socialops.lib.delivery.lane import Lane, Settled
from socialops.lib.delivery.late import CAME_LATE
from socialops.lib.delivery.pace import pace
from socialops.lib.delivery.telling import away, tell_each

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Verdict:
    """What is to be written about a job. `outcome` None leaves the attempt's; `delay` is until the next try or look."""

    job: Job
    state: str
    outcome: str | None
    reason: str = ""
    delay: float = 0.0
    tried: bool = False
    handle: dict[str, Any] | None = None
    remote_id: str = ""
    remote_url: str = ""
    status: int | None = None
    request_id: str = ""
    bytes_sent: bool | None = None
    evidence: dict[str, Any] = field(default_factory=dict)
    after: float | None = None
    infra: bool | None = None

    def row(self) -> dict[str, Any]:
        """What is to be written; what is not known is left out."""
        job = self.job
        told = {
            "id": job.id, "fence": job.fence, "was": "unknown" if job.looks else "sending", "looked": job.looks or None,
            "state": self.state, "outcome": self.outcome, "reason": self.reason, "delay": self.delay,
            "tried": int(self.tried), "handle": self.handle, "remote_id": self.remote_id[:400],
            "remote_url": self.remote_url[:600], "status": self.status, "request_id": self.request_id[:200],
            "bytes_sent": self.bytes_sent, "evidence": self.evidence,
        }  # fmt: skip
        return {name: value for name, value in told.items() if value is not None and value != ""}

    def settled(self) -> Settled:
        return Settled(
            self.job.id, self.job.fence, self.state, self.outcome, storable(self.reason),
            storable(self.remote_id)[:400], storable(self.remote_url)[:600], storable(self.evidence),
            self.job.parcel, self.after, self.infra,
        )  # fmt: skip


def settle(lane: Lane, verdicts: Sequence[Verdict]) -> None:
    """Write all of them down. One that cannot be, for whatever reason, costs only itself: it goes to a person."""
    faults.reach("settling")
    try:
        _settle(lane, verdicts)
    except Exception as error:
        if away(error):
            raise
        if len(verdicts) > 1:
            for verdict in verdicts:
                settle(lane, [verdict])
        else:
            _give_to_a_person(lane, verdicts[0], error)


def settle_surely(lane: Lane, verdicts: Sequence[Verdict], seconds: float | None = None) -> None:
    """`settle`, through restarts of the database, for as long as the rows can still be ours."""
    surely(lambda: settle(lane, verdicts), seconds)


def surely(write: Callable[[], Any], seconds: float | None = None) -> None:
    """Run it on a new connection until it works. Every statement here may be repeated: the fence makes it harmless."""
    give_up = steady() + (pace().lease if seconds is None else seconds)
    while True:
        try:
            return write()
        except Exception as error:
            if not away(error):
                raise
            connection.close()
            if steady() > give_up:
                raise
            log.warning("The database is away; what is known will be written when it is back.")
            time.sleep(0.1)


def return_unheard(lane: Lane, owner: str, heard: Set[tuple[int, int]]) -> None:
    """Rows that were claimed for us in a commit whose answer we never heard: nothing was sent, so they go back.

    `heard`: (id, fence) of those that we did hear of. Where one of them is still ours, what became of it could not be
    written, or a crash of the database has forgotten it: it may be out, so the reaper has it looked for.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _UNHEARD.format(table=lane.table),
            [owner],
        )
        unheard = [Job(*row) for row in cursor.fetchall() if row[:2] not in heard]
    if unheard:
        settle(lane, [Verdict(job, "scheduled", "not_sent", evidence={"detail": "never sent"}) for job in unheard])


def _settle(lane: Lane, verdicts: Sequence[Verdict], tell: bool = True) -> None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            # A process that is frozen in here must not keep its rows from the reaper for as long as it stays frozen.
            cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{pace().silence * 1000:.0f}ms'")
            cursor.execute(_STATEMENT.format(table=lane.table, attempts=lane.attempts_table), [_rows(verdicts)])
            moved = {row[0] for row in cursor.fetchall()}
        if tell:
            lane.settled([verdict.settled() for verdict in verdicts if verdict.job.id in moved and _tells(verdict)])
        late = [verdict for verdict in verdicts if verdict.job.id not in moved]
        if late:
            _note_late(lane, late)


def _tells(verdict: Verdict) -> bool:
    """A look that settles nothing is no event."""
    return not (verdict.job.looks and verdict.state == "unknown")


def _note_late(lane: Lane, late: Sequence[Verdict]) -> None:
    """The row is not ours any more. Its attempt remembers; an acceptance is looked at once more, and never repeated.

    The rows are locked first, so that what is read of them is what they are when this is written.
    """
    answers = [_as_answered(verdict) for verdict in late]
    with connection.cursor() as cursor:
        cursor.execute(_LOCK.format(table=lane.table), [[verdict.job.id for verdict in answers]])
        cursor.execute(_LATE.format(table=lane.table, attempts=lane.attempts_table), [_rows(answers), CAME_LATE])
        stopped = [Settled(pk, fence, "blocked", reason=CAME_LATE) for pk, fence in cursor.fetchall()]
    tell_each(lane, stopped)


def _as_answered(verdict: Verdict) -> Verdict:
    """As the network said it, though it could not be written down that way."""
    said = verdict.evidence.get("late")
    return replace(verdict, evidence={}, **said) if said else verdict


def _rows(verdicts: Sequence[Verdict]) -> str:
    rows = [verdict.row() for verdict in verdicts]
    text = json.dumps(rows, ensure_ascii=False, default=str)
    if "\\u0000" in text:
        text = json.dumps(storable(rows), ensure_ascii=False, default=lambda value: storable(str(value)))
    return text.encode("utf-8", "replace").decode()


def storable(value: Any) -> Any:
    """PostgreSQL stores every character but NUL and half a surrogate pair."""
    if isinstance(value, str):
        if value.isascii() and "\0" not in value:
            return value
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {storable(name): storable(each) for name, each in value.items()}
    return [storable(each) for each in value] if isinstance(value, (list, tuple)) else value


def _give_to_a_person(lane: Lane, verdict: Verdict, error: Exception) -> None:
    """What could not be written, or told, as it is. Where even this cannot be told, it is written all the same."""
    log.error("delivery %s could not be settled as %s", verdict.job.id, verdict.state, exc_info=error)
    for bare in (False, True):
        try:
            return _settle(lane, [_unsettled(verdict, error, bare)], tell=not bare)
        except Exception as again:
            if away(again):
                raise
            log.exception("delivery %s could not be given to a person (bare: %s)", verdict.job.id, bare)
    return None  # its lease ends, and then it is looked for


def _unsettled(verdict: Verdict, error: Exception, bare: bool) -> Verdict:
    """To be looked at by a person; an acceptance stays known, so that nobody sends it again. `bare`: nothing else."""
    reason = "What the network answered does not fit what is known here. Somebody has to look."
    same_id = isinstance(error, IntegrityError) and bool(verdict.remote_id)
    if same_id:
        reason = "The network gave it the id of another post. Somebody has to look which of them is out."
    evidence = {} if bare else dict(verdict.evidence)
    evidence |= {"refused": str(error)[:500], "remote_id": verdict.remote_id, "person": True}
    if verdict.outcome == "accepted" and not same_id:
        evidence["late"] = {name: getattr(verdict, name) for name in ("outcome", "remote_id", "remote_url")}
    state = "needs_human" if verdict.job.looks else "unknown"
    return Verdict(verdict.job, state, "unknown", reason, evidence=evidence, status=None if bare else verdict.status)


_LOCK = "SELECT id FROM {table} WHERE id = ANY(%s) ORDER BY id FOR UPDATE"

_UNHEARD = "SELECT id, fence, tries FROM {table} WHERE state = 'sending' AND lease_owner = %s"

_STATEMENT = """
WITH data AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%s::jsonb) AS d(id bigint, fence bigint, was text, looked int, state text,
        outcome text, reason text, delay float8, tried int, handle jsonb, remote_id text, remote_url text,
        status int, request_id text, bytes_sent bool, evidence jsonb)),
moved AS (
    UPDATE {table} AS item SET
        state = d.state,
        reason = coalesce(d.reason, ''),
        lease_owner = '',
        lease_until = NULL,
        tries = item.tries + d.tried,
        looks = CASE WHEN d.was = 'sending' THEN 0 ELSE item.looks END,
        handle = coalesce(d.handle, item.handle),
        remote_id = coalesce(d.remote_id, item.remote_id),
        remote_url = coalesce(d.remote_url, item.remote_url),
        next_attempt_at = CASE
            WHEN d.state = 'scheduled' OR (d.state = 'unknown' AND d.was = 'sending')
            THEN statement_timestamp() + d.delay * interval '1 second' ELSE item.next_attempt_at END,
        settled_at = CASE WHEN d.state IN ('done', 'failed') THEN statement_timestamp() ELSE NULL END
    FROM data AS d
    WHERE item.id = d.id AND item.fence = d.fence AND item.state = d.was AND (d.looked IS NULL OR item.looks = d.looked)
    RETURNING item.id),
noted AS (
    UPDATE {attempts} AS a SET
        outcome = coalesce(d.outcome, a.outcome),
        http_status = coalesce(d.status, a.http_status),
        remote_request_id = coalesce(d.request_id, a.remote_request_id),
        bytes_sent = coalesce(d.bytes_sent, a.bytes_sent),
        evidence = a.evidence || d.evidence,
        settled_at = statement_timestamp()
    FROM data AS d JOIN moved USING (id)
    WHERE a.delivery_id = d.id AND a.fence = d.fence)
SELECT id FROM moved
"""

_LATE = """
WITH data AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%s::jsonb) AS d(id bigint, fence bigint, state text, outcome text, looked int,
        status int, remote_id text, remote_url text, evidence jsonb)
    WHERE d.looked IS NULL),
noted AS (
    UPDATE {attempts} AS a SET evidence = a.evidence || jsonb_build_object('late', d.evidence || jsonb_build_object(
        'outcome', d.outcome, 'status', d.status, 'remote_id', coalesce(d.remote_id, ''),
        'remote_url', coalesce(d.remote_url, '')))
    FROM data AS d
    WHERE a.delivery_id = d.id AND a.fence = d.fence AND (a.outcome IS NULL OR a.outcome <> d.outcome)
    RETURNING a.delivery_id, d.outcome),
looked AS (
    UPDATE {table} AS item SET next_attempt_at = statement_timestamp()
    FROM noted WHERE item.id = noted.delivery_id AND noted.outcome = 'accepted' AND item.state = 'unknown')
UPDATE {table} AS item SET state = 'blocked', reason = %s
FROM noted WHERE item.id = noted.delivery_id AND noted.outcome = 'accepted' AND item.state = 'scheduled'
RETURNING item.id, item.fence
"""
