"""A shop on an empty sandbox network. Django is not set up when this file loads, so fixtures import for themselves."""

import pytest

from tests.networks.conftest import http  # noqa: F401


@pytest.fixture
def sandbox(sandbox_server):
    sandbox_server.reset()
    return sandbox_server


@pytest.fixture
def shop(sandbox):
    return sandbox.account("shop", "The <Shop>")


@pytest.fixture
async def access(sandbox, shop, http):  # noqa: F811
    from tests.sandbox.shop import connected

    return await connected(sandbox, shop, http)


@pytest.fixture
async def hasty(sandbox, shop):
    """The same access with answers awaited for 0.3 s only."""
    from channels_registry.connector.http import Http
    from tests.networks.peers import LOOPBACK
    from tests.sandbox.shop import connected

    async with Http(allow=LOOPBACK, pace=0.01) as hasty:
        yield await connected(sandbox, shop, hasty)
