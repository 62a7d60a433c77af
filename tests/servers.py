"""The tests' own PostgreSQL and Valkey: real servers in a temporary directory, gone when the run is over.

`claim_servers()` runs before the settings load. The first process of a run (pytest itself, or the controller of xdist)
starts the servers and a watcher; xdist's workers find them in the environment. The watcher holds the other end of a
pipe: when the run ends in any way, kill -9 included, it stops the servers and removes the directory.

This is the one place where PostgreSQL may run without fsync.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import psycopg2

from socialops.local import Servers

CHECKOUT = Path(__file__).resolve().parents[1]
TEMPLATE = "socialops_template"
MEMORY, ROOM = Path("/dev/shm"), 4 * 2**30
HOME, DATABASE_PORT, REDIS_PORT = "SOCIALOPS_TEST_HOME", "SOCIALOPS_TEST_DATABASE_PORT", "SOCIALOPS_TEST_REDIS_PORT"


class OwnServers:
    """Both servers of this run, on sockets and, for peers that know TCP only, on ports of 127.0.0.1."""

    def __init__(self, home: Path, database_port: int, redis_port: int) -> None:
        self.home, self.database_port, self.redis_port = home, database_port, redis_port
        self.servers = Servers(home, database_port=database_port, redis_port=redis_port, durable=False)

    def database_url(self, name: str = "socialops") -> str:
        return self.servers.postgres.url(name)

    def tcp_database_url(self, name: str = "socialops") -> str:
        return f"postgresql://socialops@127.0.0.1:{self.database_port}/{name}"

    def redis_url(self, database: int = 0) -> str:
        return self.servers.valkey.url().replace("?db=0", f"?db={database}")

    def execute(self, statement: str, database: str = "postgres") -> list[tuple]:
        """One statement in a connection of its own, outside of any transaction."""
        with closing(psycopg2.connect(self.database_url(database))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []

    def exists(self, name: str) -> bool:
        return bool(self.execute(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"))

    def clone(self, template: str, name: str) -> None:
        """A copy of a database, about 60 ms. Nobody may be connected to the template, so whoever is gets cut off."""
        self.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{template}'")
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')

    def drop(self, name: str) -> None:
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def claim_servers() -> OwnServers:
    """The run's servers, started if this process is the first of the run; their addresses go into the environment."""
    if not (os.environ.get("PYTEST_XDIST_WORKER") and os.environ.get(HOME)):
        _start()
    own = OwnServers(Path(os.environ[HOME]), int(os.environ[DATABASE_PORT]), int(os.environ[REDIS_PORT]))
    os.environ["DATABASE_URL"] = own.database_url()
    os.environ["REDIS_URL"] = own.redis_url(_redis_database())
    os.environ["SOCIALOPS_HOME"] = str(own.home)
    os.environ["SOCIALOPS_LOCAL"] = "yes"
    return own


def release_servers() -> None:
    """Let go of the pipe and wait until the watcher has stopped the servers and removed their directory."""
    global _watcher
    if _watcher is not None:
        _watcher.stdin.close()
        _watcher.wait(timeout=60)
        _watcher = None


def switch_to(name: str) -> None:
    """From here on this process works on that database."""
    from django.conf import settings
    from django.db import connection, connections

    connections.close_all()
    settings.DATABASES["default"]["NAME"] = name
    connection.settings_dict["NAME"] = name


_watcher: subprocess.Popen | None = None


def _redis_database() -> int:
    """A logical database an xdist worker, so that a Celery worker of one never takes the tasks of another."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    return int(worker.removeprefix("gw")) + 1 if worker else 0


def _start() -> None:
    global _watcher
    home = Path(tempfile.mkdtemp(prefix="socialops-tests-", dir=_in_memory()))
    own = OwnServers(home, free_port(), free_port())
    _watcher = subprocess.Popen(
        [sys.executable, "-m", "tests.servers", str(home)], stdin=subprocess.PIPE, cwd=CHECKOUT, start_new_session=True
    )
    own.servers.up()
    os.environ |= {HOME: str(home), DATABASE_PORT: str(own.database_port), REDIS_PORT: str(own.redis_port)}


def _in_memory() -> Path | None:
    """Where hundreds of databases are copied and dropped, each in a tenth of the time. TMPDIR says otherwise."""
    roomy = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    return MEMORY if roomy and "TMPDIR" not in os.environ else None


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _watch(home: str) -> None:
    sys.stdin.buffer.read()
    servers = Servers(home)
    elsewhere = servers.places.servers
    servers.down()
    for directory in {elsewhere, servers.places.sockets, servers.places.home}:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    _watch(sys.argv[1])
