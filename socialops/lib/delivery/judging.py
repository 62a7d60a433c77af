"""What an answer means for the row. Nothing here talks to anybody.

accepted -> done; a step -> scheduled again at once; refused -> failed; later -> scheduled, with a growing random wait;
dead credential -> blocked, unless it could be revived; everything else -> unknown, to be looked for.
"""

import random
from collections.abc import Mapping
from typing import Any

from socialops.lib.delivery.claiming import Job
from socialops.lib.delivery.lane import Lane, Looking
from socialops.lib.delivery.pace import pace
from socialops.lib.delivery.settling import Verdict

NOBODY_KNOWS = "It is not known whether it is out."
NO_LOOK_UP = "It may be out, and this network offers no way to look. Somebody has to."
NOT_TOLD = "It may be out, and looking for it gave no clear answer. Somebody has to look."
SLOW_DOWN = 429


class NotNow(Exception):
    """Raised by the gate, before the first byte: this row may not be sent (a hold, or too late in its lease)."""


def sent(job: Job, result: Any) -> Verdict:
    """The answer of `send`."""
    if hasattr(result, "remote_id"):
        return accepted(job, result)
    if hasattr(result, "handle"):
        return Verdict(
            job, "scheduled", "continued", handle=dict(result.handle), delay=result.after, bytes_sent=True, infra=False
        )
    return unknown(job, NOBODY_KNOWS, {"detail": f"send returned {type(result).__name__}"})


def accepted(job: Job, done: Any) -> Verdict:
    return Verdict(
        job, "done", "accepted", remote_id=done.remote_id, remote_url=done.url, evidence=dict(done.evidence),
        bytes_sent=True, infra=False,
    )  # fmt: skip


def unknown(job: Job, reason: str, evidence: Mapping[str, Any], settle: float | None = None, **more: Any) -> Verdict:
    delay = max(pace().settle if settle is None else settle, pace().deadline)
    return Verdict(job, "unknown", "unknown", reason, delay=delay, evidence=dict(evidence), **more)


def not_sent(job: Job, detail: str) -> Verdict:
    """It goes back as it was, and this was not a try."""
    return Verdict(job, "scheduled", "not_sent", bytes_sent=False, evidence={"detail": detail})


def failed_sending(lane: Lane, job: Job, error: BaseException, revived: bool = False) -> Verdict:
    """What `send` raised. `revived`: its credential was dead and lives again."""
    told = _told(error)
    if isinstance(error, NotNow):
        return not_sent(job, str(error))
    if isinstance(error, lane.errors.refused):
        return Verdict(job, "failed", "rejected", infra=False, bytes_sent=True, **told)
    if isinstance(error, lane.errors.dead) and not revived:
        return Verdict(job, "blocked", "rejected", infra=False, bytes_sent=True, **told)
    if isinstance(error, (*lane.errors.later, *lane.errors.dead)):
        return _later(job, error, told)
    plan = lane.plan(job.parcel) if job.parcel is not None else None
    settle = plan.settle if plan else None
    return unknown(job, told["reason"] or NOBODY_KNOWS, told["evidence"], settle, infra=True,
                   status=told["status"], request_id=told["request_id"])  # fmt: skip


def not_loaded(lane: Lane, job: Job, error: BaseException) -> Verdict:
    """What it needs could not be had, so nothing was sent."""
    if isinstance(error, (*lane.errors.refused, *lane.errors.dead)):
        return failed_sending(lane, job, error)
    return _later(job, error, _told(error))


def _later(job: Job, error: BaseException, told: dict[str, Any]) -> Verdict:
    after, slow_down = getattr(error, "after", None), told["status"] == SLOW_DOWN
    if job.tries + 1 >= pace().tries and not slow_down:
        told["reason"] = f"Tried {job.tries + 1} times. {told['reason']}"
        return Verdict(job, "failed", "not_sent", tried=True, infra=True, **told)
    wait = random.uniform(0, min(pace().longest_retry, pace().retry * 2**job.tries))  # noqa: S311 (jitter)
    if after is not None:
        wait += after
    return Verdict(job, "scheduled", "not_sent", delay=wait, tried=not slow_down, infra=not slow_down,
                   after=after if slow_down else None, **told)  # fmt: skip


def looked(job: Job, plan: Looking | None, result: Any) -> Verdict:
    """The answer of one look at a row that is unknown; an exception proves nothing."""
    if plan is None:
        return _to_a_person(job, NO_LOOK_UP, [])
    looks = [*job.evidence.get("looks", []), _seen(result)]
    if hasattr(result, "remote_id"):
        verdict = accepted(job, result)
        verdict.evidence["looks"] = looks
        return verdict
    if result is None and [look["seen"] for look in looks].count("nothing") >= plan.absences:
        return Verdict(job, "scheduled", "proven_absent", evidence={"looks": looks}, tried=True)
    enough = max(pace().looks, plan.absences)
    if len(looks) >= enough or job.looks >= 2 * enough:  # a look whose worker died told nothing, and is made again
        return _to_a_person(job, NOT_TOLD, looks)
    return Verdict(job, "unknown", None, NOBODY_KNOWS, evidence={"looks": looks})


def needs_no_look(job: Job) -> Verdict | None:
    """An answer that came late says it is out; or nothing a look could say would settle it."""
    late = job.evidence.get("late") or {}
    if late.get("outcome") == "accepted":
        return Verdict(job, "done", "accepted", remote_id=late["remote_id"], remote_url=late["remote_url"])
    return _to_a_person(job, NOT_TOLD, []) if job.evidence.get("person") else None


def _to_a_person(job: Job, reason: str, looks: list) -> Verdict:
    return Verdict(job, "needs_human", None, reason, evidence={"looks": looks} if looks else {})


def _seen(result: Any) -> dict[str, str]:
    if result is None:
        return {"seen": "nothing"}
    if isinstance(result, BaseException):
        return {"seen": "error", "detail": _told(result)["evidence"]["detail"]}
    if hasattr(result, "remote_id"):
        return {"seen": "found", "remote_id": result.remote_id}
    return {"seen": "unclear", "detail": str(getattr(result, "reason", ""))[:300]}


def _told(error: BaseException) -> dict[str, Any]:
    return {
        "reason": getattr(error, "reason", ""),
        "status": getattr(error, "status", None),
        "request_id": getattr(error, "request_id", ""),
        "evidence": {"detail": str(getattr(error, "detail", "") or repr(error))[:500]},
    }
