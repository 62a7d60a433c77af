"""The sandbox network (socialops/sandbox): everything a network can do, on a server of our own. Not a real network."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

from channels_registry.connector.answers import Response, count_in
from channels_registry.connector.capabilities import (
    Converses,
    Deletes,
    Edits,
    GivesBack,
    ListsDoors,
    ListsPosts,
    Measures,
    Network,
    Publishes,
    ReceivesWebhooks,
    RevokesDoors,
)
from channels_registry.connector.errors import Disconnected, Refused, TryLater
from channels_registry.connector.http import Http, bearer
from channels_registry.connector.looking import EARLY, long_before, look, matches, moment, one_of, passed
from channels_registry.connector.text import check, same
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
    Media,
    MediaLimits,
    Page,
    Placement,
    PostPage,
    PostSeen,
    Probe,
    Published,
    Rehearsed,
    RemoteDoor,
    Revoked,
    Unsure,
)

WEBHOOK_SECONDS = 300.0
LONGEST_TIME = 12  # digits of seconds; Python refuses to read thousands of them
PER_PAGE = "200"
PAGES_LOOKED_AT = 100
GONE = 404
KIND_OF = {"comments": "comment", "mentions": "mention"}
FILES = dict.fromkeys(("image/jpeg", "image/png", "image/webp", "image/gif", "video/mp4", "video/webm"), 8_000_000)
MAY_WRITE = frozenset({"owner", "admin", "editor", "publish", "manage"})
MAY_MANAGE = frozenset({"owner", "admin", "manage"})
SOURCE = "what its server says of itself (GET /api/v1/server)"


class Sandbox(
    Network,
    Publishes,
    Edits,
    Deletes,
    Converses,
    ReceivesWebhooks,
    ListsDoors,
    RevokesDoors,
    GivesBack,
    Measures,
    ListsPosts,
):
    slug = "sandbox"
    label = "Sandbox"
    purpose = "A practice network that runs on this machine. Nothing posted there is public."
    asks: ClassVar[Mapping[str, str]] = {
        "publish": "Publishing, editing, taking down and answering",
        "manage": "Seeing and revoking who has access",
    }
    steps = (
        "Open the sandbox’s own page and choose the account.",
        "Make a token that may publish and manage. The sandbox shows it once.",
    )
    fields = (
        Field("base_url", "Address of the sandbox", initial="http://127.0.0.1:8790"),
        Field("token", "Access token", secret=True, help="The sandbox shows it when an account is made."),
    )
    limits = Limits(500, "characters", source=SOURCE, thread=24, first_comment=True)
    media = MediaLimits(4, FILES, alt=1500, alone=frozenset({"video/mp4", "video/webm"}), source=SOURCE)
    cards = LinkCards(sent=True, picture_bytes=8_000_000, source=SOURCE)
    placements = (Placement("feed", "Post"), Placement("story", "Story"))
    idempotency = "K"
    kinds = ("comments", "mentions")

    async def connect(self, fields: Mapping[str, str], secrets: Mapping[str, str], http: Http) -> Connected:
        url = fields.get("base_url", "").strip().rstrip("/")
        token = secrets.get("token", "").strip()
        facts = (await http.request("GET", f"{url}/api/v1/server")).read(_facts)
        try:
            me = await http.request("GET", f"{url}/api/v1/me", headers=bearer(token))
        except Disconnected as error:
            raise Refused("The sandbox does not accept this token. Copy it again.", detail=error.detail) from error
        return me.read(lambda value: _connected(value, {"token": token}, facts))

    async def refresh(self, access: Access) -> Connected:
        facts = (await access.http.request("GET", _url(access, "server"))).read(_facts)
        try:
            me = await _call(access, "POST", "token/renewal")
        except (Disconnected, Refused) as error:
            again = "The sandbox took this access away. Connect the channel again with a new token."
            raise Refused(again, detail=error.detail, status=error.status) from error
        return me.read(lambda value: _connected(value, access.secrets, facts))

    async def rehearse(self, access: Access) -> Rehearsed:
        return (await _call(access, "GET", "me")).read(lambda me: Rehearsed(me["id"], me["handle"]))

    def covers(self, given: frozenset[str], asked: str) -> bool:
        return bool(given & MAY_MANAGE) or (asked == "publish" and bool(given & MAY_WRITE))

    def limits_for(self, facts: Mapping[str, Any]) -> Limits:
        text = int(facts.get("text", self.limits.text))
        return self.limits if text == self.limits.text else replace(self.limits, text=text)

    def lacks(self, facts: Mapping[str, Any], scopes: frozenset[str]) -> dict[type, str]:
        lacking: dict[type, str] = {}
        if not scopes & MAY_WRITE:
            lacking |= dict.fromkeys((Publishes, Edits, Deletes), "This token may only read.")
        if not scopes & MAY_MANAGE:
            told = "This token may not see who has access."
            lacking |= {ListsDoors: told, RevokesDoors: told}
        if not facts.get("lookup"):
            lacking[ListsPosts] = "This server does not list posts."
        return lacking

    def people_page_url(self, fields: Mapping[str, str], handle: str) -> str:
        return f"{fields.get('base_url', '').rstrip('/')}/@{quote(handle)}"

    def marker(self, key: str) -> str:
        return key

    def resend_is_safe(self, access: Access) -> bool:
        return bool(access.facts.get("key"))

    async def advance(
        self, access: Access, draft: Draft, marker: str, handle: Mapping[str, Any]
    ) -> Continue | Published:
        check(draft.text, self.limits_for(access.facts))
        there = list(handle.get("media", ()))  # ids of what is over there already
        shown = [draft.card.picture] if draft.card and draft.card.picture else draft.media
        if len(there) < len(shown):
            return Continue({"media": [*there, await _uploaded(access, shown[len(there)])]})
        body: dict[str, Any] = {"text": draft.text, "placement": draft.placement, "language": draft.language}
        if draft.reply_to:
            body["in_reply_to"] = str(draft.reply_to["parent"]["id"])
        if draft.card:
            words = {"url": draft.card.url, "title": draft.card.title, "description": draft.card.description}
            body["card"] = {**words, "picture": there[0] if there else ""}
        elif there:
            body["media"] = there
        key = {"Idempotency-Key": marker}
        return (await _call(access, "POST", "posts", json=body, headers=key, creates=True)).read(_published)

    @look
    async def find_published(
        self, access: Access, draft: Draft, marker: str, handle: Mapping[str, Any]
    ) -> Published | Unsure | None:
        if not access.facts.get("lookup"):
            return Unsure("This server does not list posts.")
        is_ours, may_be = (
            _matcher(access, draft.text, at, marker, len(draft.media)) for at in (draft.at, long_before(draft.at))
        )
        params: dict[str, str] = {"key": marker} if access.facts.get("key") else {"limit": PER_PAGE}
        found: list[Published] = []
        early: list[Published] = []
        dates: list[datetime] = []
        for _ in range(PAGES_LOOKED_AT):
            answer = await _call(access, "GET", "posts", params=params)
            found += answer.read(lambda page: [_published(item) for item in page["items"] if is_ours(item)])
            early += answer.read(lambda page: [_published(item) for item in page["items"] if may_be(item)])
            dates += answer.read(lambda page: [moment(item["created_at"]) for item in page["items"]])
            before = answer.read(lambda page: str(page["before"] or ""))
            if not before or passed(dates, draft.at):
                return one_of(found, early)
            params["before"] = before
        return Unsure("The list of posts is too long to prove anything.")

    async def edit(self, access: Access, remote_id: str, draft: Draft) -> Published:
        check(draft.text, self.limits_for(access.facts))
        body = {"text": draft.text}
        return (await _call(access, "PATCH", f"posts/{quote(remote_id)}", json=body, creates=True)).read(_published)

    @look
    async def find_edited(self, access: Access, remote_id: str, draft: Draft) -> Published | Unsure | None:
        if not access.facts.get("lookup"):
            return Unsure("This server does not show posts.")
        answer = await _call(access, "GET", f"posts/{quote(remote_id)}")
        return answer.read(lambda item: _published(item) if same(item["text"], draft.text) else None)

    async def delete(self, access: Access, remote_id: str) -> Published:
        try:
            await _call(access, "DELETE", f"posts/{quote(remote_id)}", creates=True)
        except Refused as error:
            if error.status != GONE:
                raise
        return Published(remote_id, "")

    @look
    async def find_deleted(self, access: Access, remote_id: str) -> Published | Unsure | None:
        if not access.facts.get("lookup"):
            return Unsure("This server does not show posts.")
        try:
            await _call(access, "GET", f"posts/{quote(remote_id)}")
        except Refused as error:
            if error.status == GONE:
                return Published(remote_id, "")
            raise
        return None

    async def fetch(self, access: Access, kind: str, cursor: str) -> Page:
        params = {"kind": KIND_OF[kind], "since": cursor if cursor.isdecimal() else "0"}
        return (await _call(access, "GET", "comments", params=params)).read(_page)

    def reply_marker(self, key: str) -> str:
        return key

    async def reply(self, access: Access, to: Mapping[str, Any], text: str, marker: str) -> Published:
        check(text, self.limits_for(access.facts))
        path, key = f"comments/{quote(str(to['comment']))}/replies", {"Idempotency-Key": marker}
        return (await _call(access, "POST", path, json={"text": text}, headers=key, creates=True)).read(_published)

    @look
    async def find_reply(
        self, access: Access, to: Mapping[str, Any], text: str, marker: str
    ) -> Published | Unsure | None:
        if not access.facts.get("lookup"):
            return Unsure("This server does not list answers.")
        answer = await _call(access, "GET", f"comments/{quote(str(to['comment']))}/replies")
        is_ours = _matcher(access, text, None, marker)
        return one_of(answer.read(lambda page: [_published(item) for item in page["items"] if is_ours(item)]))

    def verify(self, headers: Mapping[str, str], body: bytes, secret: str) -> bool:
        timestamp, given = headers.get("x-sandbox-timestamp", ""), headers.get("x-sandbox-signature", "")
        if not secret or not timestamp.isdecimal() or len(timestamp) > LONGEST_TIME:
            return False
        if abs(time.time() - int(timestamp)) > WEBHOOK_SECONDS:
            return False
        expected = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(f"sha256={expected}".encode(), given.encode())

    def parse(self, body: bytes) -> list[InboundMessage]:
        try:
            return [_message(json.loads(body)["comment"])]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise Refused("This webhook cannot be read.", detail=repr(error)) from error

    async def post_metrics(self, access: Access, remote_ids: Sequence[str]) -> dict[str, Figures | None]:
        answer = await _call(access, "GET", "figures", params={"posts": ",".join(remote_ids)})
        return answer.read(lambda said: {pk: _figures(each) for pk, each in said["posts"].items()})

    async def channel_metrics(self, access: Access) -> Following:
        answer = await _call(access, "GET", "figures")
        return answer.read(lambda said: Following(count_in(said, "followers"), count_in(said, "count")))

    async def list_posts(self, access: Access, since: datetime, cursor: str) -> PostPage:
        answer = await _call(
            access, "GET", "posts", params={"limit": PER_PAGE} | ({"before": cursor} if cursor else {})
        )
        return answer.read(lambda page: _posts(page, since))

    async def list_doors(self, access: Access) -> list[RemoteDoor]:
        return (await _call(access, "GET", "doors")).read(_doors)

    async def revoke_door(self, access: Access, door: RemoteDoor) -> Revoked:
        answer = await _call(access, "DELETE", f"doors/{quote(door.remote_id)}")
        return answer.read(lambda said: Revoked(bool(said.get("already_gone")), said))

    async def probe(self, access: Access, door: RemoteDoor) -> Probe:
        return (await _call(access, "POST", f"doors/{quote(door.remote_id)}/attempts")).read(_probe)

    async def give_back(self, access: Access) -> Probe:
        try:
            ours = (await _call(access, "GET", "me")).read(lambda me: str(me["door"]))
            await _call(access, "DELETE", f"doors/{quote(ours)}")
            expires = (await _call(access, "GET", "me")).read(lambda me: me["expires_at"])
        except Disconnected as error:
            return Probe(True, "The token was tried and refused.", evidence={"answer": error.detail})
        until = moment(expires) if expires else None
        return Probe(None if until else False, "The door is shut.", "The token itself still works.", until)


def _url(access: Access, path: str) -> str:
    return f"{access.fields['base_url'].rstrip('/')}/api/v1/{path}"


async def _call(access: Access, method: str, path: str, **rest: Any) -> Response:
    headers = {**bearer(access.secrets["token"]), **rest.pop("headers", {})}
    return await access.http.request(method, _url(access, path), headers=headers, **rest)


async def _uploaded(access: Access, media: Media) -> str:
    """Its id over there. Nothing that anybody sees is made by it, so after doubt it is simply done again."""
    headers = {"Content-Type": media.mime}
    answer = await _call(access, "POST", "media", data=await media.read(), params={"alt": media.alt}, headers=headers)
    return answer.read(lambda made: str(made["id"]))


def _facts(server: Mapping[str, Any]) -> dict[str, Any]:
    if server.get("software") != "sandbox":
        raise Refused("There is no sandbox at this address.", detail="software is not sandbox")
    return {"key": server["key"], "lookup": server["lookup"], "text": server["limits"]["text"]}


def _connected(me: Mapping[str, Any], secrets: Mapping[str, str], facts: Mapping[str, Any]) -> Connected:
    expires = me["expires_at"]
    return Connected(
        remote_id=me["id"],
        handle=me["handle"],
        name=me["name"],
        url=me["url"],
        secrets=dict(secrets),
        scopes=frozenset({me["scope"]}),
        expires_at=moment(expires) if expires else None,
        facts=facts,
        audience_size=me["followers"],
    )


def _matcher(
    access: Access, text: str, since: datetime | None, marker: str, shown: int = 0
) -> Callable[[Mapping[str, Any]], bool]:
    """How we know ours again in a list: by key where the server keeps keys, else by words, time, and what is shown."""
    if access.facts.get("key"):
        return lambda item: item["key"] == marker

    def ours(item: Mapping[str, Any]) -> bool:
        alike = matches(text, since, item["text"], moment(item["created_at"]))
        return alike and len(item.get("media", ())) == shown

    return ours


def _reaches(page: Mapping[str, Any], since: datetime | None) -> bool:
    """Whether nothing further down the list can be ours."""
    oldest = page["items"][-1]["created_at"] if page["items"] else 0
    return not page["before"] or (since is not None and moment(oldest) < since - EARLY)


def _posts(page: Mapping[str, Any], since: datetime) -> PostPage:
    own = [each for each in page["items"] if not each.get("in_reply_to")]
    seen = (PostSeen(each["id"], each["url"], each["text"], moment(each["created_at"])) for each in own)
    return PostPage(tuple(seen), "" if _reaches(page, since) else str(page["before"]))


def _published(item: Mapping[str, Any]) -> Published:
    if not item["id"] or not item["url"]:
        raise ValueError("no id")
    return Published(item["id"], item["url"], {"created_at": item["created_at"], "key": item.get("key", "")})


def _figures(said: Mapping[str, Any] | None) -> Figures | None:
    names = ("likes", "reposts", "replies", "quotes", "views")
    return None if said is None else Figures(**{name: count_in(said, name) for name in names})


def _page(page: Mapping[str, Any]) -> Page:
    messages = {(item["id"], item["version"]): _message(item) for item in page["items"]}
    return Page(tuple(messages.values()), str(page["cursor"]), bool(page["more"]))


def _message(item: Mapping[str, Any]) -> InboundMessage:
    author = item["author"]
    return InboundMessage(
        remote_id=item["id"],
        thread_id=f"{item['post'] or item['id']}:{author['id']}",
        kind=item["kind"],
        author_id=author["id"],
        author_handle=author["handle"],
        author_name=author["name"],
        text=item["text"],
        at=moment(item["created_at"]),
        in_reply_to=item["parent"] or item["post"],
        url=item["url"],
        version=item["version"],
        deleted=item["deleted"],
        reply_to={"comment": item["id"]},
    )


def _doors(page: Mapping[str, Any]) -> list[RemoteDoor]:
    if page["total"] != len(page["items"]):
        raise TryLater("The list of who has access is not complete.", detail=f"{len(page['items'])} of {page['total']}")
    return [_door(item) for item in page["items"]]


def _probe(said: Mapping[str, Any]) -> Probe:
    alive, until = int(said["tokens_alive"]), said["until"]
    detail = "A new login was let in." if said["let_in"] else "A new login was refused."
    residual = f"Sessions that are already open: {alive}. They live on." if alive else ""
    shut = not said["let_in"] and (not alive or bool(until))
    return Probe(shut, detail, residual, moment(until) if alive and until else None, said)


def _door(item: Mapping[str, Any]) -> RemoteDoor:
    return RemoteDoor(
        remote_id=item["id"],
        kind=item["kind"],
        entitlement=item["entitlement"],
        label=item["label"],
        holder_id=item["holder_id"],
        holder_handle=item["holder_handle"],
        holder_name=item["holder_name"],
        created_at=moment(item["created_at"]),
        ours=item["ours"],
    )
