"""The client of a shift, and that of a read."""

import asyncio

import pytest

from channels_registry.reaching import Reach, client
from socialops.lib.delivery import faults
from tests.networks.peers import LOOPBACK


@pytest.mark.parametrize(
    ("make", "passed"), [(client(1), ["connected", "written", "accepted"]), (lambda: Reach(1), [])]
)
async def test_only_a_delivery_passes_the_points_where_a_worker_is_killed(
    http_server, monkeypatch, settings, make, passed
):
    """A read that met one would end a run of kills before anything was sent."""
    seen: list[str] = []
    settings.PRIVATE_HOSTS = LOOPBACK
    monkeypatch.setattr(faults, "_point", "written")
    monkeypatch.setattr(faults, "reach", seen.append)
    http_server.answers = {"/": {}}
    async with make() as reach:
        await reach.http.request("GET", http_server.url)
        await asyncio.sleep(2 * faults.ACCEPTED_AFTER)
    assert seen == passed
