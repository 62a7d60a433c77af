"""Celery's part: one task a lane. A message only says "look now"; losing one costs a second, never a post.

Beat nudges every lane each second (socialops/schedule.py); a shift that ends enqueues its successor. When the broker is
away and no successor can be enqueued, the worker goes on with another shift by itself.
"""

import logging
import mmap
import os
from collections.abc import Callable

from celery import Task, shared_task, signals
from django.db import Error, connection
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from socialops.lib.delivery.lane import Lane
from socialops.lib.delivery.shift import Shift, free_slot

log = logging.getLogger(__name__)
NUDGE_EXPIRES = 5.0
_stop = mmap.mmap(-1, 1)  # shared with the children forked later: SIGTERM reaches the main process only


def task(lane: Lane) -> Task:
    """The lane's drain task, named <app>.tasks.drain_<lane> whatever module it is made in."""
    app = lane.model._meta.app_label

    @shared_task(name=f"{app}.tasks.drain_{lane.name}", ignore_result=True, expires=NUDGE_EXPIRES)
    def drain() -> None:
        _drain(lane, drain)

    return drain


def stopping() -> bool:
    """Whether the worker has been asked to stop (SIGTERM to its main process)."""
    return bool(_stop[0])


def _drain(lane: Lane, drain: Task) -> None:
    parent = os.getppid()

    def over() -> bool:
        return stopping() or os.getppid() != parent

    while not over() and not _one_shift(lane, drain, over):
        log.warning("%s: the broker is away, so this worker goes on by itself", lane.name)


def _one_shift(lane: Lane, drain: Task, over: Callable[[], bool]) -> bool:
    """Whether somebody else will come after this shift."""
    enqueued: list[bool] = []
    try:
        if not free_slot(lane):
            return True
        Shift(lane, over).run(lambda: enqueued.append(_successor(drain, over)))
    except Error as error:
        connection.close()
        log.warning("%s: no shift without the database: %s", lane.name, error)
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
