"""A sandbox network for many tests. Django is not set up when this file loads, so fixtures import for themselves."""

import json
import sys
from functools import partial

import pytest

from socialops.local.supervising import Child
from socialops.sandbox.control import Control
from tests.processes import wait_until
from tests.servers import CHECKOUT


@pytest.fixture(scope="session")
def sandbox_server(tmp_path_factory):
    log = tmp_path_factory.mktemp("sandbox") / "log"
    child = Child("sandbox", [sys.executable, "-m", "socialops.sandbox", "--port", "0"], log, CHECKOUT).start()
    wait_until(lambda: '"url"' in child.said(), "the sandbox to listen", child)
    yield Control(json.loads(next(line for line in child.said().splitlines() if '"url"' in line))["url"])
    child.stop()


@pytest.fixture
def there(sandbox_server, settings, tmp_path):
    """The sandbox network, empty; our keys are the test's own."""
    settings.SEALING_KEYS = str(tmp_path / "keys")
    settings.PRIVATE_HOSTS = ["127.0.0.1"]
    settings.MEDIA_ROOT = tmp_path / "media"
    sandbox_server.reset()
    return sandbox_server


@pytest.fixture
def place(there, db):
    """Make an account over there and its channel here: place("acme", people=[...], app_passwords=[...])."""
    from tests.channels_registry.places import open_place

    return partial(open_place, there)
