"""Shifts run in the test's own process, on a database of its own, against a real sandbox process.

Django is not set up when this file loads, so fixtures import for themselves.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest


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
    from tests import shifts

    def run(seconds: float | None = None, lane: Any = LANE, until: Callable[[], object] | None = None) -> bool:
        return shifts.run(lane, until) if seconds is None else Shift(lane, seconds=seconds).run()

    return run


@pytest.fixture
def states():
    """How many publications are in each state."""
    from publishing.models import Publication

    return lambda: dict(Counter(Publication.objects.values_list("state", flat=True)))
