"""Choosing a port on this machine, and saying so when the one that was asked for is taken."""

import contextlib
import socket

from socialops.local.errors import LocalError

PORT, NEXT_PORTS = 8000, 9


def choose_port(asked: str | None) -> int:
    """The port of PORT, or 8000, or the next free one. A port that was asked for and is taken is an error."""
    if asked:
        if not asked.isdecimal() or not 0 < int(asked) < 65536:
            raise LocalError(f"PORT is “{asked}”. Use a number from 1 to 65535, such as PORT=8001 make demo")
        if not port_is_free(int(asked)):
            raise LocalError(f"Port {asked} is in use. Choose another: PORT={int(asked) + 1} make demo")
        return int(asked)
    for port in range(PORT, PORT + NEXT_PORTS + 1):
        if port_is_free(port):
            if port != PORT:
                print(f"Port {PORT} is in use, so the demo is on {port}.", flush=True)
            return port
    raise LocalError(f"Ports {PORT} to {PORT + NEXT_PORTS} are in use. Choose another: PORT=9000 make demo")


def port_is_free(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError as error:
            raise LocalError(f"Port {port} is for root only. Choose one above 1023: PORT=8000 make demo") from error
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        return probe.getsockname()[1]
