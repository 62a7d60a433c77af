"""Who runs the tests: a few at a time, each with a copy of the tree and a database, and with servers shared by all."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

from tests import servers
from tests.servers import CHECKOUT

NOT_COPIED = shutil.ignore_patterns(".git", ".venv", ".local", "node_modules", "screens", "*_cache")


class Hand:
    """One copy of the tree. `worker` is the name under which its pytest finds the servers, as xdist's workers do."""

    def __init__(self, home: Path, number: int) -> None:
        self.worker, self.tree = f"gw{number}", home / f"tree{number}"
        shutil.copytree(CHECKOUT, self.tree, ignore=NOT_COPIED)
        (self.tree / ".venv").symlink_to((CHECKOUT / ".venv").resolve())

    @contextmanager
    def changed(self, file: str, source: str) -> Iterator[None]:
        (self.tree / file).write_text(source)
        try:
            yield
        finally:
            shutil.copy2(CHECKOUT / file, self.tree / file)  # with its time, so that what was compiled is right again

    def run(self, tests: list[str], *more: str, patience: float, migrated: bool = False) -> tuple[int | None, str]:
        """How pytest ended, None if it came to no end in so many seconds, and what it said."""
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTEST_XDIST_WORKER": self.worker}
        if migrated:  # servers of its own, with a database that is migrated there
            del env["PYTEST_XDIST_WORKER"]
        self._clear()
        plain = ["-q", "-x", "--tb=no", "-p", "no:cacheprovider", "-p", "tests.mutation.tracing"]
        command = [sys.executable, "-m", "pytest", *plain, *more, *tests]
        child = subprocess.Popen(
            command, cwd=self.tree, env=env, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        try:
            said, _ = child.communicate(timeout=patience)
            return child.returncode, said
        except subprocess.TimeoutExpired:
            return None, ""
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.communicate()

    def _clear(self) -> None:
        """A run that was ended leaves its databases."""
        own = servers.claim_servers()
        for (name,) in own.execute(
            f"SELECT datname FROM pg_database WHERE datname LIKE 'socialops_test_{self.worker}%'"
        ):
            own.drop(name)


class Hands:
    """`count` of them; `with hands.free() as hand` waits for one that has nothing to do."""

    def __init__(self, home: Path, count: int) -> None:
        self.idle = SimpleQueue[Hand]()
        for number in range(count):
            self.idle.put(Hand(home, number))

    @contextmanager
    def free(self) -> Iterator[Hand]:
        hand = self.idle.get()
        try:
            yield hand
        finally:
            self.idle.put(hand)


@contextmanager
def hands(count: int) -> Iterator[Hands]:
    """Copies and one pair of servers, gone afterwards."""
    servers.claim_servers()
    os.environ["PYTEST_XDIST_WORKER"] = "gw0"  # from here on the servers are there, not to be started
    try:
        with tempfile.TemporaryDirectory(prefix="socialops-mutants-") as home:
            yield Hands(Path(home), count)
    finally:
        servers.release_servers()
