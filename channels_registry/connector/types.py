"""The values that cross the border between Socialops and a network. All are frozen; all times are aware UTC
datetimes.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from channels_registry.connector.errors import Refused
from channels_registry.connector.http import Http


@dataclass(frozen=True)
class Field:
    """One field of a network's connect form. A `secret` is sealed by the web process and opened only by workers."""

    name: str
    label: str
    secret: bool = False
    required: bool = True
    help: str = ""
    initial: str = ""


@dataclass(frozen=True)
class Limits:
    """What a post may be. `counts_by` is one of "graphemes", "characters", "utf16", "weighted", "bytes".

    `link_counts`: every link counts as this many, however long it is. `local_mentions`: of @name@server only @name
    counts. `thread`: how many posts may follow the first as
    its thread; `first_comment`: whether it may carry a comment of ours. Each of them is as long as the post may be.
    """

    text: int
    counts_by: str = "graphemes"
    text_bytes: int | None = None
    source: str = ""
    link_counts: int | None = None
    local_mentions: bool = False
    thread: int = 0
    first_comment: bool = False


@dataclass(frozen=True)
class MediaLimits:
    """What a post may show. `bytes`: the media types that are taken, each with the most bytes of one file.

    0 means: not said. `pixels` of one picture; `alt` characters of its alt text; `alone`: a post shows one file of such
    a type, and nothing beside it.
    """

    count: int = 0
    bytes: Mapping[str, int] = field(default_factory=dict)
    pixels: int = 0
    alt: int = 0
    alone: frozenset[str] = frozenset()
    source: str = ""


@dataclass(frozen=True)
class LinkCards:
    """What becomes of a link in a post that shows no files. `sent`: we send the card, with a picture of at most
    `picture_bytes`; else the network reads the page itself.
    """

    sent: bool = False
    picture_bytes: int = 0
    source: str = ""


@dataclass(frozen=True)
class Placement:
    """Where on the network a variant stands: feed, story, reel."""

    slug: str
    label: str


@dataclass(frozen=True)
class Access:
    """An opened connection, as a connector sees it: who we are over there, and the means to prove it.

    `fields` are the public answers of the connect form (instance_url, handle), `secrets` the opened secret ones plus
    whatever `connect` or `refresh` returned (access tokens), `facts` what the server said of itself when connected.
    """

    remote_id: str
    handle: str
    fields: Mapping[str, str]
    secrets: Mapping[str, str]
    facts: Mapping[str, Any]
    scopes: frozenset[str]
    http: Http


@dataclass(frozen=True)
class Connected:
    """What `connect` and `refresh` return. `secrets` replaces the sealed secrets whole, so it carries every one still
    needed.
    """

    remote_id: str
    handle: str
    name: str
    url: str
    secrets: Mapping[str, str]
    scopes: frozenset[str] = frozenset()
    expires_at: datetime | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    audience_size: int | None = None


@dataclass(frozen=True)
class Rehearsed:
    """As whom the network knows a token that it has just let in."""

    remote_id: str
    handle: str


@dataclass(frozen=True)
class Media:
    """One file to be shown, in its order. `load` reads it, blocking, and raises what the delivery is to end with.

    `sha256` (hex) is that of the file that was approved.
    """

    load: Callable[[], bytes] = field(compare=False, repr=False)
    mime: str
    alt: str
    width: int
    height: int
    sha256: str

    async def read(self) -> bytes:
        """The file. Raises Refused if it is not the one that was approved."""
        content = await asyncio.to_thread(self.load)
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise Refused("The file is not what was approved.", detail=f"{found} is not {self.sha256}")
        return content


@dataclass(frozen=True)
class Card:
    """What is drawn of a link in the text: final, plain text."""

    url: str
    title: str
    description: str
    picture: Media | None = None


@dataclass(frozen=True)
class Draft:
    """What is to be published, final: `at` is the time the post is due (it goes into records that carry their own
    time).

    `reply_to`: for what follows a post of ours, {"root": ..., "parent": ...}, each with "id", "url" and what the
    network said when it was published (Published.evidence); empty for a post of its own.
    """

    text: str
    placement: str = "feed"
    language: str = ""
    at: datetime | None = None
    reply_to: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    media: tuple[Media, ...] = ()
    card: Card | None = None  # only where the network's LinkCards are `sent`, and no media


@dataclass(frozen=True)
class Continue:
    """One step is done; `handle` is committed before the next, which may come `after` seconds later."""

    handle: Mapping[str, Any]
    after: float = 0.0


@dataclass(frozen=True)
class Published:
    """It stands on the network. `evidence` is what the network said, small enough for a row."""

    remote_id: str
    url: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PostSeen:
    """A post that stands on the channel, whoever made it, and however."""

    remote_id: str
    url: str
    text: str
    at: datetime


@dataclass(frozen=True)
class PostPage:
    """Newest first. `cursor` "": nothing older than this was asked for."""

    posts: tuple[PostSeen, ...]
    cursor: str = ""


@dataclass(frozen=True)
class Figures:
    """What a network counts on one post. None: it does not tell, which is not the same as nobody did."""

    likes: int | None = None
    reposts: int | None = None
    replies: int | None = None
    quotes: int | None = None
    views: int | None = None


@dataclass(frozen=True)
class Following:
    """What a network says of a channel now. None: it does not tell."""

    followers: int | None = None
    posts: int | None = None


@dataclass(frozen=True)
class Unsure:
    """A look that proves neither presence nor absence (the list is cut, several match, the network is down)."""

    reason: str


@dataclass(frozen=True)
class InboundMessage:
    """Something said to us. `thread_id` groups messages into conversations; `version` orders edits (larger is
    newer).
    """

    remote_id: str
    thread_id: str
    kind: str  # "comment", "mention", "direct", "review"
    author_id: str
    author_handle: str
    author_name: str
    text: str
    at: datetime
    in_reply_to: str = ""  # remote id of what it answers, ours or theirs
    url: str = ""
    version: int = 0
    deleted: bool = False
    reply_to: Mapping[str, Any] = field(default_factory=dict)  # what `reply` needs to answer this one
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """One page of a poll, oldest cursor semantics are the network's own. `cursor` None: nothing newer at this time."""

    messages: tuple[InboundMessage, ...]
    cursor: str
    more: bool = False


@dataclass(frozen=True)
class RemoteDoor:
    """One way into the channel, as the network tells it: a person's role, an app password, an authorised app, an
    invitation.

    `kind` is one of "role", "app_password", "app", "invitation", "session". `entitlement` is the level in the
    network's own word. `holder_handle` and `label` are what matching to a person goes by. `ours` marks the door that
    Socialops itself uses.
    """

    remote_id: str
    kind: str
    entitlement: str
    label: str = ""
    holder_id: str = ""
    holder_handle: str = ""
    holder_name: str = ""
    created_at: datetime | None = None
    ours: bool = False
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Revoked:
    """The network accepted the revocation (or the door was already gone). Not yet proof: `list_doors` and `probe`
    are.
    """

    already_gone: bool = False
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Probe:
    """`shut` True: an attempt to enter was refused. False: it was let in. None: the network offers no way to try.

    `residual` says in plain words what may live on (an access token that is already out), and `until` when that ends.
    """

    shut: bool | None
    detail: str = ""
    residual: str = ""
    until: datetime | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
