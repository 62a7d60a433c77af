"""A venv for the yardstick that may not be in ours: procrastinate needs psycopg 3, which Django would then use, too."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.ground import CHECKOUT

LOCK = CHECKOUT / "requirements" / "yardsticks.lock"
VENV = CHECKOUT / ".local" / "yardsticks"


def python() -> Path:
    """Its interpreter; made and filled from the lock at first use."""
    stamp, wanted = VENV / ".installed", hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(VENV, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True, timeout=120)
        install = [VENV / "bin" / "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes", "-r", LOCK]
        subprocess.run(install, check=True, timeout=600)
        stamp.write_text(wanted)
    return VENV / "bin" / "python"
