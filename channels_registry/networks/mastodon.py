"""Mastodon, and servers that speak its API, by access token.

What a server promises is read from the server: its limits, and whether it is Mastodon itself, for others are known to
ignore the idempotency key. Mastodon keeps a key for an hour at most, so after a lost answer we look before we send
again. Rules: docs.joinmastodon.org (statuses, notifications, instance, oauth).
"""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from channels_registry.connector.answers import Response, count_in, message_in
from channels_registry.connector.capabilities import (
    Converses,
    Deletes,
    Edits,
    GivesBack,
    ListsPosts,
    Measures,
    Network,
    Publishes,
    RevokesDoors,
)
from channels_registry.connector.errors import Disconnected, NetworkError, Refused
from channels_registry.connector.http import Http, bearer
from channels_registry.connector.looking import long_before, look, matches, moment, one_of, passed
from channels_registry.connector.nodeinfo import software_of
from channels_registry.connector.richtext import plain
from channels_registry.connector.text import REMOTE_MENTION, check
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
    PostPage,
    PostSeen,
    Probe,
    Published,
    Rehearsed,
    RemoteDoor,
    Revoked,
    Unsure,
)

PER_PAGE = 40
PAGES_LOOKED_AT = 10
GONE = 404
PROCESSING_SECONDS = 1.0
PICTURE, VIDEO = 16_777_216, 103_809_024  # bytes, and pixels of a picture, unless the server says otherwise
PIXELS = 33_177_600
ALONE = frozenset({"image/gif", "video/mp4", "video/webm"})
FILES = dict.fromkeys(("image/jpeg", "image/png", "image/webp", "image/gif"), PICTURE)
FILES |= dict.fromkeys(("video/mp4", "video/webm"), VIDEO)
MEDIA_FACTS = (
    "supported_mime_types",
    "image_size_limit",
    "image_matrix_limit",
    "video_size_limit",
    "description_limit",
)
MAY_WRITE = frozenset({"write", "write:statuses"})
MAY_READ = frozenset({"read", "read:notifications"})
SOURCE = "what its server says of itself (GET /api/v2/instance)"


