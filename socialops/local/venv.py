"""`python -m socialops.local.venv local|dev` makes .venv from requirements/*.lock, or does nothing when it is current.

Runs on any Python from 3.11 on, before anything is installed: standard library only.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
VENV = CHECKOUT / ".venv"
PYTHON = VENV / "bin" / "python"


def main(arguments: list[str]) -> int:
    name = arguments[0]
    lock = CHECKOUT / "requirements" / f"{name}.lock"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = VENV / f".{name}.installed"
    if _read(stamp) == wanted and _works():
        return 0
    gate = os.open(lock, os.O_RDONLY)
    fcntl.flock(gate, fcntl.LOCK_EX)  # two makes at once: the second waits, and finds it done
    if _read(stamp) != wanted or not _works():
        _make()
        _install(lock)
        stamp.write_text(wanted)
    os.close(gate)
    return 0


def _works() -> bool:
    if not os.access(PYTHON, os.X_OK):
        return False
    return subprocess.run([PYTHON, "-c", ""], capture_output=True, check=False).returncode == 0


def _make() -> None:
    if _works():
        return
    shutil.rmtree(VENV, ignore_errors=True)
    print(f"Making .venv with Python {sys.version.split()[0]}", flush=True)
    uv = shutil.which("uv")
    command: list[str | Path] = (
        [uv, "venv", "-q", "--python", sys.executable, VENV] if uv else [sys.executable, "-m", "venv", VENV]
    )
    made = subprocess.run(command, check=False, capture_output=True, text=True)
    if made.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        print((made.stderr or made.stdout).strip(), file=sys.stderr)
        raise SystemExit("The venv was not made. On Debian and Ubuntu: apt-get install python3-venv")


def _install(lock: Path) -> None:
    print(f"Installing {lock.relative_to(CHECKOUT)}", flush=True)
    uv = shutil.which("uv")
    tool: list[str | Path] = (
        [uv, "pip", "install", "-q", "--python", PYTHON] if uv else [PYTHON, "-m", "pip", "install", "-q"]
    )
    env = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    done = subprocess.run([*tool, "--require-hashes", "-r", lock], check=False, env=env)
    if done.returncode:
        raise SystemExit("The packages were not installed. The lines above say why; `make clean` starts afresh.")


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
