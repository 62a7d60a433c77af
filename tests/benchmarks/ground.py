"""What a benchmark stands on: servers of its own with fsync on, the product's processes, a sandbox, figures."""

import atexit
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from socialops.local import Servers

CHECKOUT = Path(__file__).resolve().parents[2]


def prepare() -> Path:
    """Start PostgreSQL (durable) and Valkey, point the environment at them, load Django and migrate."""
    home = Path(tempfile.mkdtemp(prefix="socialops-bench-"))
    servers = Servers(home, durable=True)
    atexit.register(_leave, servers, home)
    servers.up()
    os.environ |= {
        "DATABASE_URL": servers.database_url(),
        "REDIS_URL": servers.redis_url(),
        "SOCIALOPS_HOME": str(home),
        "SOCIALOPS_LOCAL": "yes",
        "SOCIALOPS_PRIVATE_HOSTS": "127.0.0.1",
        "DJANGO_SETTINGS_MODULE": "socialops.settings",
    }
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    return home


def _leave(servers: Servers, home: Path) -> None:
    servers.down()
    shutil.rmtree(home, ignore_errors=True)


class Process:
    """A process with its words in a file, ended with `with`."""

    def __init__(self, name: str, *command: str, ready: str = "", python: str | Path = sys.executable, **env: str):
        self.log = Path(os.environ["SOCIALOPS_HOME"]) / f"{name}-{time.monotonic_ns()}.log"
        with self.log.open("wb") as out:
            self.popen = subprocess.Popen(
                [python, *command], stdout=out, stderr=out, cwd=CHECKOUT, env={**os.environ, **env}
            )
        deadline = time.monotonic() + 60
        while ready not in self.said():
            if self.popen.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{name} did not start:\n{self.said()[-2000:]}")
            time.sleep(0.05)

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self.popen.terminate()
        try:
            self.popen.wait(40)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


def sandbox(delay_ms: float) -> Process:
    return Process("sandbox", "-m", "socialops.sandbox", "--port", "0", "--delay-ms", str(delay_ms), ready='"url"')


def beat() -> Process:
    command = ("-m", "celery", "-A", "socialops", "beat", "--loglevel", "INFO", "--schedule")
    return Process("beat", *command, f"{os.environ['SOCIALOPS_HOME']}/beat", ready="beat: Starting")


def worker() -> Process:
    command = ("-m", "celery", "-A", "socialops", "worker", "--pool", "prefork", "-c", "9")
    quiet = ("--without-gossip", "--without-mingle", "--loglevel", "INFO")
    return Process("worker", *command, *quiet, ready=" ready.")


class Web(Process):
    """Web as it is served, with its address."""

    def __init__(self) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as listener:
            self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        command = ("-m", "gunicorn", "socialops.wsgi", "--bind", self.url.removeprefix("http://"))
        threads = ("--worker-class", "gthread", "--threads", "4", "--no-control-socket")
        env = {"BASE_URL": self.url, "SECOND_FACTOR_REQUIRED": "no"}
        super().__init__("web", *command, *threads, ready="Booting worker", **env)
        wait_for(self._answers, "web to answer", 60)

    def _answers(self) -> bool:
        with suppress(OSError):
            return bool(urllib.request.urlopen(f"{self.url}/healthz", timeout=5).status == 200)
        return False


def web() -> Web:
    return Web()


def url_of(process: Process) -> str:
    return json.loads(next(line for line in process.said().splitlines() if '"url"' in line))["url"]


def lateness(rows: Sequence[dict[str, Any]], due: float) -> dict[str, float]:
    """p50, p99 and last in seconds after `due`, and the rate, from the sandbox's own log of arrivals."""
    late = sorted(row["wall"] - due for row in rows)
    if len(late) < 2:
        return {"count": len(late)}
    cuts = statistics.quantiles(late, n=100, method="inclusive")
    return {
        "count": len(late), "p50": cuts[49], "p99": cuts[98], "last": late[-1], "earliest": late[0],
        "per_second": len(late) / late[-1] if late[-1] > 0 else 0.0,
    }  # fmt: skip


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    cells = [[f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row] for row in [head, *rows]]
    widths = [max(len(row[n]) for row in cells) for n in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )


def result(workload: str, ratios: dict[str, float], figures: dict[str, Any]) -> None:
    """The last line of every workload: one JSON object."""
    line = {
        "workload": workload,
        "ratios": {name: round(value, 3) for name, value in ratios.items()},
        "figures": figures,
    }
    print(json.dumps(line), flush=True)


def wait_for(true, what: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise RuntimeError(f"Waited {seconds:g} s for {what}.")
        time.sleep(0.1)
