"""One request, written in one piece, and its answer.

Stands on aiohttp's connections (addresses, TLS, the pool) and its parser, and leaves its session out: with that, a
request computes half as long again or more, and its body is written apart from its head.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode
from weakref import WeakSet

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

OURS = {"User-Agent": "Socialops/0.1", "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}


Answer = tuple[int, Mapping[str, str], bytes]  # status, headers, body


class Exchange:
    """Made with everything that will be sent; `over` sends it, once. `written`: bytes of it may have left.

    Header names are spelt Like-This.
    """

    __slots__ = ("content", "headers", "method", "refusal", "url", "written")

    def __init__(self, method: str, url: URL, headers: Mapping[str, str] | None, json: Any, data: Any):
        self.method, self.url, self.written = method, url, False
        self.refusal: Answer | None = None
        kind, self.content = _content(json, data)
        self.headers = {"Host": url.host_port_subcomponent, **OURS, **kind, **(headers or {})}
        if self.content or method != "GET":
            self.headers["Content-Length"] = str(len(self.content))

    async def over(self, line: "Line", about_to_write: Callable[[], None], answered: Callable[[], None]) -> Answer:
        """`about_to_write` is called with a connection in hand, `answered` when the head of the answer is read: what
        the first raises ends it with nothing sent. Raises aiohttp.ClientError, OSError or TimeoutError.
        """
        try:
            async with asyncio.timeout(line.timeout.total):
                connection = await line.connect(self.url)
                try:
                    about_to_write()
                    answer = await self._over(connection.protocol, line.largest_body, answered)
                except BaseException:
                    connection.close()
                    raise
                if connection.transport and connection.transport.get_write_buffer_size():
                    connection.close()  # answered before it had heard us out
                else:
                    connection.release()
                return answer
        except (aiohttp.ClientError, OSError):
            if self.refusal is None:
                raise
            return self.refusal

    async def _over(self, protocol: Any, largest_body: int, answered: Callable[[], None]) -> Answer:
        protocol.set_response_params(read_until_eof=True)
        self.written = True
        protocol.transport.write(self._head() + self.content)
        try:
            message, payload = await protocol.read()
            while 100 <= message.code < 200:
                message, payload = await protocol.read()
        except HttpProcessingError as error:
            raise aiohttp.ClientPayloadError(f"not HTTP: {error.message}") from error
        answered()
        if 400 <= message.code < 500:  # that is a refusal, also when its explanation is cut off or comes too late
            self.refusal = message.code, message.headers, b""
        return message.code, message.headers, await _body(message.headers, payload, largest_body)

    def _head(self) -> bytes:
        lines = [f"{self.method} {self.url.raw_path_qs} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("ascii")


class Line:
    """The connections of one client, in one event loop."""

    def __init__(self, connector: aiohttp.BaseConnector, timeout: aiohttp.ClientTimeout, largest_body: int):
        self.connector, self.timeout, self.largest_body = connector, timeout, largest_body
        self.loop = asyncio.get_running_loop()
        self._wish = lru_cache(1024)(self._new_wish)
        self._used: WeakSet[Any] = WeakSet()

    async def connect(self, url: URL) -> Any:
        """A connection that has nothing unread: what a server said unasked is not taken for an answer.

        One that was kept and has spoken since is left for another; a server that begins to speak is none of ours.
        """
        while True:
            connection: Any = await self.connector.connect(self._wish(url.origin()), [], self.timeout)
            if not connection.protocol.should_close:
                self._used.add(connection.protocol)
                return connection
            kept = connection.protocol in self._used
            connection.close()
            if not kept:
                raise aiohttp.ClientConnectionError("it spoke before it was asked anything")

    def _new_wish(self, origin: URL) -> aiohttp.ClientRequest:
        """As what aiohttp's connector takes a wish for a connection."""
        return aiohttp.ClientRequest("GET", origin, loop=self.loop)


def _content(value: Any, data: bytes | Mapping[str, str] | None) -> tuple[dict[str, str], bytes]:
    """(its type as a header, which the caller's own replaces; its bytes)"""
    if value is not None:
        return {"Content-Type": "application/json"}, json.dumps(value).encode()
    if isinstance(data, Mapping):
        return {"Content-Type": "application/x-www-form-urlencoded"}, urlencode(data).encode()
    return {}, data or b""


async def _body(headers: Mapping[str, str], payload: Any, largest: int) -> bytes:
    """All of it, but never more than `largest` bytes, unpacked."""
    if "Content-Encoding" not in headers and int(headers.get("Content-Length", largest + 1)) <= largest:
        return payload.read_nowait() if payload.is_eof() else await payload.read()  # as long as it says, no longer
    chunks, size = [], 0
    async for chunk in payload.iter_any():
        size += len(chunk)
        if size > largest:
            raise aiohttp.ClientPayloadError(f"body larger than {largest} bytes")
        chunks.append(chunk)
    return b"".join(chunks)
