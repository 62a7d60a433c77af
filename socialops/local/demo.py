"""`make demo`: the whole of Socialops on this machine, with a company in it, until Ctrl-C."""

import contextlib
import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from socialops.local.errors import LocalError
from socialops.local.places import CHECKOUT, Places, private_directory
from socialops.local.ports import choose_port, free_port, port_is_free
from socialops.local.processes import last_words
from socialops.local.servers import Servers
from socialops.local.supervising import Child

READY_SECONDS = 60
SEED = CHECKOUT / "socialops" / "management"
LOCK = CHECKOUT / "requirements" / "local.lock"
PASSWORDS = "password"
RESTARTS, RESTART_SECONDS = 5, 60
CELERY = [sys.executable, "-m", "celery", "-A", "socialops"]
QUIET = ["--without-gossip", "--without-mingle"]  # one worker: no second of waiting for others


def run() -> int:
    """Start everything, say where it is, and stay until a signal or a process that will not live."""
    began = time.monotonic()
    places = Places()
    places.make()
    logs = places.home / "logs"
    private_directory(logs)
    with _one_demo_a_checkout(places), _stop_on_signals():
        port = choose_port(os.environ.get("PORT"))
        servers = Servers()
        children: list[Child] = []
        try:
            _say("Starting PostgreSQL and Valkey")
            servers.up()
            env, sandbox = _environment(port, places)
            children.append(_sandbox(sandbox, places, logs, env).start())
            prepare(env, sandbox, places)
            web, *others = _socialops(port, places, logs, env)
            children.append(web.start())
            _wait_for(port, children)
            children += [child.start() for child in others]  # not at once: the first page comes seconds sooner
            _welcome(port, sandbox, places, time.monotonic() - began)
            _watch(children)
        except _Stopped:
            _say("\nStopping")
        finally:
            _stop(children)
            if not servers.kept():
                servers.down()
    return 0


def prepare(env: dict[str, str], sandbox: str, places: Places) -> None:
    """Migrate, and fill an empty database with the company; nothing when both were done by the same code."""
    mark = places.home / "prepared"
    now = _what_prepares(env)
    if mark.exists() and mark.read_text() == now:
        return
    _say("Preparing the database (the first time about 20 seconds: a company moves in)")
    _manage(["migrate", "--verbosity", "0"], env, places)
    said = _manage(["demo", "--sandbox", sandbox], env, places)
    if PASSWORDS in said:  # said once, when the company moves in
        (places.home / "cast.txt").write_text(said)
    mark.write_text(now)


def _what_prepares(env: dict[str, str]) -> str:
    """A fingerprint of everything that decides what the database holds after preparing it."""
    fingerprint = hashlib.sha256(env.get("DATABASE_URL", "").encode())
    for path in sorted([*CHECKOUT.glob("*/migrations/*.py"), *SEED.rglob("*.py"), LOCK]):
        fingerprint.update(path.read_bytes())
    return fingerprint.hexdigest()


def _manage(command: list[str], env: dict[str, str], places: Places) -> str:
    """Run a management command and return what it says; its complaints go to a log."""
    log = places.home / "logs" / f"{command[0]}.log"
    with log.open("wb") as complaints:
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=CHECKOUT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            check=False,
        )
    if done.returncode:
        raise LocalError(f"manage.py {command[0]} failed. All of it is in {log}, and the end is:\n{last_words(log)}")
    return done.stdout.decode(errors="replace")


def _environment(port: int, places: Places) -> tuple[dict[str, str], str]:
    """The children's environment, and the sandbox's address, which stays the same over restarts."""
    kept = places.home / "sandbox.port"
    with contextlib.suppress(OSError, ValueError):
        if port_is_free(int(kept.read_text())):
            return _with_urls(port, int(kept.read_text()))
    sandbox_port = free_port()
    kept.write_text(str(sandbox_port))
    return _with_urls(port, sandbox_port)


