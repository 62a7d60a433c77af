"""A shift: up to a minute of claiming, sending and settling, by one worker in one of the lane's slots.

One event loop sends. Two threads, each with a connection of its own, write: the claimer, whose connection holds the
slot (an advisory lock), and the settler. If the database lets go of the claimer, the shift claims no more and settles
what it has.
"""

import asyncio
import gc
import logging
import random
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from os import getpid
from socket import gethostname
from typing import Any

from django.db import Error, connection

from socialops.lib.clock import steady
from socialops.lib.delivery.claiming import MOST, Claimed, Claimer, Job
from socialops.lib.delivery.lane import Lane
from socialops.lib.delivery.pace import pace
from socialops.lib.delivery.reaping import reap
from socialops.lib.delivery.sending import Sender
from socialops.lib.delivery.settling import Verdict, return_unheard, settle_surely, surely
from socialops.lib.delivery.slots import give_slot, take_slot
from socialops.lib.delivery.telling import away

log = logging.getLogger(__name__)
AHEAD = 4  # rows in hand beside each in flight: a network that answers all at once empties fewer at once
MOST_AHEAD = 600  # but no more than these, which a crash leaves to be looked for
LARGE = 200  # rows in a claim: one of few costs nearly as much, and that much less is computed for the requests
AFTER_A_FAULT = 1.0  # seconds
BATCH, BUSY_BATCH = 0.02, 0.25  # seconds in which verdicts gather before they are written; with rows waiting to go out


