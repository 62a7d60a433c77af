"""What a network can do. A capability is a base class: a network that claims one without implementing it cannot be
made.

Every method that talks to a network is async and raises only the errors of connector.errors. None of them retries by
itself.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from channels_registry.connector.http import Http
from channels_registry.connector.types import (
    Access,
    Connected,
    Continue,
    Draft,
    Field,
    Figures,
    Following,
    InboundMessage,
    Limits,
    LinkCards,
    MediaLimits,
    Page,
    Placement,
    PostPage,
    Probe,
    Published,
    Rehearsed,
    RemoteDoor,
    Revoked,
    Unsure,
)


class Network(ABC):
    """A network we have. Its slug is stored as text; nothing outside its file branches on it."""

    slug: ClassVar[str]
    label: ClassVar[str]
    fields: ClassVar[Sequence[Field]]
    limits: ClassVar[Limits]
    media: ClassVar[MediaLimits] = MediaLimits()  # nothing: texts only
    cards: ClassVar[LinkCards | None] = None  # it draws none
    placements: ClassVar[Sequence[Placement]] = (Placement("feed", "Post"),)
    idempotency: ClassVar[str]  # a letter of SAME_POST_TWICE, at its best
    settle_seconds: ClassVar[float] = 60.0  # how long after a lost answer a look can be believed
    same_again: ClassVar[str] = ""  # where it refuses a text that it has had before: what it says then
    asks: ClassVar[Mapping[str, str]] = {}  # scopes that a token should have, each with what it is for
    steps: ClassVar[Sequence[str]] = ()  # how a person gets the keys over there, in plain words
    purpose: ClassVar[str] = ""  # one plain sentence for an approver who has never used it

    @abstractmethod
    async def connect(self, fields: Mapping[str, str], secrets: Mapping[str, str], http: Http) -> Connected:
        """Prove the answers of the connect form and say who we are over there. Raises Refused with what to mend."""

    @abstractmethod
    async def refresh(self, access: Access) -> Connected:
        """Renew what runs out. Raises Refused when only a person can mend it, TryLater when the network is away."""

    def handle_at(self, url: str) -> str:
        """The handle of the account whose page this is, "" for none. By default the last part of the path."""
        path = urlsplit(url).path.strip("/")
        return path.rpartition("/")[2]

    @abstractmethod
    async def rehearse(self, access: Access) -> Rehearsed:
        """Read something harmless with the token as it is, renewing nothing. Raises Disconnected when it is dead."""

    def covers(self, given: frozenset[str], asked: str) -> bool:
        """Whether the scopes given include this one; a wider one may cover it."""
        return asked in given

    def renews_itself(self, facts: Mapping[str, Any]) -> bool:
        """Whether `refresh` needs nobody while the credential behind it is good."""
        return True

    def limits_for(self, facts: Mapping[str, Any]) -> Limits:
        """The limits on this server, where servers differ."""
        return self.limits

    def media_for(self, facts: Mapping[str, Any]) -> MediaLimits:
        """What a post may show on this server, where servers differ."""
        return self.media

    def lacks(self, facts: Mapping[str, Any], scopes: frozenset[str]) -> dict[type, str]:
        """Capabilities that this connection does not have although the network's class does, each with the reason."""
        return {}

    def people_page_url(self, fields: Mapping[str, str], handle: str) -> str:
        """The network's own page where a person manages who has access, for guided tasks."""
        return ""


class Publishes(ABC):
    @abstractmethod
    def marker(self, key: str) -> str:
        """From our delivery's key (a UUID in text) the marker this network accepts: an rkey, an idempotency key.
        Pure.
        """

    @abstractmethod
    async def advance(
        self, access: Access, draft: Draft, marker: str, handle: Mapping[str, Any]
    ) -> Continue | Published:
        """One step towards publishing. `handle` is {} at first, then what the last Continue gave."""

    @abstractmethod
    async def find_published(
        self, access: Access, draft: Draft, marker: str, handle: Mapping[str, Any]
    ) -> Published | Unsure | None:
        """Look, without changing anything. None: proven absent."""

    def resend_is_safe(self, access: Access) -> bool:
        """Whether sending the same marker again can never make a second post here (a key without a window)."""
        return False


