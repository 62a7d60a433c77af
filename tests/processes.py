"""Socialops as it really runs: web, worker, beat and sandbox as processes, on the test's fresh database.

`processes` starts what a test needs: `processes.web()`, `processes.worker(SOCIALOPS_PACE="0.05")`. `worker` and `beat`
are the same, started. Everything is stopped when the test ends, and dies with pytest if that is killed. What a process
says is in `said()`.
"""

import json
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from socialops.local.supervising import Child
from socialops.sandbox.control import Control
from tests.servers import CHECKOUT

START_SECONDS = 60
QUIET = ["--without-gossip", "--without-mingle"]  # no second of waiting for other workers at the start


@dataclass(frozen=True)
class Running:
    """A process that is up. `url` is empty for one that serves no pages."""

    child: Child
    url: str = ""

    @property
    def pid(self) -> int:
        return self.child.pid

    def said(self, lines: int = 200) -> str:
        return self.child.said(lines)

    def stop(self) -> None:
        self.child.stop()

    def kill(self) -> None:
        """kill -9 of the process and all its children."""
        self.child.kill()


class Processes:
    """Starts processes for one test and ends them after it."""

    def __init__(self, directory: Path, stack: ExitStack, env: dict[str, str]) -> None:
        self.directory, self.stack, self.env = directory, stack, env
        self.count = 0

    def start(self, name: str, command: list[str], env: dict[str, str] | None = None, pass_fds: tuple = ()) -> Child:
        """Any process, with the environment of the test (DATABASE_URL, REDIS_URL) and `env` on top."""
        return self.bare(name, command, {**os.environ, **self.env, **(env or {})}, pass_fds)

    def bare(self, name: str, command: list[str], env: dict[str, str], pass_fds: tuple = ()) -> Child:
        """A process with exactly this environment."""
        self.count += 1
        log = self.directory / f"{name}-{self.count}.log"
        child = Child(name, command, log, CHECKOUT, env)
        child.start(pass_fds)
        self.stack.callback(child.stop)
        return child

    def web(self, before: Sequence[str] = (), **env: str) -> Running:
        """`before`: a command that ends by becoming the one that follows it."""
        with closing(socket.create_server(("127.0.0.1", 0), backlog=128)) as listener:
            port, number = listener.getsockname()[1], listener.fileno()
            url = f"http://127.0.0.1:{port}"
            gunicorn = [sys.executable, "-m", "gunicorn", "socialops.wsgi", "--bind", f"fd://{number}"]
            threads = ["--worker-class", "gthread", "--threads", "4", "--no-control-socket"]
            command = [*before, *gunicorn, *threads, "--worker-tmp-dir", str(self.directory)]
            child = self.start("web", command, {"BASE_URL": url, **env}, (number,))
        wait_until(lambda: _answers(url), "web to answer", child)
        return Running(child, url)

    def worker(self, processes: int = 8, **env: str) -> Running:
        command = [sys.executable, "-m", "celery", "-A", "socialops", "worker", "--pool", "prefork", *QUIET]
        child = self.start("worker", [*command, "-c", str(processes), "--loglevel", "INFO"], env)
        wait_until(lambda: " ready." in child.said(200), "the worker to be ready", child)
        return Running(child)

    def beat(self, **env: str) -> Running:
        schedule = self.directory / f"beat-{self.count}"
        command = [sys.executable, "-m", "celery", "-A", "socialops", "beat", "--schedule", str(schedule)]
        child = self.start("beat", [*command, "--loglevel", "INFO"], env)
        wait_until(lambda: "beat: Starting" in child.said(200), "beat to start", child)
        return Running(child)

    def sandbox(self, *options: str) -> Running:
        child = self.start("sandbox", [sys.executable, "-m", "socialops.sandbox", "--port", "0", *options])
        wait_until(lambda: '"url"' in child.said(200), "the sandbox to listen", child)
        line = next(line for line in child.said(200).splitlines() if line.startswith('{"url"'))
        return Running(child, json.loads(line)["url"])


def wait_until(true: Callable[[], object], what: str, child: Child | None = None, seconds: float = START_SECONDS):
    """Wait for something and return it; fail with the process's last words when it does not come."""
    deadline = time.monotonic() + seconds
    while True:
        if found := true():
            return found
        if child is not None and not child.alive():
            pytest.fail(f"Waited for {what}, but {child.name} has ended. It said:\n{child.said(40)}")
        if time.monotonic() > deadline:
            pytest.fail(f"Waited {seconds:g} s for {what}. " + (f"It said:\n{child.said(40)}" if child else ""))
        time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/healthz", timeout=5)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


@pytest.fixture
def processes(own_servers, fresh_database, tmp_path) -> Iterator[Processes]:
    """Start what the test needs: `processes.web()`, `.worker()`, `.beat()`, `.sandbox("--no-key")`, `.start(...)`."""
    env = {"DATABASE_URL": fresh_database, "SOCIALOPS_PRIVATE_HOSTS": "127.0.0.1"}
    with redis.from_url(os.environ["REDIS_URL"]) as client:
        client.flushdb()  # no message of an earlier test reaches this one's worker
    with ExitStack() as stack:
        yield Processes(tmp_path, stack, env)


@pytest.fixture
def worker(processes) -> Running:
    """A real Celery worker with a process for each long shift and some to spare."""
    return processes.worker()


@pytest.fixture
def beat(processes) -> Running:
    """A real beat."""
    return processes.beat()


@pytest.fixture
def sandbox(processes) -> Running:
    """The sandbox network, empty, with key and look-up; `sandbox.url`."""
    return processes.sandbox()


@pytest.fixture(scope="session")
def sandbox_server(tmp_path_factory) -> Iterator[Control]:
    """One sandbox network for many tests, without Socialops; each begins with `reset()`."""
    log = tmp_path_factory.mktemp("sandbox") / "log"
    child = Child("sandbox", [sys.executable, "-m", "socialops.sandbox", "--port", "0"], log, CHECKOUT).start()
    wait_until(lambda: '"url"' in child.said(), "the sandbox to listen", child)
    yield Control(json.loads(next(line for line in child.said().splitlines() if '"url"' in line))["url"])
    child.stop()