class Shift:
    """`stopping()` is asked several times a second; `leave()` is called when the slot is free again."""

    def __init__(self, lane: Lane, stopping: Callable[[], bool] = lambda: False, seconds: float | None = None):
        self.lane, self.stopping = lane, stopping
        self.owner = f"{gethostname()[:30]}:{getpid()}:{uuid.uuid4().hex[:12]}"
        self.pace = pace()
        length = self.pace.shift * random.uniform(1, 1.2)  # noqa: S311 (slots must not change at once)
        self.ends = steady() + (length if seconds is None else seconds)
        self.in_hand = lane.places + min(AHEAD * lane.places, MOST_AHEAD)
        self.large = min(LARGE, self.in_hand // 3)
        self.sender = Sender(lane, lane.places, self._tell)
        self.verdicts: list[Verdict] = []
        self.heard: set[tuple[int, int]] = set()  # (id, fence) of every row that was ours to send
        self.settled = 0
        self.lost = False

    def run(self, leave: Callable[[], Any] = lambda: None) -> bool:
        """Work. False at once when every slot of the lane is taken."""
        return side_by_side([self], leave)

    async def work(self, leave: Callable[[], Any]) -> bool:
        self.claims, self.writes = ThreadPoolExecutor(1, "claimer"), ThreadPoolExecutor(1, "settler")
        self.wake, self.told = asyncio.Event(), asyncio.Event()
        try:
            if not await self._in(self.claims, take_slot, self.lane):
                return False
            self.claimer = await self._in(self.claims, Claimer, self.lane, self.owner)
            async with self.lane.client() as client:
                await self._until_the_end(client, leave)
            return True
        finally:
            for thread in (self.claims, self.writes):
                with suppress(Error):
                    await self._in(thread, connection.close)
                thread.shutdown(wait=False)

    async def _until_the_end(self, client: Any, leave: Callable[[], Any]) -> None:
        settling = asyncio.create_task(self._settling())
        watching = asyncio.create_task(self._watching())
        try:
            await self._claiming(client)
        except Error as error:
            self.lost = True
            log.warning("%s: the database let go of this shift: %s", self.lane.name, error)
        except Exception:
            self.lost = True
            log.exception("%s: this shift claims no more; what it has is settled", self.lane.name)
            await asyncio.sleep(AFTER_A_FAULT)  # the next one may meet the same
        if self.stopping():
            self.sender.give_back()
        with suppress(Error):
            await self._in(self.claims, give_slot)
        await self._leave(leave)
        await self._land()
        watching.cancel()
        settling.cancel()
        with suppress(asyncio.CancelledError):
            await settling
        await self._write_all()
        if self.lost:
            await self._in(self.writes, surely, lambda: return_unheard(self.lane, self.owner, self.heard))
        log.info("%s: a shift settled %d", self.lane.name, self.settled)

    async def _leave(self, leave: Callable[[], Any]) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(None, leave)
        except Exception:
            log.exception("%s: nobody could be told that the slot is free", self.lane.name)

    async def _claiming(self, client: Any) -> None:
        """Keep the places full. Ends with the shift, or with an Error when the connection is gone."""
        reaped = looked = float("-inf")
        while steady() < self.ends and not self.stopping():
            now, wait = steady(), self.lane.notice
            if now - looked >= self.pace.poll and await self._in(self.claims, self.claimer.clock_jumped):
                await asyncio.sleep(self.pace.poll)  # one tick in which nothing is reaped, looked for or claimed
                continue
            if now - reaped >= self.pace.reap:
                reaped = now
                await self._in(self.claims, reap, self.lane, client)
            if now - looked >= self.pace.poll:
                looked = now
                self.sender.take(await self._in(self.claims, self._looks, client))
            if room := self._room():
                self.wake.clear()
                claimed = await self._in(self.claims, self._claim, client, room)
                self.sender.take(claimed.jobs)
                if claimed.next_in is not None:
                    wait = min(wait, max(claimed.next_in, 0.0))
            if wait > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.wake.wait(), wait)
                self.wake.clear()

    async def _watching(self) -> None:
        """Abort what may not go on, and keep the claimer's connection alive while the network is slow."""
        while True:
            await asyncio.sleep(self.pace.poll)
            ids = [job.id for job in self.sender.jobs() if not job.looks]
            try:
                self.sender.stop(set(await self._in(self.claims, self._stopped, ids)))
            except Error:
                continue  # the claimer hears of it, and ends the shift
            except Exception:
                log.exception("%s: it could not be asked what has to stop", self.lane.name)

    async def _settling(self) -> None:
        while True:
            await self.told.wait()
            await asyncio.sleep(BUSY_BATCH if self.sender.queue else BATCH)
            await self._write_all()

    async def _write_all(self) -> None:
        while self.verdicts:
            self.told.clear()
            verdicts, self.verdicts = self.verdicts[:MOST], self.verdicts[MOST:]
            writing = asyncio.ensure_future(self._in(self.writes, settle_surely, self.lane, verdicts))
            try:
                await asyncio.shield(writing)
            except asyncio.CancelledError:
                await writing
                raise
            except Exception:
                log.exception(
                    "%s: %d outcomes could not be written; they will be looked for", self.lane.name, len(verdicts)
                )
            self.settled += len(verdicts)
            if any(verdict.outcome == "continued" for verdict in verdicts):
                self.wake.set()

    async def _land(self) -> None:
        """Wait for everything in hand; each request has its own deadline, so this ends."""
        give_up = steady() + self.pace.lease
        while self.sender.held and steady() < give_up:  # noqa: ASYNC110 (ends by itself as well)
            await asyncio.sleep(0.01)

    def _tell(self, verdict: Verdict) -> None:
        self.verdicts.append(verdict)
        self.told.set()
        if self._room():
            self.wake.set()

    def _room(self) -> int:
        """How many rows to claim now. With none waiting no more than can go out at once: the first byte is out sooner,
        and the other slots get their share of a small burst. Else many or none.
        """
        room = self.in_hand - self.sender.held
        if not self.sender.queue:
            return min(room, max(self.lane.places, 100))
        return min(room, MOST) if room >= self.large else 0

    def _claim(self, client: Any, room: int) -> Claimed:
        claimed = self.claimer.claim(room)
        self.heard.update((job.id, job.fence) for job in claimed.jobs)
        self._load(claimed.jobs, client)
        return claimed

    def _looks(self, client: Any) -> list[Job]:
        looking = sum(1 for job in self.sender.jobs() if job.looks)
        jobs = self.claimer.look(max(10, self.lane.places) - looking) if looking < max(10, self.lane.places) else []
        self._load(jobs, client)
        return jobs

    def _load(self, jobs: list[Job], client: Any) -> None:
        """Give each job its parcel, or the reason why it has none."""
        if not jobs:
            return
        try:
            parcels = self.lane.load([job.id for job in jobs], client)
        except Exception as error:
            log.exception("%s: %d rows could not be loaded", self.lane.name, len(jobs))
            for job in jobs:
                job.parcel = error
                if len(jobs) > 1 and not away(error):
                    self._load([job], client)
            return
        for job in jobs:
            job.parcel = parcels.get(job.id) or LookupError("what it needs is not there")

    def _stopped(self, ids: list[int]) -> list[int]:
        stopped = self.claimer.stopped(ids)
        if not stopped:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        return stopped

    async def _in(self, thread: ThreadPoolExecutor, work: Callable, *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(thread, work, *args)


def side_by_side(shifts: Sequence[Shift], leave: Callable[[], Any] = lambda: None) -> bool:
    """Shifts of several lanes in one process and one event loop; each has its threads, connections and places.

    They end together, with the first that does, so that whoever comes next can begin all of them. `leave` is called
    when every slot is free again. False at once when there was none.
    """
    with _few_collections(), _quick_turns(), asyncio.Runner(loop_factory=_loop) as runner:
        return runner.run(_together(shifts, leave))


async def _together(shifts: Sequence[Shift], leave: Callable[[], Any]) -> bool:
    gone: list[Shift] = []  # those that hold no slot any more; each says so from a thread of its own

    async def one(shift: Shift) -> bool:
        stopping = shift.stopping
        shift.stopping = lambda: bool(gone) or stopping()

        def left() -> None:
            gone.append(shift)
            if len(gone) == len(shifts):
                leave()

        try:
            return await shift.work(left)
        finally:
            gone.extend([shift] if shift not in gone else [])

    ends = await asyncio.gather(*map(one, shifts), return_exceptions=True)
    for end in ends:
        if isinstance(end, BaseException):
            raise end
    return any(ends)


@contextmanager
def _few_collections() -> Iterator[None]:
    """Django's own objects are not searched for garbage again and again: that was a third of the time of a burst."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@contextmanager
def _quick_turns() -> Iterator[None]:
    """The loop waits for a thread that computes no longer than this: at Python's own 5 ms each answer of the network
    waits as long while a claim or a settling is worked on.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
