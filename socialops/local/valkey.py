"""The embedded Valkey: a broker and a cache that may lose everything, because PostgreSQL holds the truth."""

import signal
import socket
import time
from pathlib import Path
from urllib.parse import quote

from socialops.local import binaries
from socialops.local.errors import LocalError
from socialops.local.places import Places
from socialops.local.processes import command_of, end, last_words, start_detached

START_SECONDS = 15


class Valkey:
    name = "Valkey"

    def __init__(self, places: Places, port: int | None = None) -> None:
        self.places = places
        self.port = port  # also on 127.0.0.1, for a test peer that knows TCP only

    @property
    def socket(self) -> Path:
        return self.places.sockets / "valkey.sock"

    @property
    def log(self) -> Path:
        return self.places.home / "valkey.log"

    @property
    def pid_file(self) -> Path:
        return self.places.home / "valkey.pid"

    def url(self) -> str:
        return f"unix://{quote(str(self.socket))}?db=0"

    def running(self) -> bool:
        return self._say(b"PING\r\n") == b"+PONG"

    def start(self) -> None:
        self.socket.unlink(missing_ok=True)
        process = start_detached(self._command(), self.log, self.places.home)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.running():
                return
            if process.poll() is not None:
                break
            time.sleep(0.01)
        raise LocalError(f"Valkey did not start. The end of {self.log}:\n{last_words(self.log)}")

    def stop(self) -> None:
        pid = self.pid()
        self._say(b"SHUTDOWN NOSAVE\r\n")
        if pid:
            end(pid, self.name, signal.SIGTERM, 10)
        self.socket.unlink(missing_ok=True)
        self.pid_file.unlink(missing_ok=True)

    def pid(self) -> int | None:
        """The process that serves our socket; a recycled process id is not taken for it."""
        try:
            pid = int(self.pid_file.read_text())
        except (OSError, ValueError):
            return None
        return pid if "valkey-server" in command_of(pid) else None

    def _command(self) -> list[str | Path]:
        listen: list[str | Path] = ["--port", str(self.port or 0), "--bind", "127.0.0.1"]
        return [
            binaries.valkey_server(),
            *listen,
            *("--unixsocket", self.socket, "--unixsocketperm", "700"),
            *("--dir", self.places.home, "--pidfile", self.pid_file, "--daemonize", "no"),
            *("--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"),
        ]

    def _say(self, words: bytes) -> bytes:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
                line.settimeout(2)
                line.connect(str(self.socket))
                line.sendall(words)
                return line.recv(200).split(b"\r\n")[0]
        except OSError:
            return b""