class Mastodon(Network, Publishes, Edits, Deletes, Converses, RevokesDoors, GivesBack, Measures, ListsPosts):
    slug = "mastodon"
    label = "Mastodon"
    purpose = "Public posts on one of many linked servers, usually up to 500 characters."
    asks: ClassVar[Mapping[str, str]] = {
        "read": "Reading mentions, figures and the list of posts",
        "write": "Publishing, editing, taking down and answering",
    }
    steps = (
        "Sign in on the server as the account, and open Preferences, Development.",
        "Make an application for Socialops with the scopes read and write, or open the one that is there.",
        "Copy its access token, its client key and its client secret.",
    )
    fields = (
        Field("instance_url", "Server", help="For example https://mastodon.social."),
        Field("access_token", "Access token", secret=True, help="Preferences, Development, your application."),
        Field("client_key", "Client key", required=False, help="From the same page. Needed to revoke our own access."),
        Field("client_secret", "Client secret", secret=True, required=False, help="From the same page."),
    )
    limits = Limits(
        500,
        "graphemes",
        source=SOURCE,
        link_counts=23,
        local_mentions=True,
        thread=24,
        first_comment=True,
    )
    media = MediaLimits(4, FILES, PIXELS, 1500, ALONE, source=SOURCE)
    cards = LinkCards(source="docs.joinmastodon.org, PreviewCard")
    idempotency = "K"
    kinds = ("mentions",)

    async def connect(self, fields: Mapping[str, str], secrets: Mapping[str, str], http: Http) -> Connected:
        url = fields.get("instance_url", "").strip().rstrip("/")
        kept = {name: value.strip() for name, value in secrets.items()}
        facts = await _facts(http, url) | {"may_revoke": bool(fields.get("client_key") and kept.get("client_secret"))}
        token = kept.get("access_token", "")
        try:
            me = await http.request(
                "GET", f"{url}/api/v1/accounts/verify_credentials", headers=bearer(token), judge=_judge
            )
        except Disconnected as error:
            again = "The server does not accept this access token. Copy it again from its page."
            raise Refused(again, detail=error.detail, status=error.status) from error
        scopes = await _scopes(http, url, token)
        return me.read(lambda value: _connected(value, kept, facts, scopes))

    def handle_at(self, url: str) -> str:
        name, host = super().handle_at(url).removeprefix("@"), urlsplit(url).hostname
        return name if "@" in name or not name or not host else f"{name}@{host}"

    async def refresh(self, access: Access) -> Connected:
        return await self.connect(access.fields, access.secrets, access.http)

    async def rehearse(self, access: Access) -> Rehearsed:
        url = f"{access.fields['instance_url'].strip().rstrip('/')}/api/v1/accounts/verify_credentials"
        headers = bearer(access.secrets["access_token"])
        answer = await access.http.request("GET", url, headers=headers, judge=_judge)
        return answer.read(lambda me: Rehearsed(str(me["id"]), me["acct"]))

    def covers(self, given: frozenset[str], asked: str) -> bool:
        """A server that does not tell is believed to have given what was asked for."""
        return not given or asked in given or asked.partition(":")[0] in given

    def limits_for(self, facts: Mapping[str, Any]) -> Limits:
        length, link = facts.get("text", self.limits.text), facts.get("link", self.limits.link_counts)
        return replace(self.limits, text=int(length), link_counts=int(link))

    def media_for(self, facts: Mapping[str, Any]) -> MediaLimits:
        said = facts.get("media") or {}
        most = {"image": int(said.get("image_size_limit", PICTURE)), "video": int(said.get("video_size_limit", VIDEO))}
        types = said.get("supported_mime_types") or FILES
        files = {mime: most[mime.partition("/")[0]] for mime in FILES if mime in types}
        pixels, alt = int(said.get("image_matrix_limit", PIXELS)), int(said.get("description_limit", self.media.alt))
        return MediaLimits(int(facts.get("pictures", 4)), files, pixels, alt, ALONE & files.keys(), self.media.source)

    def lacks(self, facts: Mapping[str, Any], scopes: frozenset[str]) -> dict[type, str]:
        lacking: dict[type, str] = {}
        if scopes and not scopes & MAY_WRITE:
            lacking |= dict.fromkeys((Publishes, Edits, Deletes), "This access token may only read.")
        if scopes and not (scopes & MAY_WRITE and scopes & MAY_READ):
            lacking[Converses] = "This access token may not both read notifications and write."
        if not facts.get("may_revoke"):
            lacking[RevokesDoors] = "The client key and secret are missing."
        return lacking

    def people_page_url(self, fields: Mapping[str, str], handle: str) -> str:
        return f"{fields.get('instance_url', '').rstrip('/')}/oauth/authorized_applications"

    def marker(self, key: str) -> str:
        return key

    def reply_marker(self, key: str) -> str:
        return key

    async def advance(
        self, access: Access, draft: Draft, marker: str, handle: Mapping[str, Any]
    ) -> Continue | Published:
        """Each file first: uploaded, then waited for until the server has looked at it. Then the post with all."""
        check(draft.text, self.limits_for(access.facts))
        there, ready = list(handle.get("media", ())), int(handle.get("ready", 0))
        if len(there) < len(draft.media):
            media_id, at_once = await _uploaded(access, draft.media[len(there)])
            return Continue({"media": [*there, media_id], "ready": ready + at_once if ready == len(there) else ready})
        if ready < len(there):
            if not await _processed(access, there[ready]):
                return Continue({"media": there, "ready": ready}, after=PROCESSING_SECONDS)
            return Continue({"media": there, "ready": ready + 1})
        wish: dict[str, Any] = {"status": draft.text, "visibility": "public"}
        if draft.language:
            wish["language"] = draft.language
        if draft.reply_to:
            wish["in_reply_to_id"] = str(draft.reply_to["parent"]["id"])
        if there:
            wish["media_ids"] = there
        return await _post(access, wish, marker)

    @look
    async def find_published(
        self, access: Access, draft: Draft, marker: str, handle: Mapping[str, Any]
    ) -> Published | Unsure | None:
        found: list[Published] = []
        early: list[Published] = []
        dates: list[datetime] = []
        above = str(draft.reply_to["parent"]["id"]) if draft.reply_to else None
        sooner = replace(draft, at=long_before(draft.at))
        params = {"limit": str(PER_PAGE), "exclude_reblogs": "true", "exclude_replies": "false" if above else "true"}
        for _ in range(PAGES_LOOKED_AT):
            answer = await _get(access, f"accounts/{quote(access.remote_id)}/statuses", params)
            found += answer.read(lambda page: [_published(s) for s in page if _ours(s, draft, above)])
            early += answer.read(lambda page: [_published(s) for s in page if _ours(s, sooner, above)])
            dates += answer.read(lambda page: [moment(s["created_at"]) for s in page])
            last = answer.read(lambda page: page[-1]["id"] if page else None)
            if last is None or passed(dates, draft.at):
                return one_of(found, early)
            params["max_id"] = last
        return Unsure("The list of posts is too long to prove anything.")

    async def edit(self, access: Access, remote_id: str, draft: Draft) -> Published:
        check(draft.text, self.limits_for(access.facts))
        return (await _change(access, "PUT", remote_id, {"status": draft.text})).read(_published)

    @look
    async def find_edited(self, access: Access, remote_id: str, draft: Draft) -> Published | Unsure | None:
        answer = await _get(access, f"statuses/{quote(remote_id)}", {})
        return answer.read(lambda status: _published(status) if _says(status, draft.text) else None)

    async def delete(self, access: Access, remote_id: str) -> Published:
        try:
            await _change(access, "DELETE", remote_id)
        except Refused as error:
            if error.status != GONE:
                raise
        return Published(remote_id, "")

    @look
    async def find_deleted(self, access: Access, remote_id: str) -> Published | Unsure | None:
        try:
            await _get(access, f"statuses/{quote(remote_id)}", {})
        except Refused as error:
            if error.status == GONE:
                return Published(remote_id, "")
            raise
        return None

    async def fetch(self, access: Access, kind: str, cursor: str) -> Page:
        """Mentions are answers and direct messages too; the newest page first, from then on forward from the cursor."""
        params = {"types[]": "mention", "limit": str(PER_PAGE)} | ({"min_id": cursor} if cursor else {})
        answer = await _get(access, "notifications", params)
        notices = answer.read(lambda page: [each for each in page if each["status"]])
        newest = answer.read(lambda page: max((str(each["id"]) for each in page), key=_age, default=cursor))
        roots = await asyncio.gather(*(_root(access, each["status"]) for each in notices))
        pairs = zip(notices, roots, strict=True)
        messages = answer.read(lambda _: tuple(_message(n["status"], root, access.remote_id) for n, root in pairs))
        more = bool(cursor) and answer.read(len) >= PER_PAGE
        return Page(messages, newest, more)

    async def reply(self, access: Access, to: Mapping[str, Any], text: str, marker: str) -> Published:
        full = _addressed(to, text)
        check(full, self.limits_for(access.facts))
        wish = {"status": full, "in_reply_to_id": str(to["id"]), "visibility": str(to["visibility"])}
        return await _post(access, wish, marker)

    @look
    async def find_reply(
        self, access: Access, to: Mapping[str, Any], text: str, marker: str
    ) -> Published | Unsure | None:
        full, below = _addressed(to, text), str(to["id"])
        answer = await _get(access, f"statuses/{quote(below)}/context", {})

        def ours(status: Mapping[str, Any]) -> bool:
            mine = status["account"]["id"] == access.remote_id
            return mine and status["in_reply_to_id"] == below and _is(status, full, None)

        return answer.read(lambda value: one_of(_published(each) for each in value["descendants"] if ours(each)))

    async def post_metrics(self, access: Access, remote_ids: Sequence[str]) -> dict[str, Figures | None]:
        """One by one: servers before 4.3 cannot be asked about several. No views are told."""
        found: dict[str, Figures | None] = {}
        for remote_id in remote_ids:
            try:
                found[remote_id] = (await _get(access, f"statuses/{quote(remote_id)}", {})).read(_figures)
            except Refused as error:
                if error.status not in (404, 410):
                    raise
                found[remote_id] = None
        return found

    async def channel_metrics(self, access: Access) -> Following:
        answer = await _get(access, "accounts/verify_credentials", {})
        return answer.read(lambda me: Following(count_in(me, "followers_count"), count_in(me, "statuses_count")))

    async def list_posts(self, access: Access, since: datetime, cursor: str) -> PostPage:
        params = {"limit": str(PER_PAGE), "exclude_reblogs": "true", "exclude_replies": "true"}
        path = f"accounts/{quote(access.remote_id)}/statuses"
        answer = await _get(access, path, params | ({"max_id": cursor} if cursor else {}))
        return answer.read(lambda page: _posts(page, since))

    async def revoke_door(self, access: Access, door: RemoteDoor) -> Revoked:
        """Our own access only: Mastodon shows and revokes other applications on a page for people."""
        if not door.ours:
            raise Refused("Mastodon lets an application revoke its own access only. Revoke this one on its page.")
        already = (await _try(access)).shut is True
        await _revoke(access)
        return Revoked(already_gone=already)

    async def probe(self, access: Access, door: RemoteDoor) -> Probe:
        if not door.ours:
            return Probe(None, "Mastodon offers no way to try another application's access.")
        return await _try(access)

    async def give_back(self, access: Access) -> Probe:
        if not access.facts.get("may_revoke"):
            raise Refused(f"{self.lacks(access.facts, access.scopes)[RevokesDoors]} Revoke it on the network’s page.")
        await _revoke(access)
        return await _try(access)


