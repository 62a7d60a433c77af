"""Processes that live no longer than we do: started, watched, and stopped by a signal to the main one only.

A child has a session of its own, so Ctrl-C in the terminal reaches nobody but us. That matters: a signal to a whole
Celery group takes its pool away under it, and a signal to its main process lets it hand back what it has claimed.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from socialops.local import child
from socialops.local.processes import last_words

CHILD = str(Path(child.__file__).resolve())


class Child:
    """One process with its words in a log. It ends with us, even if we are killed (on Linux)."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path, cwd: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self.name, self.command, self.log, self.cwd, self.env = name, list(command), log, cwd, env
        self.process: subprocess.Popen | None = None

    def start(self, pass_fds: Sequence[int] = ()) -> "Child":
        tied = [sys.executable, "-I", "-S", CHILD, str(os.getpid()), *self.command]
        with self.log.open("ab") as words:
            self.process = subprocess.Popen(
                tied,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                cwd=self.cwd,
                env=self.env,
                start_new_session=True,
                pass_fds=pass_fds,
            )
        return self

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ask_to_stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)  # does nothing once it has ended

    def stop(self, seconds: float = 20) -> None:
        """Ask, wait, and only then kill it with everything it started."""
        self.ask_to_stop()
        if self.process is None:
            return
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """kill -9 to the whole session, which is how a machine takes a process away."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def said(self, lines: int = 12) -> str:
        return last_words(self.log, lines)
