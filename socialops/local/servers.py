"""Both servers as one thing: up, down, and how they are."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from socialops.local.places import Places, private_directory
from socialops.local.postgres import Postgres
from socialops.local.valkey import Valkey


class Servers:
    """PostgreSQL and Valkey of one home. `database_port` and `redis_port` open TCP on 127.0.0.1 as well."""

    def __init__(
        self,
        home: Path | str | None = None,
        *,
        database_port: int | None = None,
        redis_port: int | None = None,
        durable: bool = True,
        root_way: str | None = None,
    ) -> None:
        self.places = Places(home)
        self.postgres = Postgres(self.places, database_port, durable, root_way)
        self.valkey = Valkey(self.places, redis_port)

    def up(self) -> list[str]:
        """Start what is not running and name it. Safe to call at any time, from any number of processes at once."""
        with self._one_at_a_time():
            started = []  # PostgreSQL first: it decides where root may put things
            for server in (self.postgres, self.valkey):
                if not server.running():
                    self.places.make()
                    server.start()
                    started.append(server.name)
            return started

    def down(self) -> list[str]:
        """Stop what is running and name it."""
        with self._one_at_a_time():
            stopped = []
            for server in (self.postgres, self.valkey):
                if server.pid():
                    server.stop()
                    stopped.append(server.name)
            return stopped

    def keep(self, wanted: bool) -> None:
        """Whether the servers stay when the demo ends: they do after `up`, until `down`."""
        marker = self.places.home / "keep"
        marker.touch() if wanted else marker.unlink(missing_ok=True)

    def kept(self) -> bool:
        return (self.places.home / "keep").exists()

    def status(self) -> dict[str, str]:
        return {
            server.name: f"running (process {server.pid()})" if server.running() else "stopped"
            for server in (self.postgres, self.valkey)
        }

    def database_url(self) -> str:
        return self.postgres.url()

    def redis_url(self) -> str:
        return self.valkey.url()

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        private_directory(self.places.home)
        with self.places.lock.open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
