"""The migrated template, kept between runs: migrating takes twenty seconds, bringing back what it made takes one.

It stands in `.local/tests` of the checkout, under the hash of all that migrating reads. Whoever changes a model or a
migration migrates anew; so does a fresh clone, and so do tests/test_compose.py and `make demo`, always.
"""

import hashlib
import os
import subprocess
from pathlib import Path

from socialops.local import binaries
from tests.servers import CHECKOUT

KEPT = CHECKOUT / ".local" / "tests"
MOST_KEPT = 3  # so that a change of branches and back costs nothing
READ_BY_MIGRATING = (
    "*/migrations/*.py", "*/models.py", "*/models/*.py", "*/apps.py", "socialops/settings.py", "socialops/lib/**/*.py",
    "channels_registry/connector/*.py", "channels_registry/networks/*.py", "requirements/dev.lock", "tests/template.py",
)  # fmt: skip


def bring_back(url: str, kept: Path = KEPT) -> bool:
    """Fill an empty database with what an earlier run's migrating made. False: there is nothing, or it did not work."""
    dump = kept / f"{fingerprint()}.sql"
    if not dump.exists():
        return False
    psql = [binaries.postgres_bin() / "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction"]
    said = subprocess.run([*psql, f"--file={dump}", url], capture_output=True, check=False, env=_plain())
    os.utime(dump)
    return said.returncode == 0


def keep(url: str, kept: Path = KEPT) -> None:
    """Keep what migrating made. A PostgreSQL without pg_dump is none the worse for it: its runs migrate."""
    if not (binaries.postgres_bin() / "pg_dump").exists():
        return
    kept.mkdir(parents=True, exist_ok=True)
    half = kept / f"{os.getpid()}.new"
    half.write_bytes(dumped(url))
    half.rename(kept / f"{fingerprint()}.sql")
    for old in sorted(kept.glob("*.sql"), key=lambda path: path.stat().st_mtime)[:-MOST_KEPT]:
        old.unlink()


def dumped(url: str) -> bytes:
    """The whole database as SQL; the same database says the same each time."""
    pg_dump = [binaries.postgres_bin() / "pg_dump", "--no-owner", "--restrict-key=template", url]
    return subprocess.run(pg_dump, capture_output=True, check=True, env=_plain()).stdout


def fingerprint(tree: Path = CHECKOUT) -> str:
    """Of every file that migrating reads, by name and content, and of the server."""
    found = hashlib.sha256(binaries.postgres_major(binaries.postgres_bin()).encode())
    for path in sorted({path for pattern in READ_BY_MIGRATING for path in tree.glob(pattern)}):
        found.update(f"{path.relative_to(tree)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:16]


def _plain() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}
