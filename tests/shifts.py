"""A lane's shift in the test's own process, over as soon as nothing is left to do: a test waits for no clock.

The database must be the test's own, since a shift's threads have connections of their own.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from socialops.lib.delivery.shift import Shift

PATIENCE = 30.0  # seconds in which a shift must get there, on however busy a machine
A_MOMENT = timedelta(seconds=0.1)


def run(lane: Any, until: Callable[[], object] | None = None) -> bool:
    """One shift, until `until()`; by default until nothing of the lane is under way, unknown, or due in a moment."""
    with _asked_in_a_thread(until or (lambda: _nothing_to_do(lane))) as ended:
        return Shift(lane, stopping=ended.is_set, seconds=PATIENCE).run()


def _nothing_to_do(lane: Any) -> bool:
    soon = Q(state="scheduled", next_attempt_at__lte=timezone.now() + A_MOMENT)
    return not lane.model.objects.filter(soon | Q(state__in=["sending", "unknown"])).exists()


@contextmanager
def _asked_in_a_thread(true: Callable[[], object]) -> Iterator[threading.Event]:
    """An event that is set once it is true; the shift's own thread may not ask the database."""
    ended, over = threading.Event(), threading.Event()

    def ask() -> None:
        try:
            while not true() and not over.wait(0.02):
                pass
        finally:
            ended.set()
            connection.close()

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield ended
    finally:
        over.set()
        asking.join()