class Edits(ABC):
    """Put another text over what is out. The same text put twice is one edit, so it is safe to repeat."""

    @abstractmethod
    async def edit(self, access: Access, remote_id: str, draft: Draft) -> Published:
        """Raises Refused where the post is gone."""

    @abstractmethod
    async def find_edited(self, access: Access, remote_id: str, draft: Draft) -> Published | Unsure | None:
        """Look, without changing anything. None: the text of `draft` does not stand there."""


class Deletes(ABC):
    """Take down what is out. What is gone already is taken down."""

    @abstractmethod
    async def delete(self, access: Access, remote_id: str) -> Published: ...

    @abstractmethod
    async def find_deleted(self, access: Access, remote_id: str) -> Published | Unsure | None:
        """Look, without changing anything. None: it still stands there."""


class Converses(ABC):
    kinds: ClassVar[Sequence[str]]  # what fetch takes: "mentions", "comments", "direct"

    @abstractmethod
    async def fetch(self, access: Access, kind: str, cursor: str) -> Page: ...

    @abstractmethod
    def reply_marker(self, key: str) -> str: ...

    @abstractmethod
    async def reply(self, access: Access, to: Mapping[str, Any], text: str, marker: str) -> Published: ...

    @abstractmethod
    async def find_reply(
        self, access: Access, to: Mapping[str, Any], text: str, marker: str
    ) -> Published | Unsure | None: ...


class ReceivesWebhooks(ABC):
    @abstractmethod
    def verify(self, headers: Mapping[str, str], body: bytes, secret: str) -> bool:
        """Over the raw bytes; header names in lower case."""

    @abstractmethod
    def parse(self, body: bytes) -> list[InboundMessage]: ...


class ListsDoors(ABC):
    @abstractmethod
    async def list_doors(self, access: Access) -> list[RemoteDoor]:
        """Every door, or raises: never half a list."""


class RevokesDoors(ABC):
    @abstractmethod
    async def revoke_door(self, access: Access, door: RemoteDoor) -> Revoked: ...

    @abstractmethod
    async def probe(self, access: Access, door: RemoteDoor) -> Probe: ...


class GivesBack(ABC):
    @abstractmethod
    async def give_back(self, access: Access) -> Probe:
        """End our own access, and try it. Raises Refused where this connection may not.

        `shut` True: our way in is closed. None: what we hold is ended, `residual` says what still stands. False: it
        still works.
        """


class Measures(ABC):
    most_posts: ClassVar[int] = 20  # how many posts one call may ask about

    @abstractmethod
    async def post_metrics(self, access: Access, remote_ids: Sequence[str]) -> dict[str, Figures | None]:
        """What is counted on these posts of ours. None: it is gone from the network; missing: nothing can be said."""

    @abstractmethod
    async def channel_metrics(self, access: Access) -> Following: ...


class ListsPosts(ABC):
    @abstractmethod
    async def list_posts(self, access: Access, since: datetime, cursor: str) -> PostPage:
        """The posts of the channel's own that anybody sees, back to `since`; not its answers, nor what it shared.

        Raises where the list cannot be had: never half a list.
        """


CAPABILITIES: dict[type, str] = {
    Publishes: "Publish",
    Edits: "Edit what is out",
    Deletes: "Take down what is out",
    Converses: "Read and answer",
    ReceivesWebhooks: "Webhooks",
    ListsDoors: "List who has access",
    RevokesDoors: "Revoke access",
    Measures: "Figures",
    ListsPosts: "Posts made there",
}
WITHOUT: dict[type, str] = {
    ReceivesWebhooks: "Asked in turns",
    Edits: "No",
}  # what stands in for it; else a person, by hand
SAME_POST_TWICE = {"K": "Never: a key", "C": "Never: two steps", "L": "Looked for first", "N": "A person decides"}


def claims(network: Network) -> dict[type, str]:
    """What its class says that it can do: "Yes", or what stands in for it."""
    return {it: "Yes" if isinstance(network, it) else WITHOUT.get(it, "By hand") for it in CAPABILITIES}
