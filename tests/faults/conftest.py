"""Seeds and scale of the fault runs.

`make test`: three seeds, scaled, each with its share of the points. `make faults` (-m faults): twenty seeds with every
point, and one run unscaled. FAULT_SEEDS=200 for more. What is marked `heavy` runs by flag only, for it hurts more than
processes (a standby, a full disk, the clock of the database) or takes hours (the soak):
make faults ARGS="-m heavy", or "-m heavy -k failover"; FAULT_POSTS says how long the soak is.
"""

import os
import random

import pytest

SCALE = 0.05  # a look has 1.5 s: enough on a busy machine, as a rule


@pytest.fixture
def plant(processes, tmp_path, settings):
    """Make a plant: plant(key=False, lookup=True), or plant(scale=1.0)."""
    from tests.faults.plant import Plant

    settings.SEALING_KEYS = str(tmp_path / "keys")
    processes.env["SEALING_KEYS"] = settings.SEALING_KEYS

    def make(scale: float = SCALE, **promises: bool) -> Plant:
        settings.PACE = scale
        return Plant(processes, tmp_path, scale, **promises)

    return make


@pytest.fixture
def seed(request) -> int:
    """Parametrise indirectly; the run is repeatable as far as the machine is."""
    random.seed(request.param)
    return request.param


@pytest.fixture(scope="module")
def own(tmp_path_factory, django_db_setup, own_servers):
    """PostgreSQL and Valkey that may be hurt. synchronous_commit is off: no claim may trust it."""
    from tests.faults import grounds

    mine = grounds.raised(tmp_path_factory.mktemp("own"), own_servers, durable=False)
    yield mine
    mine.down()


@pytest.fixture
def servers(own, processes):
    """Everything of this test runs on them, the test's own queries too. Valkey is not there yet."""
    from tests.faults import grounds

    own.up()
    url = own.postgres.url(grounds.new_database(own))
    own.valkey.stop()
    with grounds.standing_on(own, url, processes):
        yield own


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        many = int(os.environ.get("FAULT_SEEDS", "20"))
        long = metafunc.definition.get_closest_marker("faults") is not None
        metafunc.parametrize("seed", range(many) if long else range(3), indirect=True)