async def _revoke(access: Access) -> None:
    wish = {
        "client_id": access.fields.get("client_key", ""),
        "client_secret": access.secrets.get("client_secret", ""),
        "token": access.secrets["access_token"],
    }
    await access.http.request("POST", f"{_base(access)}/oauth/revoke", data=wish)


async def _try(access: Access) -> Probe:
    try:
        await _get(access, "accounts/verify_credentials", {})
    except Disconnected as error:
        return Probe(True, "The access token was tried and refused.", evidence={"answer": error.detail})
    return Probe(False, "The access token was tried and still works.")


async def _facts(http: Http, url: str) -> dict[str, Any]:
    """Limits, and who the server says it is. Only Mastodon itself is believed to keep idempotency keys."""
    try:
        instance = await http.request("GET", f"{url}/api/v2/instance")
    except Refused as error:
        if error.status is None:
            raise
        nobody = "There is no Mastodon server at this address."
        raise Refused(nobody, detail=error.detail, status=error.status) from error
    facts = instance.read(_limits)
    software = await software_of(http, url)
    return facts | {"software": software, "key": software == "mastodon" and "compatible" not in facts["version"]}


def _limits(instance: Mapping[str, Any]) -> dict[str, Any]:
    statuses = instance["configuration"]["statuses"]
    text, link = int(statuses["max_characters"]), int(statuses.get("characters_reserved_per_url", 23))
    media = instance["configuration"].get("media_attachments") or {}
    kept = {name: media[name] for name in MEDIA_FACTS if name in media}
    pictures = int(statuses.get("max_media_attachments", 4))
    return {"text": text, "link": link, "version": str(instance["version"]), "media": kept, "pictures": pictures}


