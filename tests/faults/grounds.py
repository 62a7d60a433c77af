"""PostgreSQL and Valkey of a test's own, which may be hurt, and what hurts them.

own = grounds.raised(directory, own_servers)      # servers with the run's migrated template
with grounds.standing_on(own, url, processes):    # everything of the test is there, its own queries too
"""

import itertools
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
from django.db import connection

from socialops.local import Servers, binaries
from socialops.settings import database
from tests.processes import Processes, wait_until
from tests.servers import TEMPLATE, OwnServers

_number = itertools.count(1)


def raised(home: Path, own_servers: OwnServers, durable: bool = True) -> Servers:
    mine = Servers(home, durable=durable)
    mine.up()
    dump, restore = (binaries.postgres_bin() / name for name in ("pg_dump", "psql"))
    template = subprocess.run([dump, own_servers.database_url(TEMPLATE)], capture_output=True, check=True, timeout=60)
    quiet = [restore, "-q", "-v", "ON_ERROR_STOP=1", "-d", mine.database_url()]
    subprocess.run(quiet, input=template.stdout, stdout=subprocess.DEVNULL, check=True, timeout=120)
    return mine


def new_database(own: Servers) -> str:
    """A copy of the template, by name."""
    name = f"hurt_{next(_number)}"
    execute(own.postgres.url("postgres"), f"CREATE DATABASE {name} TEMPLATE socialops")
    return name


@contextmanager
def standing_on(own: Servers, url: str, processes: Processes) -> Iterator[None]:
    before = dict(connection.settings_dict)
    processes.env |= {"DATABASE_URL": url, "REDIS_URL": own.redis_url()}
    connection.close()
    connection.settings_dict.update(database(url))
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


def execute(url: str, statement: str) -> list[tuple]:
    """One statement in a connection of its own, outside of any transaction."""
    with closing(psycopg2.connect(url)) as line:
        line.autocommit = True
        cursor = line.cursor()
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def answered(ask: Callable[[], object]) -> Callable[[], object]:
    """The same question, answered with None while the database is away."""

    def patiently() -> object:
        try:
            return ask()
        except Exception:
            connection.close()
            return None

    return patiently


def hurt_redis(own: Servers, how: str) -> None:
    import redis

    if how == "flush":
        redis.Redis(unix_socket_path=own.redis_url().removeprefix("unix://").partition("?")[0]).flushall()
    else:
        os.kill(own.valkey.pid(), signal.SIGKILL)
        time.sleep(2)
        own.up()


def restart_postgres(own: Servers) -> None:
    """What `pg_ctl restart -m immediate` does: no checkpoint, every connection cut, recovery at the start."""
    os.kill(own.postgres.pid(), signal.SIGQUIT)
    time.sleep(0.5)
    own.up()
    connection.close()


def machine_dies(pid: int) -> None:
    """kill -9 of the server and, in the same moment, of all that it has started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for each in (pid, *map(int, children)):
        os.kill(each, signal.SIGKILL)
    gone = [Path(f"/proc/{each}/cmdline") for each in (pid, *children)]
    wait_until(lambda: not any(path.exists() and path.read_bytes() for path in gone), "PostgreSQL to be gone")
    connection.close()
