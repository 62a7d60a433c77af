"""HTTP/1.1 on a bare asyncio protocol: fast enough to stand behind a burst, and able to break a connection on purpose.

Understands what connectors, browsers and curl send: Content-Length bodies, keep-alive, one request after another.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

LARGEST_HEAD = 64 * 1024
LARGEST_BODY = 10 * 1024 * 1024
PHRASES = {status.value: status.phrase for status in HTTPStatus}


class Request:
    """One request. Header names are lower case."""

    __slots__ = ("body", "headers", "method", "monotonic", "path", "query_text", "wall")

    def __init__(self, method: str, target: str, headers: dict[str, str], body: bytes):
        self.method = method
        self.path, _, self.query_text = target.partition("?")
        self.headers = headers
        self.body = body
        self.monotonic = time.monotonic()
        self.wall = time.time()

    @property
    def segments(self) -> list[str]:
        return [unquote(part) for part in self.path.split("/") if part]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.query_text, keep_blank_values=True))

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; anything else is a Problem for the caller."""
        try:
            value = json.loads(self.body or b"{}")
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise Problem(400, "bad_json", "The body is not a JSON object.")
        return value

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass
class Answer:
    """What goes back. `breaks` says how the connection is broken instead, if it is (see faults.py)."""

    status: int = 200
    content: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    html: str = ""
    kind: str = "application/json"
    breaks: str = ""
    seconds: float = 0.0

    def payload(self) -> bytes:
        if self.html:
            body, kind = self.html.encode(), "text/html; charset=utf-8"
        elif isinstance(self.content, bytes):
            body, kind = self.content, self.kind
        else:
            body, kind = json.dumps(self.content, separators=(",", ":")).encode(), "application/json"
        lines = [
            f"HTTP/1.1 {self.status} {PHRASES.get(self.status, 'Unknown')}",
            f"Content-Type: {kind}",
            f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Problem(Exception):
    """An answer that says no."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None):
        super().__init__(message)
        self.answer = Answer(status, {"error": code, "message": message}, headers or {})


Handler = Callable[[Request], Answer]


class Connection(asyncio.Protocol):
    """One peer. `handle` is called once a request; `delay()` gives the seconds before each answer."""

    def __init__(self, handle: Handler, delay: Callable[[], float], live: set["Connection"]):
        self._handle = handle
        self._delay = delay
        self._live = live
        self._buffer = b""
        self._busy = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._live.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._live.discard(self)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        if not self._busy:
            self._next()

    def _next(self) -> None:
        try:
            request = self._take()
        except ValueError:
            self._send(Answer(400, {"error": "bad_request", "message": "Not HTTP."}), close=True)
            return
        if request is None:
            return
        self._busy = True
        answer = self._handle(request)
        delay = self._delay()
        closes = request.headers.get("connection", "").lower() == "close"
        if delay > 0 and not answer.breaks.startswith("reset"):
            asyncio.get_running_loop().call_later(delay, self._finish, answer, closes)
        else:
            self._finish(answer, closes)

    def _finish(self, answer: Answer, closes: bool) -> None:
        if self._transport is None or answer.breaks == "hang":
            return
        if answer.breaks == "reset":
            self._transport.abort()
        elif answer.breaks == "slow":
            self._drip(answer.payload(), answer.seconds)
        else:
            self._send(answer, close=closes)
            self._busy = False
            if self._buffer and self._transport is not None:
                self._next()

    def _send(self, answer: Answer, *, close: bool = False) -> None:
        if self._transport is not None:
            self._transport.write(answer.payload())
            if close:
                self._transport.close()

    def _drip(self, payload: bytes, seconds: float) -> None:
        """The head at once, then the body byte by byte over `seconds`."""
        head, _, body = payload.partition(b"\r\n\r\n")
        if self._transport is None:
            return
        self._transport.write(head + b"\r\n\r\n" + body[:1])
        self._drip_on(list(body[1:]), seconds / max(len(body), 1))

    def _drip_on(self, rest: list[int], pause: float) -> None:
        if self._transport is None:
            return
        if not rest:
            self._transport.close()
            return
        self._transport.write(bytes(rest[:1]))
        asyncio.get_running_loop().call_later(pause, self._drip_on, rest[1:], pause)

    def _take(self) -> Request | None:
        """The first whole request out of the buffer, None while it is incomplete."""
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            if len(self._buffer) > LARGEST_HEAD:
                raise ValueError("head too long")
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = dict(_header_pairs(lines))
        length = int(headers.get("content-length", "0"))
        if not 0 <= length <= LARGEST_BODY or "transfer-encoding" in headers:
            raise ValueError("body not understood")
        if len(rest) < length:
            return None
        self._buffer = rest[length:]
        return Request(method, target, headers, rest[:length])


def _header_pairs(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    for line in lines:
        name, _, value = line.partition(":")
        yield name.lower(), value.strip()