async def _scopes(http: Http, url: str, token: str) -> frozenset[str]:
    """What the token may do, empty if this server does not tell (Mastodon does since 4.3)."""
    try:
        answer = await http.request("GET", f"{url}/api/v1/apps/verify_credentials", headers=bearer(token))
        return answer.read(lambda value: frozenset(map(str, value.get("scopes") or ())))
    except NetworkError:
        return frozenset()


def _connected(
    me: Mapping[str, Any], secrets: Mapping[str, str], facts: Mapping[str, Any], scopes: frozenset[str]
) -> Connected:
    return Connected(
        remote_id=str(me["id"]),
        handle=me["acct"],
        name=me["display_name"] or me["acct"],
        url=me["url"],
        secrets=secrets,
        scopes=scopes,
        facts=facts,
        audience_size=me.get("followers_count"),
    )


async def _uploaded(access: Access, media: Media) -> tuple[str, bool]:
    """(its id over there, whether it is ready). Nobody sees it before the post, so after doubt it is done again."""
    edge = uuid.uuid4().hex
    part = f"--{edge}\r\nContent-Disposition: form-data; name="
    head = f'{part}"description"\r\n\r\n{media.alt}\r\n{part}"file"; filename="{media.sha256[:16]}"\r\n'
    body = f"{head}Content-Type: {media.mime}\r\n\r\n".encode() + await media.read() + f"\r\n--{edge}--\r\n".encode()
    answer = await access.http.request(
        "POST",
        f"{_base(access)}/api/v2/media",
        headers={**bearer(access.secrets["access_token"]), "Content-Type": f"multipart/form-data; boundary={edge}"},
        data=body,
        judge=_judge,
    )
    return answer.read(lambda made: str(made["id"])), answer.status == 200


async def _processed(access: Access, media_id: str) -> bool:
    """Whether the server has done with it. Raises Refused for a file that it could not make use of."""
    return (await _get(access, f"media/{quote(media_id)}", {})).status == 200


async def _post(access: Access, wish: Mapping[str, Any], marker: str) -> Published:
    answer = await access.http.request(
        "POST",
        f"{_base(access)}/api/v1/statuses",
        headers={**bearer(access.secrets["access_token"]), "Idempotency-Key": marker},
        json=wish,
        creates=True,
        judge=_judge,
    )
    return answer.read(_published)