def _with_urls(port: int, sandbox_port: int) -> tuple[dict[str, str], str]:
    sandbox = f"http://127.0.0.1:{sandbox_port}"
    own = {"BASE_URL": f"http://127.0.0.1:{port}", "SANDBOX_URL": sandbox, "PYTHONUNBUFFERED": "1"}
    # Of this machine connectors reach the sandbox, and nothing else that listens here.
    own["SOCIALOPS_PRIVATE_HOSTS"] = os.environ.get("SOCIALOPS_PRIVATE_HOSTS", f"127.0.0.1:{sandbox_port}")
    return {**os.environ, **own}, sandbox


def _sandbox(url: str, places: Places, logs: Path, env: dict[str, str]) -> Child:
    command = [sys.executable, "-m", "socialops.sandbox", "--port", url.rpartition(":")[2]]
    return Child(
        "sandbox", [*command, "--state", str(places.home / "sandbox.journal")], logs / "sandbox.log", CHECKOUT, env
    )


def _socialops(port: int, places: Places, logs: Path, env: dict[str, str]) -> list[Child]:
    gunicorn = [sys.executable, "-m", "gunicorn", "socialops.wsgi", "--bind", f"127.0.0.1:{port}", "--preload"]
    commands = {
        "web": [*gunicorn, "--worker-class", "gthread", "--workers", "2", "--threads", "4", "--no-control-socket"],
        "worker": [*CELERY, "worker", "--pool", "prefork", "--concurrency", "13", "--loglevel", "INFO", *QUIET],
        "beat": [*CELERY, "beat", "--loglevel", "INFO", "--schedule", str(places.home / "beat-schedule")],
    }
    return [Child(name, command, logs / f"{name}.log", CHECKOUT, env) for name, command in commands.items()]


def _wait_for(port: int, children: list[Child]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        for child in children:
            if not child.alive():
                raise LocalError(f"{child.name} did not start. The end of {child.log}:\n{child.said()}")
        if _answers(port):
            return
        time.sleep(0.1)
    raise LocalError(f"The pages did not answer within {READY_SECONDS} s. Look into {children[0].log.parent}.")


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _welcome(port: int, sandbox: str, places: Places, seconds: float) -> None:
    _say(f"\nSocialops is at    http://127.0.0.1:{port}    (ready in {seconds:.1f} s)")
    _say(f"The sandbox network {sandbox}")
    with contextlib.suppress(OSError):
        _say("\n" + (places.home / "cast.txt").read_text().rstrip())
    _say(f"\nLogs are in {places.home / 'logs'}. Ctrl-C stops everything.")


def _watch(children: list[Child]) -> None:
    """Bring back a process that ends; one that keeps ending stops the demo."""
    ended: dict[str, list[float]] = {}
    while True:
        time.sleep(0.5)
        for child in children:
            if child.alive():
                continue
            now = time.monotonic()
            recent = [moment for moment in ended.get(child.name, []) if moment > now - RESTART_SECONDS]
            if len(recent) >= RESTARTS:
                raise LocalError(f"{child.name} keeps ending. The end of {child.log}:\n{child.said()}")
            ended[child.name] = [*recent, now]
            _say(f"{child.name} has ended and is started again.")
            child.start()


def _stop(children: list[Child]) -> None:
    for child in reversed(children):
        child.ask_to_stop()
    for child in reversed(children):
        child.stop()


class _Stopped(BaseException):
    """A signal asked us to stop."""


@contextlib.contextmanager
def _stop_on_signals() -> Iterator[None]:
    def stop(number: int, frame: object) -> None:
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)  # the stopping itself is not interrupted
        raise _Stopped

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    except _Stopped:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _one_demo_a_checkout(places: Places) -> Iterator[None]:
    with (places.home / "demo.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LocalError("The demo is running in this checkout already. Stop that one first (Ctrl-C).") from error
        yield


def _say(words: str) -> None:
    print(words, flush=True)
