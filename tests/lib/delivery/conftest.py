"""Shifts run in the test's own process, on a database of its own, against a real sandbox process.

Django is not set up when this file loads, so fixtures import for themselves.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

PATIENCE = 30.0  # seconds in which a shift must get there, on however busy a machine
A_MOMENT = timedelta(seconds=0.1)


@pytest.fixture
def quick(sandbox_server, settings, tmp_path):
    """An empty sandbox network; everything that waits is fifty times faster."""
    settings.PACE, settings.PRIVATE_HOSTS, settings.SEALING_KEYS = 0.02, ["127.0.0.1"], str(tmp_path / "keys")
    sandbox_server.reset()
    return sandbox_server


@pytest.fixture
def network(quick, fresh_database):
    """For tests that run a shift: its threads have connections of their own, so what is committed must be real."""
    return quick


@pytest.fixture
def world(network):
    """alice's publications on one channel, approved by bob, at a network with key and look-up."""
    from tests import deliveries

    return deliveries.world(network)


@pytest.fixture
def still_world(quick, db):
    """The same for tests without a shift, in a transaction that is rolled back."""
    from tests import deliveries

    return deliveries.world(quick)


@pytest.fixture
def shift():
    """Run a shift of the publication lane until `until()`, by default until nothing is left that it could do; or for
    so many seconds.
    """
    from publishing.delivering import LANE
    from socialops.lib.delivery.shift import Shift

    def run(seconds: float | None = None, lane: Any = LANE, until: Callable[[], object] | None = None) -> bool:
        if seconds is not None:
            return Shift(lane, seconds=seconds).run()
        with asked_in_a_thread(until or nothing_to_do) as ended:
            return Shift(lane, stopping=ended.is_set, seconds=PATIENCE).run()

    return run


def nothing_to_do() -> bool:
    """Nothing is under way, unknown, or due within a moment."""
    from django.db.models import Q
    from django.utils import timezone

    from publishing.models import Publication

    soon = Q(state="scheduled", next_attempt_at__lte=timezone.now() + A_MOMENT)
    return not Publication.objects.filter(soon | Q(state__in=["sending", "unknown"])).exists()


@contextmanager
def asked_in_a_thread(true: Callable[[], object]) -> Iterator[threading.Event]:
    """An event that is set once it is true; the shift's own thread may not ask the database."""
    from django.db import connection

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


@pytest.fixture
def states():
    """How many publications are in each state."""
    from publishing.models import Publication

    return lambda: dict(Counter(Publication.objects.values_list("state", flat=True)))