async def _change(access: Access, method: str, remote_id: str, wish: Mapping[str, str] | None = None) -> Response:
    """A status of ours. Doubt about it is to be looked into, as with one that is made."""
    token = bearer(access.secrets["access_token"])
    url = f"{_base(access)}/api/v1/statuses/{quote(remote_id)}"
    return await access.http.request(method, url, headers=token, json=wish, creates=True, judge=_judge)


async def _get(access: Access, path: str, params: Mapping[str, str]) -> Response:
    token = bearer(access.secrets["access_token"])
    url = f"{_base(access)}/api/v1/{path}"
    return await access.http.request("GET", url, params=params, headers=token, judge=_judge)


async def _root(access: Access, status: Mapping[str, Any]) -> str:
    """The status that began the thread; the one above when the server does not show more."""
    above = status.get("in_reply_to_id")
    if not above:
        return str(status["id"])
    try:
        answer = await _get(access, f"statuses/{quote(str(status['id']))}/context", {})
        return answer.read(lambda value: str(value["ancestors"][0]["id"]))
    except NetworkError:
        return str(above)


def _judge(response: Response) -> NetworkError | None:
    """Some servers answer a dead token with 400 or 403."""
    code, said = message_in(response.body)
    if response.status in (400, 403) and "token" in f"{code} {said}".lower():
        told = "The server no longer accepts this connection. Connect the channel again."
        return Disconnected(told, detail=f"HTTP {response.status} {said}", status=response.status)
    return None


def _base(access: Access) -> str:
    return access.fields["instance_url"].strip().rstrip("/")


def _figures(status: Mapping[str, Any]) -> Figures:
    return Figures(*(count_in(status, f"{what}_count") for what in ("favourites", "reblogs", "replies", "quotes")))


def _posts(page: Sequence[Mapping[str, Any]], since: datetime) -> PostPage:
    """What is not for everybody, but said to followers or to one person, is no post of the company's."""
    more = str(page[-1]["id"]) if page and moment(page[-1]["created_at"]) >= since else ""
    public = [each for each in page if each["visibility"] in ("public", "unlisted")]
    seen = (
        PostSeen(str(it["id"]), str(it["url"] or it["uri"]), plain(it["content"]), moment(it["created_at"]))
        for it in public
    )
    return PostPage(tuple(seen), more)


def _published(status: Mapping[str, Any]) -> Published:
    return Published(str(status["id"]), str(status["url"] or status["uri"]), {"created_at": status["created_at"]})


def _says(status: Mapping[str, Any], text: str) -> bool:
    """Whether this status says our text now, whatever it shows."""
    return _is(status, text, None, len(status.get("media_attachments") or ()))


def _is(status: Mapping[str, Any], text: str, since: datetime | None, shown: int = 0) -> bool:
    """Whether this status says our text, and shows as much as ours: the text comes back as HTML, and mentions come back
    without their server.
    """
    said = REMOTE_MENTION.sub(r"\1", plain(status["content"]))
    if len(status.get("media_attachments") or ()) != shown:
        return False
    return matches(REMOTE_MENTION.sub(r"\1", text), since, said, moment(status["created_at"]))


def _ours(status: Mapping[str, Any], draft: Draft, above: str | None) -> bool:
    there = status.get("in_reply_to_id")
    return (above is None or str(there) == above) and _is(status, draft.text, draft.at, len(draft.media))


def _addressed(to: Mapping[str, Any], text: str) -> str:
    """An answer names whom it answers, or that person is not told of it."""
    name = f"@{to['acct']}"
    return text if name in text else f"{name} {text}"


def _message(status: Mapping[str, Any], root: str, us: str) -> InboundMessage:
    author, above = status["account"], status.get("in_reply_to_id") or ""
    direct = status["visibility"] == "direct"
    to_us = status.get("in_reply_to_account_id") == us
    return InboundMessage(
        remote_id=str(status["id"]),
        thread_id=f"{root}#{author['id']}",
        kind="direct" if direct else "comment" if to_us else "mention",
        author_id=str(author["id"]),
        author_handle=author["acct"],
        author_name=author["display_name"] or author["acct"],
        text=plain(status["content"]),
        at=moment(status["created_at"]),
        in_reply_to=str(above),
        url=str(status["url"] or status["uri"]),
        reply_to={"id": str(status["id"]), "acct": author["acct"], "visibility": status["visibility"]},
    )


def _age(remote_id: str) -> tuple[int, str]:
    """Ids grow: numbers by value, the letters that other servers use by length and alphabet."""
    return len(remote_id), remote_id
