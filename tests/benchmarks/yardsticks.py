"""What the burst is measured against, at the same sandbox: bare aiohttp, raw sockets, Celery by eta.

python -m tests.benchmarks.yardsticks aiohttp|raw <url> <token> <due> <count> <places>: one process of a yardstick.
"""

import asyncio
import http.client
import json
import os
import sys
import threading
import time
import uuid
from collections import deque
from urllib.parse import urlsplit

import aiohttp
import uvloop
from celery import Celery


def body(number: int) -> dict[str, str]:
    return {"text": f"Text {number}", "placement": "feed", "language": ""}


async def bare_aiohttp(url: str, token: str, due: float, count: int, places: int) -> None:
    """So many workers, each sends the next one as soon as its last is answered. No database, no record of anything."""
    left = deque(range(count))
    connector = aiohttp.TCPConnector(limit=places)
    async with aiohttp.ClientSession(connector=connector, headers={"Authorization": f"Bearer {token}"}) as session:

        async def worker() -> None:
            while left:
                number = left.popleft()
                key = {"Idempotency-Key": str(uuid.uuid4())}
                async with session.post(f"{url}/api/v1/posts", json=body(number), headers=key) as answer:
                    await answer.read()

        await asyncio.sleep(max(due - time.time(), 0))
        await asyncio.gather(*(worker() for _ in range(places)))


class _Raw(asyncio.Protocol):
    """One connection that writes a finished request as soon as the last one is answered."""

    def __init__(self, requests: deque[bytes], done: asyncio.Event):
        self.requests, self.done = requests, done

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def next(self) -> None:
        if self.requests:
            self.transport.write(self.requests.popleft())
        else:
            self.done.set()

    def data_received(self, data: bytes) -> None:
        self.next()


async def raw_sockets(url: str, token: str, due: float, count: int, places: int) -> None:
    """Requests made beforehand, connections open beforehand: what the machine can do at most."""
    host, port = urlsplit(url).hostname, urlsplit(url).port
    requests: deque[bytes] = deque()
    for number in range(count):
        text = json.dumps(body(number)).encode()
        head = (
            f"POST /api/v1/posts HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {token}\r\n"
            f"Idempotency-Key: {uuid.uuid4()}\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
        )
        requests.append(head.encode() + text)
    done = [asyncio.Event() for _ in range(places)]
    loop = asyncio.get_running_loop()
    peers = [(await loop.create_connection(lambda e=e: _Raw(requests, e), host, port))[1] for e in done]
    await asyncio.sleep(max(due - time.time(), 0))
    for peer in peers:
        peer.next()
    await asyncio.gather(*(event.wait() for event in done))


# Celery by eta: the message carries the post and its time.
eta = Celery("eta", broker=os.environ.get("ETA_BROKER", "memory://"))
eta.conf.update(task_ignore_result=True, worker_prefetch_multiplier=1, broker_connection_retry_on_startup=True)
_local = threading.local()


@eta.task(name="eta.send")
def send(url: str, token: str, number: int) -> None:
    if not hasattr(_local, "line"):
        _local.line = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    _local.line.request("POST", "/api/v1/posts", json.dumps(body(number)), headers)
    _local.line.getresponse().read()


def main() -> None:
    kind, url, token, due, count, places = sys.argv[1:]
    run = {"aiohttp": bare_aiohttp, "raw": raw_sockets}[kind]
    print("ready", flush=True)
    uvloop.run(run(url, token, float(due), int(count), int(places)))


if __name__ == "__main__":
    main()
