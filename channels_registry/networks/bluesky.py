"""Bluesky and every other AT Protocol server, by app password.

A post is a record under a key of our own choosing, written by putRecord with `swapRecord: null`: the same record once
more is a no-op, another one under the same key is refused. So a repetition can never make a second post, at any later
time. Rules: docs.bsky.app, lexicons com.atproto.* and app.bsky.*, and the behaviour of the reference server (PDS 0.5).
"""

import base64
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from channels_registry.connector.answers import Response, claims, count_in, message_in
from channels_registry.connector.capabilities import (
    Converses,
    Deletes,
    GivesBack,
    ListsDoors,
    ListsPosts,
    Measures,
    Network,
    Publishes,
    RevokesDoors,
)
from channels_registry.connector.errors import Disconnected, NetworkError, OutcomeUnknown, Refused
from channels_registry.connector.http import Http, bearer
from channels_registry.connector.looking import look, moment
from channels_registry.connector.richtext import marks
from channels_registry.connector.text import check, same
from channels_registry.connector.types import (
    Access,
    Card,
    Connected,
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
from channels_registry.connector.walking import Walk

POST = "app.bsky.feed.post"
IMAGES, EXTERNAL = "app.bsky.embed.images", "app.bsky.embed.external"
DEAD_TOKEN = {"ExpiredToken", "InvalidToken", "AuthMissing", "AccountDeactivated", "AccountTakedown"}
REASONS = {"reply": "comment", "mention": "mention", "quote": "mention"}
ACCESS_TOKEN_LIVES = timedelta(hours=2)
TID_LETTERS = "234567abcdefghijklmnopqrstuvwxyz"
TID_FROM = 1_672_531_200_000_000  # 2023-01-01 in microseconds: our keys lie between then and early 2025
PICTURES = dict.fromkeys(("image/jpeg", "image/png", "image/webp"), 2_000_000)
FEATURES = {"link": "uri", "tag": "tag", "mention": "did"}


class Bluesky(Network, Publishes, Deletes, Converses, ListsDoors, RevokesDoors, GivesBack, Measures, ListsPosts):
    slug = "bluesky"
    label = "Bluesky"
    purpose = "Short public posts, up to 300 characters, read by followers and in feeds that anybody can build."
    asks: ClassVar[Mapping[str, str]] = {
        "com.atproto.appPass": "Everything but direct messages and the account’s own settings"
    }
    steps = (
        "Sign in on Bluesky as the account, and open Settings, Privacy and security, App passwords.",
        "Add an app password and give it a name. It is shown once: copy it.",
        "Write the same name below: that is how our own way in is told apart from others.",
    )
    fields = (
        Field("service", "Server", initial="https://bsky.social", help="Where the account lives."),
        Field("handle", "Handle", help="For example shop.bsky.social, without the @."),
        Field("app_password_name", "Name of the app password", initial="Socialops", help="As you named it there."),
        Field("app_password", "App password", secret=True, help="Settings, Privacy and security, App passwords."),
    )
    limits = Limits(
        300,
        "graphemes",
        text_bytes=3000,
        source="Bluesky's definition of a post (app.bsky.feed.post)",
        thread=24,
        first_comment=True,
    )
    media = MediaLimits(4, PICTURES, source="Bluesky's definition of pictures (app.bsky.embed.images)")
    cards = LinkCards(
        sent=True, picture_bytes=1_000_000, source="Bluesky's definition of a card (app.bsky.embed.external)"
    )
    idempotency = "K"
    settle_seconds = 10.0
    kinds = ("mentions",)

    async def connect(self, fields: Mapping[str, str], secrets: Mapping[str, str], http: Http) -> Connected:
        service = fields.get("service", "").strip().rstrip("/")
        handle = fields.get("handle", "").strip().removeprefix("@")
        session = await _log_in(http, service, handle, secrets.get("app_password", "").strip())
        connected = await self._connected(http, service, session, secrets)
        name = fields.get("app_password_name", "").strip()
        answer = await http.request(
            "GET",
            _xrpc(connected.facts["pds"], "com.atproto.server.listAppPasswords"),
            headers=bearer(session["accessJwt"]),
            judge=_judge,
        )
        if name not in answer.read(lambda value: [each["name"] for each in value["passwords"]]):
            raise Refused(f"This account has no app password named {name!r}. Write its name as Bluesky lists it.")
        return connected

    async def refresh(self, access: Access) -> Connected:
        service = access.fields["service"].strip().rstrip("/")
        url = _xrpc(access.facts["pds"], "com.atproto.server.refreshSession")
        try:
            answer = await access.http.request("POST", url, headers=bearer(access.secrets["refresh_jwt"]), judge=_judge)
            session = answer.read(_session)
        except (Disconnected, Refused):
            session = await _log_in(access.http, service, access.remote_id, access.secrets["app_password"])
        return await self._connected(access.http, service, session, access.secrets)

    async def _connected(
        self, http: Http, service: str, session: Mapping[str, Any], secrets: Mapping[str, str]
    ) -> Connected:
        profile = await _profile(http, service, session)
        token = claims(session["accessJwt"])
        handle = session["handle"]
        return Connected(
            remote_id=session["did"],
            handle=handle,
            name=profile.get("displayName") or handle,
            url=f"https://bsky.app/profile/{handle}",
            secrets={
                "app_password": secrets.get("app_password", "").strip(),
                "access_jwt": session["accessJwt"],
                "refresh_jwt": session["refreshJwt"],
            },
            scopes=frozenset({str(token.get("scope", "com.atproto.appPass"))}),
            expires_at=moment(token["exp"]) if "exp" in token else None,
            facts={"pds": _server_of(session) or service},
            audience_size=profile.get("followersCount"),
        )

    async def rehearse(self, access: Access) -> Rehearsed:
        answer = await _query(access, "com.atproto.server.getSession", {})
        return answer.read(lambda me: Rehearsed(str(me["did"]), str(me["handle"])))

    def covers(self, given: frozenset[str], asked: str) -> bool:
        return bool(given & {asked, "com.atproto.appPassPrivileged", "com.atproto.access"})

    def people_page_url(self, fields: Mapping[str, str], handle: str) -> str:
        return "https://bsky.app/settings/app-passwords"

    def marker(self, key: str) -> str:
        """A record key (TID): 46 bits of time in the past and 10 of clock, both from the delivery's key."""
        number = int.from_bytes(hashlib.sha256(f"socialops:{key}".encode()).digest()[:7], "big")
        value = ((TID_FROM + (number >> 10)) << 10) | (number & 1023)
        return "".join(TID_LETTERS[(value >> shift) & 31] for shift in range(60, -1, -5))

    def reply_marker(self, key: str) -> str:
        return self.marker(key)

    def resend_is_safe(self, access: Access) -> bool:
        return True

    async def advance(self, access: Access, draft: Draft, marker: str, handle: Mapping[str, Any]) -> Published:
        check(draft.text, self.limits)
        record = await _record(access, draft.text, draft.at)
        if draft.language:
            record["langs"] = [draft.language]
        if draft.reply_to:
            record["reply"] = {name: await _reference(access, place) for name, place in draft.reply_to.items()}
        if draft.media:
            record["embed"] = {"$type": IMAGES, "images": [await _image(access, each) for each in draft.media]}
        elif draft.card:
            record["embed"] = {"$type": EXTERNAL, "external": await _external(access, draft.card)}
        return await _put(access, marker, record)

    @look
    async def find_published(
        self, access: Access, draft: Draft, marker: str, handle: Mapping[str, Any]
    ) -> Published | Unsure | None:
        return await _find(access, marker, draft.text, len(draft.media))

    async def delete(self, access: Access, remote_id: str) -> Published:
        """A record that is not there is deleted, too, says the server."""
        await access.http.request(
            "POST",
            _xrpc(access.facts["pds"], "com.atproto.repo.deleteRecord"),
            headers=bearer(access.secrets["access_jwt"]),
            json={"repo": access.remote_id, "collection": POST, "rkey": remote_id.rsplit("/", 1)[-1]},
            creates=True,
            judge=_judge,
        )
        return Published(remote_id, "")

    @look
    async def find_deleted(self, access: Access, remote_id: str) -> Published | Unsure | None:
        params = {"repo": access.remote_id, "collection": POST, "rkey": remote_id.rsplit("/", 1)[-1]}
        try:
            await access.http.request("GET", _xrpc(access.facts["pds"], "com.atproto.repo.getRecord"), params=params)
        except Refused as error:
            if "RecordNotFound" in error.detail:
                return Published(remote_id, "")
            raise
        return None

    async def fetch(self, access: Access, kind: str, cursor: str) -> Page:
        walk = Walk.at(cursor)
        params = {"limit": "100"} | ({"cursor": walk.walk} if walk.walk else {})
        try:
            answer = await _query(access, "app.bsky.notification.listNotifications", params)
        except Refused:
            if not walk.walk:
                raise
            return Page((), walk.anew(), more=True)  # the page has run out
        return answer.read(lambda value: _page(value, walk))

    async def reply(self, access: Access, to: Mapping[str, Any], text: str, marker: str) -> Published:
        check(text, self.limits)
        record = await _record(access, text, None)
        return await _put(access, marker, record | {"reply": {"root": to["root"], "parent": to["parent"]}})

    @look
    async def find_reply(
        self, access: Access, to: Mapping[str, Any], text: str, marker: str
    ) -> Published | Unsure | None:
        return await _find(access, marker, text)

    async def post_metrics(self, access: Access, remote_ids: Sequence[str]) -> dict[str, Figures | None]:
        """What the AppView does not show is gone only if it is gone from the repository too. No views are told."""
        answer = await _query(access, "app.bsky.feed.getPosts", {"uris": list(remote_ids)})
        found: dict[str, Figures | None] = answer.read(lambda value: {p["uri"]: _figures(p) for p in value["posts"]})
        for uri in [each for each in remote_ids if each not in found]:
            if await _is_gone(access, uri):
                found[uri] = None
        return found

    async def channel_metrics(self, access: Access) -> Following:
        answer = await _query(access, "app.bsky.actor.getProfile", {"actor": access.remote_id})
        return answer.read(
            lambda profile: Following(count_in(profile, "followersCount"), count_in(profile, "postsCount"))
        )

    async def list_posts(self, access: Access, since: datetime, cursor: str) -> PostPage:
        params = {"actor": access.remote_id, "filter": "posts_no_replies", "limit": "100"}
        answer = await _query(access, "app.bsky.feed.getAuthorFeed", params | ({"cursor": cursor} if cursor else {}))
        return answer.read(lambda value: _posts(value, since))

    async def list_doors(self, access: Access) -> list[RemoteDoor]:
        answer = await _query(access, "com.atproto.server.listAppPasswords", {})
        ours = access.fields["app_password_name"].strip()
        return answer.read(lambda value: [_door(each, ours) for each in value["passwords"]])

    async def revoke_door(self, access: Access, door: RemoteDoor) -> Revoked:
        there = {each.remote_id for each in await self.list_doors(access)}
        url = _xrpc(access.facts["pds"], "com.atproto.server.revokeAppPassword")
        await access.http.request(
            "POST", url, headers=bearer(access.secrets["access_jwt"]), json={"name": door.remote_id}, judge=_judge
        )
        return Revoked(already_gone=door.remote_id not in there, evidence={"name": door.remote_id})

    async def probe(self, access: Access, door: RemoteDoor) -> Probe:
        """We do not hold the person's app password, so nobody can try it: the list, read again, is the proof there
        is.
        """
        names = [each.remote_id for each in await self.list_doors(access)]
        if door.remote_id in names:
            return Probe(False, "The app password is still on the account's list.", evidence={"names": names})
        return Probe(
            None,
            "The app password is no longer on the account's list. Bluesky offers no way to try it without knowing it.",
            "A session that it had already opened may go on for up to 2 hours.",
            datetime.now(UTC) + ACCESS_TOKEN_LIVES,
            {"names": names},
        )

    async def give_back(self, access: Access) -> Probe:
        """Our session only: the app password is a door of its own, and stays on the account's list."""
        token = bearer(access.secrets["refresh_jwt"])
        for method in ("deleteSession", "refreshSession"):  # ended, and tried
            url = _xrpc(access.facts["pds"], f"com.atproto.server.{method}")
            try:
                await access.http.request("POST", url, headers=token, judge=_judge)
            except Disconnected as error:
                name = access.fields["app_password_name"].strip()
                return Probe(
                    None,
                    "Our session was ended, tried, and refused.",
                    f"The app password “{name}” stands until somebody takes it away on the account’s list; what our "
                    "session had opened may go on for up to 2 hours.",
                    datetime.now(UTC) + ACCESS_TOKEN_LIVES,
                    {"answer": error.detail},
                )
        return Probe(False, "Our session was ended, and can still be renewed.")


async def _log_in(http: Http, service: str, identifier: str, password: str) -> dict[str, Any]:
    url = _xrpc(service, "com.atproto.server.createSession")
    try:
        answer = await http.request("POST", url, json={"identifier": identifier, "password": password}, judge=_judge)
    except Disconnected as error:
        raise Refused(
            "Bluesky does not accept this handle and app password. Make a new app password there and copy it.",
            detail=error.detail,
            status=error.status,
        ) from error
    session = answer.read(_session)
    if claims(session["accessJwt"]).get("scope") == "com.atproto.access":
        raise Refused("This is the account's main password. Make an app password for Socialops and use that.")
    return session


async def _profile(http: Http, service: str, session: Mapping[str, Any]) -> dict[str, Any]:
    """What people see of the account; a new account, or a server without an AppView, may not have it."""
    url = _xrpc(_server_of(session) or service, "app.bsky.actor.getProfile")
    try:
        answer = await http.request("GET", url, params={"actor": session["did"]}, headers=bearer(session["accessJwt"]))
        return answer.read(dict)
    except NetworkError:
        return {}


async def _record(access: Access, text: str, at: datetime | None) -> dict[str, Any]:
    created = (at or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    record: dict[str, Any] = {"$type": POST, "text": text, "createdAt": created}
    facets = [facet async for facet in _facets(access, text)]
    if facets:
        record["facets"] = sorted(facets, key=lambda each: each["index"]["byteStart"])
    return record


async def _facets(access: Access, text: str) -> AsyncIterator[dict[str, Any]]:
    for mark in marks(text):
        value = await _did_of(access, mark.value) if mark.kind == "mention" else mark.value
        if value:
            start, end = mark.in_bytes(text)
            feature = {"$type": f"app.bsky.richtext.facet#{mark.kind}", FEATURES[mark.kind]: value}
            yield {"index": {"byteStart": start, "byteEnd": end}, "features": [feature]}


async def _did_of(access: Access, handle: str) -> str:
    """Whom a handle means; empty for one that nobody has, which then stays plain text."""
    try:
        answer = await _query(access, "com.atproto.identity.resolveHandle", {"handle": handle})
        return answer.read(lambda value: str(value["did"]))
    except Refused:
        return ""


async def _reference(access: Access, place: Mapping[str, Any]) -> dict[str, str]:
    """A post of ours as a reply names it. Where a person said that it is out, its digest is read from the server."""
    uri, cid = str(place["id"]), str(place.get("cid", ""))
    if not cid:
        params = {"repo": access.remote_id, "collection": POST, "rkey": uri.rsplit("/", 1)[-1]}
        answer = await access.http.request(
            "GET", _xrpc(access.facts["pds"], "com.atproto.repo.getRecord"), params=params
        )
        cid = answer.read(lambda value: str(value["cid"]))
    return {"uri": uri, "cid": cid}


async def _put(access: Access, rkey: str, record: Mapping[str, Any]) -> Published:
    wish = {"repo": access.remote_id, "collection": POST, "rkey": rkey, "record": record, "swapRecord": None}
    answer = await access.http.request(
        "POST",
        _xrpc(access.facts["pds"], "com.atproto.repo.putRecord"),
        headers=bearer(access.secrets["access_jwt"]),
        json=wish,
        creates=True,
        judge=_judge,
    )
    return answer.read(lambda value: _published(access.handle, value["uri"], value["cid"]))


async def _find(access: Access, rkey: str, text: str, shown: int = 0) -> Published | Unsure | None:
    """What stands under our key. Anybody may read it, so this works with a dead token too."""
    url = _xrpc(access.facts["pds"], "com.atproto.repo.getRecord")
    params = {"repo": access.remote_id, "collection": POST, "rkey": rkey}
    try:
        answer = await access.http.request("GET", url, params=params)
    except Refused as error:
        if "RecordNotFound" in error.detail:
            return None
        raise
    if not answer.read(lambda value: same(value["value"]["text"], text) and _shown(value["value"]) == shown):
        return Unsure("Another text stands under the key of this post. A person has to look at it.")
    return answer.read(lambda value: _published(access.handle, value["uri"], value["cid"]))


async def _is_gone(access: Access, uri: str) -> bool:
    params = {"repo": access.remote_id, "collection": POST, "rkey": uri.rsplit("/", 1)[-1]}
    try:
        await access.http.request("GET", _xrpc(access.facts["pds"], "com.atproto.repo.getRecord"), params=params)
    except Refused as error:
        return "RecordNotFound" in error.detail
    return False


def _figures(post: Mapping[str, Any]) -> Figures:
    return Figures(*(count_in(post, f"{what}Count") for what in ("like", "repost", "reply", "quote")))


async def _image(access: Access, media: Media) -> dict[str, Any]:
    """The picture uploaded, as a post refers to it. The same bytes get the same name over there, so a repetition makes
    the same record; and a file that nothing referred to for long is there again.
    """
    ratio = {"width": media.width, "height": media.height}
    return {"alt": media.alt, "image": await _uploaded(access, media), "aspectRatio": ratio}


async def _external(access: Access, card: Card) -> dict[str, Any]:
    said = {"uri": card.url, "title": card.title, "description": card.description}
    return said | ({"thumb": await _uploaded(access, card.picture)} if card.picture else {})


async def _uploaded(access: Access, media: Media) -> dict[str, Any]:
    headers = {**bearer(access.secrets["access_jwt"]), "Content-Type": media.mime}
    url = _xrpc(access.facts["pds"], "com.atproto.repo.uploadBlob")
    answer = await access.http.request("POST", url, headers=headers, data=await media.read(), judge=_judge)
    return answer.read(lambda value: dict(value["blob"]))


def _shown(record: Mapping[str, Any]) -> int:
    return len((record.get("embed") or {}).get("images") or ())


def _judge(response: Response) -> NetworkError | None:
    """AT Protocol says 400 where others say 401, and 400 InvalidSwap where something stands under our key already."""
    code, said = message_in(response.body)
    more: dict[str, Any] = {"detail": f"HTTP {response.status} {code} {said}", "status": response.status}
    if code in DEAD_TOKEN:
        return Disconnected("Bluesky no longer accepts this connection. Connect the channel again.", **more)
    if code == "InvalidSwap":
        return OutcomeUnknown("Something stands under the key of this post already.", **more)
    return None


async def _query(access: Access, method: str, params: Mapping[str, str | list[str]]) -> Response:
    token = bearer(access.secrets["access_jwt"])
    return await access.http.request(
        "GET", _xrpc(access.facts["pds"], method), params=params, headers=token, judge=_judge
    )


def _xrpc(service: str, method: str) -> str:
    return f"{service}/xrpc/{method}"


def _session(value: Mapping[str, Any]) -> dict[str, Any]:
    return {**value, **{name: str(value[name]) for name in ("did", "handle", "accessJwt", "refreshJwt")}}


def _server_of(session: Mapping[str, Any]) -> str:
    """The server that holds the account, if the login was at a gateway (bsky.social) that says so."""
    services = (session.get("didDoc") or {}).get("service") or []
    return next((str(each["serviceEndpoint"]) for each in services if each.get("id") == "#atproto_pds"), "")


def _posts(feed: Mapping[str, Any], since: datetime) -> PostPage:
    """What others wrote and the channel shared has a reason, and is left out."""
    each = [item["post"] for item in feed["feed"] if "reason" not in item]
    seen = [
        PostSeen(
            it["uri"], _public_url(it["author"]["handle"], it["uri"]), it["record"]["text"], moment(it["indexedAt"])
        )
        for it in each
    ]
    older = bool(feed["feed"]) and all(post.at >= since for post in seen)
    return PostPage(tuple(seen), str(feed.get("cursor") or "") if older else "")


def _published(handle: str, uri: str, cid: str) -> Published:
    return Published(uri, _public_url(handle, uri), {"cid": cid})


def _public_url(handle: str, uri: str) -> str:
    return f"https://bsky.app/profile/{handle}/post/{uri.rsplit('/', 1)[-1]}"


def _page(value: Mapping[str, Any], walk: Walk) -> Page:
    notices = value["notifications"]
    fresh = {_short(n): _message(n) for n in notices if n["reason"] in REASONS and _short(n) not in walk.seen}
    times = [str(each["indexedAt"]) for each in notices]
    cursor, more = walk.onwards(times, fresh, value.get("cursor") or "")
    return Page(tuple(fresh.values()), cursor, more)


def _short(notice: Mapping[str, Any]) -> str:
    return base64.b64encode(hashlib.sha256(notice["uri"].encode()).digest()[:9]).decode()


def _message(notice: Mapping[str, Any]) -> InboundMessage:
    author, record, uri = notice["author"], notice["record"], notice["uri"]
    this = {"uri": uri, "cid": notice["cid"]}
    above = record.get("reply") or {}
    root = above.get("root") or this
    return InboundMessage(
        remote_id=uri,
        thread_id=f"{root['uri']}#{author['did']}",
        kind=REASONS[notice["reason"]],
        author_id=author["did"],
        author_handle=author["handle"],
        author_name=author.get("displayName") or author["handle"],
        text=str(record.get("text", "")),
        at=moment(notice["indexedAt"]),
        in_reply_to=(above.get("parent") or {}).get("uri", ""),
        url=_public_url(author["handle"], uri),
        reply_to={"root": {"uri": root["uri"], "cid": root["cid"]}, "parent": this},
    )


def _door(item: Mapping[str, Any], ours: str) -> RemoteDoor:
    return RemoteDoor(
        remote_id=item["name"],
        kind="app_password",
        entitlement="privileged" if item.get("privileged") else "standard",
        label=item["name"],
        created_at=moment(item["createdAt"]),
        ours=item["name"] == ours,
    )
