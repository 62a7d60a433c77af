import contextlib
import os
import socket
import sys
from typing import Any

import pytest
from aiohttp import web

from channels_registry.connector.http import Http
from socialops.local.supervising import Child
from tests.networks.peers import LOOPBACK, peer_of
from tests.processes import (
    sandbox_server,  # noqa: F401
    wait_until,
)
from tests.servers import free_port


@pytest.fixture(scope="session")
def mastodon_server(tmp_path_factory):
    """mastodon-mock, a third party's fake of the Mastodon API, as a process; the value is its address."""
    directory, port = tmp_path_factory.mktemp("mastodon"), free_port()
    command = [sys.executable, "-m", "mastodon_mock", "serve", "--in-memory", "--port", str(port)]
    child = Child("mastodon-mock", command, directory / "log", directory, dict(os.environ)).start()
    wait_until(lambda: _listens(port), "mastodon-mock to listen", child)
    yield f"http://127.0.0.1:{port}"
    child.stop()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


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


class HttpServer:
    """A server that answers what a test says: `answers[path]` is JSON, (status, JSON), or a function of the request."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.requests: list[web.Request] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        self.requests.append(request)
        answer = self.answers.get(request.path, (404, {"error": "nothing here"}))
        if callable(answer):
            return await answer(request)
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        return web.json_response(body, status=status)


@pytest.fixture
async def http_server():
    """An HTTP server of this test's own on loopback; `url`, `answers`, `requests`."""
    made = HttpServer()
    runner = web.ServerRunner(web.Server(made.handle), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=2048)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
async def http():
    """The connectors' client, allowed to speak to loopback."""
    async with Http(allow=LOOPBACK) as made:
        yield made
