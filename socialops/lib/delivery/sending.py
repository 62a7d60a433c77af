"""The requests of one shift: so many at once, each with its deadline, each told apart by what is known of it.

Runs in one event loop. Jobs come in by `take`, verdicts go out by the callback; nothing here touches the database.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

from socialops.lib.clock import steady
from socialops.lib.delivery import faults, judging
from socialops.lib.delivery.claiming import Job
from socialops.lib.delivery.judging import NotNow
from socialops.lib.delivery.lane import Lane, Looking, Unclear
from socialops.lib.delivery.pace import pace
from socialops.lib.delivery.settling import Verdict

log = logging.getLogger(__name__)
_job: ContextVar[Job | None] = ContextVar("job", default=None)


def gate() -> None:
    """Asked right before the first byte of a request: may this row still be sent? Raises NotNow.

    A worker that was stopped between its claim and its first byte wakes up here, and a hold placed meanwhile is seen.
    """
    job = _job.get()
    if job is None or job.looks:
        return
    if job.stopped:
        raise NotNow("stopped by a hold before it was sent")
    if steady() > job.send_before:
        raise NotNow("too late in its lease to begin")


class Sender:
    """`places` jobs at once; further ones wait in `queue`. `tell(verdict)` is called once for each job."""

    def __init__(self, lane: Lane, places: int, tell: Callable[[Verdict], None]):
        self.lane, self.places, self.tell = lane, places, tell
        self.queue: deque[Job] = deque()
        self.flying: dict[asyncio.Task, Job] = {}
        self.deadline = pace().deadline
        self.reviving = asyncio.Lock()

    @property
    def held(self) -> int:
        return len(self.queue) + len(self.flying)

    def jobs(self) -> list[Job]:
        return [*self.queue, *self.flying.values()]

    def take(self, jobs: Iterable[Job]) -> None:
        self.queue.extend(jobs)
        self._fill()

    def stop(self, ids: set[int]) -> None:
        """Nothing more for these rows: those in flight are aborted (their outcome is unknown), the others go back."""
        for task, job in list(self.flying.items()):
            if job.id in ids and not job.looks and not job.stopped:
                job.stopped = True
                task.cancel()
        for job in self.queue:
            if job.id in ids:
                job.stopped = True

    def give_back(self) -> None:
        """Everything that has not begun goes back as not sent; looks are simply made again."""
        waiting, self.queue = self.queue, deque()
        for job in waiting:
            if not job.looks:
                self.tell(judging.not_sent(job, "the worker stopped before it was sent"))

    def _fill(self) -> None:
        while self.queue and len(self.flying) < self.places:
            job = self.queue.popleft()
            task = asyncio.get_running_loop().create_task(self._one(job))
            self.flying[task] = job
            task.add_done_callback(self._landed)

    def _landed(self, task: asyncio.Task) -> None:
        job = self.flying.pop(task)
        if task.cancelled() or task.exception() is not None:
            error = None if task.cancelled() else task.exception()
            error = error or asyncio.CancelledError()
            log.error("delivery %s: %r escaped", job.id, error)
            verdict = self._escaped(job, error)
        else:
            verdict = task.result()
        self._fill()
        self.tell(verdict)

    def _escaped(self, job: Job, error: BaseException) -> Verdict:
        try:
            return judging.failed_sending(self.lane, job, error)
        except Exception:
            log.exception("delivery %s: how to look for it cannot be told", job.id)
            return judging.unknown(job, judging.NOBODY_KNOWS, {"detail": repr(error)[:500]})

    async def _one(self, job: Job) -> Verdict:
        _job.set(job)
        if job.looks:
            return await self._look(job)
        if isinstance(job.parcel, BaseException):
            return judging.not_loaded(self.lane, job, job.parcel)
        try:
            gate()
            if job.late and (found := await self._already_there(job)) is not None:
                return found
            if job.expired:
                return judging.not_sent(job, "not there, and its latest useful time has passed")
            async with asyncio.timeout(self.deadline):
                result = await self.lane.send(job.parcel)
            faults.reach("answered")
            return judging.sent(job, result)
        except asyncio.CancelledError as error:
            return judging.failed_sending(self.lane, job, error)
        except Exception as error:
            return judging.failed_sending(self.lane, job, error, await self._revived(job, error))

    async def _already_there(self, job: Job) -> Verdict | None:
        """Nobody claimed it for long, so this database may be a restored one: look before the first sending."""
        plan = self.lane.plan(job.parcel)
        seen = await self._seen(job) if plan else None
        if plan and seen is None:
            return None
        if hasattr(seen, "remote_id"):
            return judging.accepted(job, seen)
        evidence = {"detail": "late, and not proven absent", "person": plan is None}
        return judging.unknown(job, judging.NOBODY_KNOWS, evidence, settle=0)

    async def _look(self, job: Job) -> Verdict:
        if known := judging.needs_no_look(job):
            return known
        if isinstance(job.parcel, BaseException):
            return judging.looked(job, Looking(), job.parcel)
        plan = self.lane.plan(job.parcel)
        seen = await self._seen(job) if plan else None
        faults.reach("looking")
        return judging.looked(job, plan, seen)

    async def _seen(self, job: Job) -> Any:
        look = self.lane.look or _blind
        try:
            async with asyncio.timeout(self.deadline):
                return await look(job.parcel)
        except (Exception, asyncio.CancelledError) as error:
            return error

    async def _revived(self, job: Job, error: Exception) -> bool:
        if self.lane.revive is None or not isinstance(error, self.lane.errors.dead):
            return False
        try:
            async with self.reviving:  # one at a time: the first renews, the others find it renewed
                return await self.lane.revive(job.parcel)
        except Exception:
            log.exception("delivery %s: reviving its credential failed", job.id)
            return False


async def _blind(_: Any) -> Unclear:
    return Unclear("there is no way to look")
