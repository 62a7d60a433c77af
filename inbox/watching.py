"""A shift of reading: for a while it keeps many reads going at once, so that one slow network delays only itself.

One event loop reads; one thread, whose connection holds the slot (an advisory lock), claims, stores and settles.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.db import Error, connection

from channels_registry.reaching import Reach
from inbox import polling
from inbox.polling import Reading
from socialops.lib.clock import steady

log = logging.getLogger(__name__)
PLACES = 40
SHIFT = 50.0
TICK = 0.25
SLOT = 0x1B0D
CURSORS_EVERY = 10.0


class Watch:
    """`stopping()` is asked several times a second; `leave()` is called when somebody else may begin."""

    def __init__(self, stopping: Callable[[], bool] = lambda: False, seconds: float = SHIFT):
        self.stopping, self.seconds = stopping, seconds
        self.reads = 0
        self._ends: list[dict[str, Any]] = []
        self._reading: set[asyncio.Task[None]] = set()

    def run(self, leave: Callable[[], Any] = lambda: None) -> bool:
        """Read what falls due. False at once when another shift is at it."""
        return asyncio.run(self._work(leave))

    async def _work(self, leave: Callable[[], Any]) -> bool:
        self._thread = ThreadPoolExecutor(1, "inbox")
        try:
            if not await self._in(_take_slot):
                return False
            async with Reach(PLACES) as reach:
                await self._read_until(steady() + self.seconds, reach)
                await self._in(_give_slot)
                await asyncio.get_running_loop().run_in_executor(None, leave)
                await self._land()
            return True
        finally:
            with suppress(Error):
                await self._in(connection.close)
            self._thread.shutdown(wait=False)

    async def _read_until(self, end: float, reach: Reach) -> None:
        begun = float("-inf")
        while steady() < end and not self.stopping():
            if steady() - begun >= CURSORS_EVERY * settings.PACE:
                begun = steady()
                await self._in(polling.begin_cursors)
            await self._settle()
            if room := PLACES - len(self._reading):
                for reading in await self._in(polling.claim, room, reach):
                    task = asyncio.create_task(self._read(reading))
                    self._reading.add(task)
                    task.add_done_callback(self._reading.discard)
            await asyncio.sleep(TICK)

    async def _read(self, reading: Reading) -> None:
        try:
            while await self._in(polling.take_in, reading, await polling.fetch(reading)):
                pass
            self._ends.append(reading.ended())
        except Exception as error:
            trouble = polling.network_error(error)
            log.warning("channel %s, %s: %s", reading.channel.pk, reading.row.kind, trouble.detail or trouble.reason)
            self._ends.append(reading.ended(polling.RENEWED if await polling.revived(reading, trouble) else trouble))
        self.reads += 1

    async def _settle(self) -> None:
        ends, self._ends = self._ends, []
        if ends:
            await self._in(polling.settle, ends)

    async def _land(self) -> None:
        """Reads that are still open end by their own deadlines."""
        if self._reading:
            await asyncio.wait(self._reading)
        await self._settle()

    async def _in(self, call: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *args)


def _take_slot() -> bool:
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, 0)", [SLOT])
        return cursor.fetchone()[0]


def _give_slot() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")
