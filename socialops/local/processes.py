"""Starting a server that outlives us, and knowing whether a process id is still the one we mean."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from socialops.local.errors import LocalError

_children: dict[int, subprocess.Popen] = {}


def start_detached(command: Sequence[str | Path], log: Path, cwd: Path) -> subprocess.Popen:
    """Start `command` in a session of its own, deaf to our terminal, its words appended to `log`."""
    with log.open("ab") as words:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            cwd=cwd,
            start_new_session=True,
        )
    _children[process.pid] = process
    return process


def command_of(pid: int) -> str:
    """The command line of a process, or nothing when there is no such process (or it is dead and unburied)."""
    _bury(pid)
    proc = Path("/proc/self/cmdline")
    if proc.exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    said = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return said.stdout.strip()


def end(pid: int, name: str, first: signal.Signals, seconds: float) -> None:
    """Ask a process to stop with `first`, and kill it when it has not after `seconds`."""
    os.kill(pid, first)
    if _gone(pid, seconds):
        return
    os.kill(pid, signal.SIGKILL)
    if not _gone(pid, 5):
        raise LocalError(f"{name} (process {pid}) does not end. End it by hand and try again.")


def _gone(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not command_of(pid):
            return True
        time.sleep(0.02)
    return False


def _bury(pid: int) -> None:
    child = _children.get(pid)
    if child is not None and child.poll() is not None:
        del _children[pid]


def last_words(log: Path, lines: int = 6) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").rstrip().splitlines()[-lines:])
    except OSError:
        return "(no log)"
