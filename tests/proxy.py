"""A fault proxy: stands in front of any HTTP server and loses, delays or breaks what a test names.

    with FaultProxy(pds.url) as proxy:
        proxy.plan("lose", method="POST", path="putRecord")     # the server commits, the answer never arrives
        ... talk to proxy.url instead of pds.url ...

Kinds: lose (reset after the server has answered), hang (the same, but silence), error (a 500, or another `status`,
instead of the answer), garbage (a 200 that cannot be read), refuse (reset before the server sees it), late (reset
now, the server sees it `seconds` later), delay (the answer comes `seconds` later).
"""

import asyncio
import contextlib
import threading
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

READ = 64 * 1024


@dataclass
class Plan:
    kind: str
    method: str = ""
    path: str = ""
    count: int = 1  # -1: always
    after: int = 0  # let so many matching requests pass first
    seconds: float = 1.0
    status: int = 500

    def takes(self, method: str, path: str) -> bool:
        if self.count == 0 or self.method not in ("", method) or self.path not in path:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.count -= 1 if self.count > 0 else 0
        return True


class FaultProxy:
    """Runs in a thread of its own. `seen` lists (method, path, fault kind or "") of every request."""

    def __init__(self, upstream: str):
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname, parts.port)
        self._plans: list[Plan] = []
        self._ready = threading.Event()
        self.down = False
        self.seen: list[tuple[str, str, str]] = []

    def plan(self, kind: str, **details) -> Plan:
        plan = Plan(kind, **details)
        self._plans.append(plan)
        return plan

    def clear(self) -> None:
        self._plans.clear()
        self.down = False

    def start(self) -> Self:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._done.set)
            self._thread.join(10)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_) -> None:
        self.stop()

    async def _serve(self) -> None:
        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
        self._talks: set[asyncio.Task] = set()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._done.wait()
        server.close()
        for talk in list(self._talks):
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._talks.add(asyncio.current_task())
        try:
            if not self.down:
                await self._talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass  # one side hung up, which is what this proxy is for
        finally:
            self._talks.discard(asyncio.current_task())
            writer.transport.abort() if writer.transport.get_write_buffer_size() == 0 else writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, path, request = await _request(reader)
        plan = next((each for each in self._plans if each.takes(method, path)), None)
        kind = plan.kind if plan else ""
        self.seen.append((method, path, kind))
        if kind == "refuse":
            return
        if kind == "late":
            writer.transport.abort()
            await asyncio.sleep(plan.seconds)
        answer = await self._ask(request)
        if kind == "hang":
            await self._done.wait()
        elif kind == "delay":
            await asyncio.sleep(plan.seconds)
        if kind in ("lose", "late", "hang"):
            return
        if kind == "error":
            head = f"HTTP/1.1 {plan.status} Planned\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
            answer = head.encode() + b"{}"
        elif kind == "garbage":
            answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n<html"
        writer.write(answer)
        await writer.drain()
        writer.write_eof()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reader.read(1), 2)  # until the other side has read it all

    async def _ask(self, request: bytes) -> bytes:
        """The whole answer; the server closes after it, because we asked it to."""
        reader, writer = await asyncio.open_connection(*self._upstream)
        try:
            writer.write(request)
            await writer.drain()
            return _closing(await _answer(reader))
        finally:
            writer.close()


async def _request(reader: asyncio.StreamReader) -> tuple[str, str, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, path, _ = first.split(" ", 2)
    kept = [line for line in lines if line.partition(":")[0].lower() not in ("connection", "keep-alive")]
    body = await _body(reader, lines)
    return method, path, "\r\n".join([first, *kept, "Connection: close"]).encode("latin-1") + b"\r\n\r\n" + body


async def _answer(reader: asyncio.StreamReader) -> bytes:
    """Read to the end of the connection: every server here honours Connection: close."""
    chunks = []
    while chunk := await asyncio.wait_for(reader.read(READ), 60):
        chunks.append(chunk)
    return b"".join(chunks)


def _closing(answer: bytes) -> bytes:
    """The same answer, telling the client that this connection ends with it."""
    head, separator, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    kept = [line for line in lines if line.partition(b":")[0].lower() not in (b"connection", b"keep-alive")]
    return b"\r\n".join([first, *kept, b"Connection: close"]) + separator + body


async def _body(reader: asyncio.StreamReader, lines: list[str]) -> bytes:
    headers = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines}
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return b""
    body = b""
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line, 16)
        body += line + await reader.readexactly(size + 2)
        if size == 0:
            return body
