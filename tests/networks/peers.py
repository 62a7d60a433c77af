"""What the conformance suite needs from the other side of a network. Each tests/networks/test_<slug>.py has its
`Peer`.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from importlib import import_module
from json import loads
from typing import Any, TypeVar

import aiohttp
import pytest

from channels_registry.connector.http import Http
from channels_registry.connector.types import Access, Connected, Published
from channels_registry.networks import network
from tests.proxy import FaultProxy

T = TypeVar("T")
LOOPBACK = ("127.0.0.1", "localhost")
WAIT_SECONDS = 20.0


@dataclass(frozen=True)
class Answers:
    """A filled-in connect form."""

    fields: dict[str, str]
    secrets: dict[str, str]


class Peer(ABC):
    """A server with a fault proxy in front of it. The connector under test only knows the proxy's address."""

    slug: str
    creating = "/"  # a part of the path of requests that create something
    posting = "/"  # the same, of posts alone
    uploading = "/"  # of pictures
    address_field: str  # the connect field that holds the server's address

    def __init__(self, request: pytest.FixtureRequest):
        self.network = network(self.slug)
        self.upstream = self.start(request)
        self.proxy = FaultProxy(self.upstream).start()
        self.http = Http(allow=LOOPBACK)

    async def close(self) -> None:
        await self.http.close()
        self.proxy.stop()

    async def access(self) -> Access:
        """A fresh account, connected."""
        answers = await self.account()
        return opened(answers.fields, await self.network.connect(answers.fields, answers.secrets, self.http), self.http)

    def lose_answer(self, kind: str = "lose") -> None:
        """The server will do the next thing it is asked to create, and we will not hear of it."""
        self.proxy.plan(kind, method="POST", path=self.creating)

    @abstractmethod
    def start(self, request: pytest.FixtureRequest) -> str:
        """The server's own address."""

    @abstractmethod
    async def account(self) -> Answers:
        """A new account over there, and what a person would type into the connect form to connect it."""

    @abstractmethod
    def wrong(self, answers: Answers) -> Answers:
        """The same form with a secret that the network must refuse."""

    @abstractmethod
    async def end(self, access: Access) -> Access:
        """Somebody takes our own access away over there, for good. Answers what a worker then holds, its token run
        out.
        """

    @abstractmethod
    async def standing(self, access: Access) -> list[str]:
        """The texts that stand on the account, newest first, read past the connector."""

    async def above(self, access: Access, published: Published) -> str:
        """The remote id of what this post stands under, read past the connector."""
        raise AssertionError(f"{self.slug} has threads and does not say what a post stands under")

    @abstractmethod
    async def pictures(self, access: Access) -> list[list[str]]:
        """The alt texts of what each post shows, the newest post first, read as somebody else, and seen to load."""

    async def card(self, access: Access) -> tuple[str, str, str]:
        """(address, title, description) of the card of the newest post as somebody else sees it, its picture seen to
        load.
        """
        raise AssertionError(f"{self.slug} takes a card and does not show it")

    async def customer_writes(self, access: Access, text: str, about: Published | None) -> None:
        """Somebody else answers our post, or mentions us."""
        raise AssertionError(f"{self.slug} needs a customer")

    async def customer_reads(self, access: Access, about: Published) -> list[str]:
        """The texts of our answers, as the customer sees them."""
        raise AssertionError(f"{self.slug} needs a customer")

    async def somebody_likes(self, access: Access, post: Published) -> None:
        raise AssertionError(f"{self.slug} counts likes and cannot be given one")

    async def erase(self, access: Access, post: Published) -> None:
        """Somebody takes the post away over there."""
        raise AssertionError(f"{self.slug} counts and cannot lose a post")

    async def open_door(self, access: Access, name: str) -> Callable[[], Awaitable[bool]]:
        """A door for somebody called `name`. Answers a way to try it: does it let them in?"""
        raise AssertionError(f"{self.slug} needs doors")


def opened(fields: dict[str, str], connected: Connected, http: Http) -> Access:
    """The access that a worker would hold after connecting."""
    return Access(
        remote_id=connected.remote_id,
        handle=connected.handle,
        fields=fields,
        secrets=connected.secrets,
        facts=connected.facts,
        scopes=connected.scopes,
        http=http,
    )


def with_secrets(access: Access, **secrets: Any) -> Access:
    return replace(access, secrets={**access.secrets, **secrets})


def peer_of(slug: str) -> type[Peer]:
    return import_module(f"tests.networks.test_{slug}").Peer


async def ask(method: str, url: str, *, token: str = "", json: Any = None) -> tuple[int, Any]:
    """One request past the connector: the status and the parsed body."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.request(method, url, json=json, headers=headers) as answer:
        body = await answer.read()
        return answer.status, loads(body) if body else None


async def eventually(true: Callable[[], Awaitable[T]], seconds: float = WAIT_SECONDS) -> T:
    """Ask until the answer is true; a real network takes a second to tell its own parts."""
    deadline = time.monotonic() + seconds
    while not (found := await true()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain"
        await asyncio.sleep(0.1)
    return found
