"""Celery's part: one task a lane. A message only says "look now"; losing one costs a second, never a post.

Beat nudges every lane each second (socialops/schedule.py); a shift that ends enqueues its successor. When the broker is
away and no successor can be enqueued, the worker goes on with another shift by itself.
"""

import logging
import mmap
import os
from collections.abc import Callable, Sequence

from celery import Task, shared_task, signals
from django.db import Error, connection
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from socialops.lib.delivery.lane import Lane
from socialops.lib.delivery.shift import Shift, side_by_side
from socialops.lib.delivery.slots import free_slot

log = logging.getLogger(__name__)
NUDGE_EXPIRES = 5.0
_stop = mmap.mmap(-1, 1)  # shared with the children forked later: SIGTERM reaches the main process only


def task(*lanes: Lane) -> Task:
    """The drain task of a lane, or of several that share a process: a shift of each, side by side.

    Named <app>.tasks.drain_<lane>[_<lane>] whatever module it is made in.
    """
    app, names = lanes[0].model._meta.app_label, "_".join(lane.name for lane in lanes)

    @shared_task(name=f"{app}.tasks.drain_{names}", ignore_result=True, expires=NUDGE_EXPIRES)
    def drain() -> None:
        _drain(lanes, drain)

    return drain


def stopping() -> bool:
    """Whether the worker has been asked to stop (SIGTERM to its main process)."""
    return bool(_stop[0])


def _drain(lanes: Sequence[Lane], drain: Task) -> None:
    parent = os.getppid()

    def over() -> bool:
        return stopping() or os.getppid() != parent

    while not over() and not _one_shift(lanes, drain, over):
        log.warning("%s: the broker is away, so this worker goes on by itself", drain.name)


def _one_shift(lanes: Sequence[Lane], drain: Task, over: Callable[[], bool]) -> bool:
    """Whether somebody else will come after this shift."""
    enqueued: list[bool] = []
    try:
        if not all(free_slot(lane) for lane in lanes):
            return True
        side_by_side([Shift(lane, over) for lane in lanes], lambda: enqueued.append(_successor(drain, over)))
    except Error as error:
        connection.close()
        log.warning("%s: no shift without the database: %s", drain.name, error)
    return all(enqueued)


def _successor(drain: Task, over: Callable[[], bool]) -> bool:
    """Enqueue the next shift; False when the broker is away."""
    if over():
        return True
    try:
        drain.apply_async(expires=NUDGE_EXPIRES, retry=False)
    except (OperationalError, RedisError, OSError):
        return False
    return True


@signals.worker_shutting_down.connect
def _stop_shifts(**_: object) -> None:
    _stop[0] = 1
