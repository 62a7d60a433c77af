"""The sandbox as a process: what it keeps over a restart, and what it makes of what is not HTTP."""

import asyncio
import json
import socket
import sys
import time

import pytest

from channels_registry.connector.types import Draft
from socialops.local.supervising import Child
from socialops.sandbox.control import Control
from tests.processes import wait_until
from tests.sandbox.shop import SIGN, connected, get, it
from tests.servers import CHECKOUT


@pytest.fixture
def start(tmp_path):
    """Start a sandbox with these options; stopped when the test ends."""
    children = []

    def begin(*options: str) -> tuple[Child, Control]:
        log = tmp_path / f"sandbox-{len(children)}.log"
        child = Child("sandbox", [sys.executable, "-m", "socialops.sandbox", *options], log, CHECKOUT).start()
        children.append(child)
        wait_until(lambda: '"url"' in child.said(), "the sandbox to listen", child)
        return child, Control(json.loads(child.said())["url"])

    yield begin
    for child in children:
        child.stop()


def test_a_restart_keeps_everything_even_after_kill_9(start, tmp_path):
    journal = str(tmp_path / "journal")
    child, sandbox = start("--state", journal)
    shop = sandbox.account("shop", app_passwords=[{"label": "dana"}])
    said = sandbox.say(shop["id"], "First")
    sandbox.edit(said["id"], "Edited")
    child.kill()
    with open(journal, "a") as half:
        half.write('["posts", {"id": "p9')
    for _ in range(2):
        child, sandbox = start("--state", journal)
        assert [each["text"] for each in sandbox.said(shop["id"])] == ["Edited"]
        child.stop()
    child, sandbox = start("--state", journal)
    assert sandbox.say(shop["id"], "Second")["id"] not in {said["id"], shop["id"]}
    assert sandbox.figures()["accounts"] == 1


def test_a_port_that_is_taken_is_said_in_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "socialops.sandbox", "--port", str(port)]
        child = Child("sandbox", command, tmp_path / "log", CHECKOUT).start()
        assert child.process.wait(20) == 1
    place = f"127.0.0.1:{port}"
    told = f"The sandbox cannot start on {place}: Address already in use. Choose others with --host and --port."
    assert child.said().splitlines() == [told]


async def test_an_answer_comes_after_the_delay_and_the_arrival_is_noted_before(start, http):
    _, sandbox = start("--delay-ms", "100")
    access = await connected(sandbox, sandbox.account("shop"), http)
    before = time.monotonic()
    await asyncio.gather(*(it.advance(access, Draft(f"Post {n}"), f"key-{n}", {}) for n in range(50)))
    assert 0.1 <= time.monotonic() - before < 1.0
    assert all(before <= each["monotonic"] < time.monotonic() - 0.1 for each in sandbox.arrivals())


@pytest.mark.parametrize(
    "raw",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /api/v1/posts HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"x" * 70_000,
    ],
)
def test_what_is_not_http_is_refused_and_hurts_nobody(sandbox, raw):
    host, port = sandbox.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 5) as talk:
        talk.sendall(raw)
        assert talk.recv(100).startswith(b"HTTP/1.1 400")
    assert SIGN in get(sandbox.url)


def test_requests_in_one_breath_are_answered_in_order(sandbox):
    host, port = sandbox.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 5) as talk:
        for piece in (b"GET /api/v1/server HTTP/1.1\r\n\r\nGET /api/v1/me HT", b"TP/1.1\r\nConnection: close\r\n\r\n"):
            talk.sendall(piece)
            time.sleep(0.05)
        answer = b"".join(iter(lambda: talk.recv(4096), b""))
    assert answer.index(b"200 OK") < answer.index(b"401 Unauthorized")
