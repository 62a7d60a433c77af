import json
import sys

import pytest

from socialops.local.supervising import Child
from socialops.sandbox.control import Control
from tests.networks.peers import peer_of
from tests.processes import wait_until
from tests.servers import CHECKOUT


@pytest.fixture(scope="session")
def sandbox_server(tmp_path_factory):
    """One sandbox network for many tests; each begins with `reset()`."""
    log = tmp_path_factory.mktemp("sandbox") / "log"
    child = Child("sandbox", [sys.executable, "-m", "socialops.sandbox", "--port", "0"], log, CHECKOUT).start()
    wait_until(lambda: '"url"' in child.said(), "the sandbox to listen", child)
    yield Control(json.loads(next(line for line in child.said().splitlines() if '"url"' in line))["url"])
    child.stop()


@pytest.fixture
async def peer(request, slug):
    """The other side of the network `slug`, with a fault proxy in front."""
    made = peer_of(slug)(request)
    yield made
    await made.close()


@pytest.fixture
async def access(peer):
    """A fresh account on that network, connected."""
    return await peer.access()
