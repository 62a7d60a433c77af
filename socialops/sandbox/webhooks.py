"""Webhooks out: each event is posted to the account's address, signed with HMAC-SHA256 over "<timestamp>.<raw
body>".
"""

import asyncio
import hashlib
import hmac
import json
import time
from typing import Any

import aiohttp

from socialops.sandbox.state import Record

WAITING_AT_MOST = 10_000
AT_ONCE = 8
TRIES = 4
FIRST_PAUSE = 0.5


def signature(secret: str, timestamp: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class Webhooks:
    """A queue and a few posters. `sent` counts answers below 300, `given_up` events that no try brought home."""

    def __init__(self) -> None:
        self.sent = 0
        self.given_up = 0
        self._number = 0
        self._queue: asyncio.Queue[tuple[Record, bytes]] = asyncio.Queue(WAITING_AT_MOST)
        self._posters: list[asyncio.Task[None]] = []

    def tell(self, account: Record, kind: str, shown: dict[str, Any]) -> None:
        """Queue an event for this account; dropped if nobody listens or far too many wait."""
        if not account.get("webhook"):
            return
        self._number += 1
        event = {"id": f"e{int(time.time() * 1000)}-{self._number}", "type": kind, "account": account["id"]}
        body = json.dumps({**event, "comment": shown}).encode()
        try:
            self._queue.put_nowait((account["webhook"], body))
        except asyncio.QueueFull:
            self.given_up += 1

    def start(self) -> None:
        self._posters = [asyncio.create_task(self._post_all()) for _ in range(AT_ONCE)]

    async def stop(self) -> None:
        for poster in self._posters:
            poster.cancel()
        await asyncio.gather(*self._posters, return_exceptions=True)

    async def _post_all(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            while True:
                webhook, body = await self._queue.get()
                await self._bring_home(session, webhook, body)

    async def _bring_home(self, session: aiohttp.ClientSession, webhook: Record, body: bytes) -> None:
        for attempt in range(TRIES):
            if await self._accepted(session, webhook, body):
                self.sent += 1
                return
            await asyncio.sleep(FIRST_PAUSE * 2**attempt)
        self.given_up += 1

    async def _accepted(self, session: aiohttp.ClientSession, webhook: Record, body: bytes) -> bool:
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "X-Sandbox-Timestamp": timestamp,
            "X-Sandbox-Signature": signature(webhook.get("secret", ""), timestamp, body),
        }
        try:
            async with session.post(webhook["url"], data=body, headers=headers, allow_redirects=False) as answer:
                return answer.status < 300
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            return False
