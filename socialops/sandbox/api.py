"""What a connector calls: /api/v1/... with a bearer token that stands for one account.

GET  server                     what this server promises (key, lookup) and its limits
GET  me                         the account behind the token
POST token/renewal              push the expiry of this token away, unless it was revoked
POST media?alt=                 a picture or video, its bytes as the body: an id for a post to show
POST posts                      publish, with "media": [ids]; honours Idempotency-Key when the server has keys
GET  posts?key=  posts/<id>     our posts, newest first, when the server has a look-up
GET  figures?posts=<id>,<id>    what is counted on our posts (null: gone), followers, and how many posts there are
GET  comments?kind=&since=      what was said to us, oldest first, by a cursor
POST comments/<id>/replies      answer;  GET the same: our answers there
GET  doors                      everybody and everything that can act for the account (owner and admin tokens)
DELETE doors/<id>               take one away
POST doors/<id>/attempts        would this door still let somebody in?
"""

import time
import unicodedata
from collections.abc import Callable
from typing import Any

from socialops.sandbox import counting
from socialops.sandbox.state import Record, State
from socialops.sandbox.wire import Answer, Problem, Request

TEXT_LIMIT = 500
MEDIA = ("image/jpeg", "image/png", "image/webp", "image/gif", "video/mp4", "video/webm")
MEDIA_BYTES, MEDIA_COUNT, ALT_LIMIT = 8_000_000, 4, 1500
PAGE = 50
LARGEST_PAGE = 200
RENEWAL_SECONDS = 3600.0
LIMITS = {"text": TEXT_LIMIT, "media": MEDIA_COUNT, "media_bytes": MEDIA_BYTES, "alt": ALT_LIMIT}
MAY_WRITE = {"owner", "admin", "editor", "publish", "manage"}
MAY_MANAGE = {"owner", "admin", "manage"}


class Promises:
    """What this server promises, changeable while it runs (POST /_server)."""

    def __init__(self, key: bool = True, lookup: bool = True, delay_ms: float = 0.0):
        self.key = key
        self.lookup = lookup
        self.delay_ms = delay_ms
        self.residual_seconds = 0.0  # how long a token outlives its door, as on networks that sign their tokens
        self.per_second = 0.0  # the rate limit of a token; 0: none
        self.burst = 10.0


class Api:
    def __init__(self, state: State, promises: Promises, base_url: Callable[[], str]):
        self._state = state
        self._promises = promises
        self._base_url = base_url
        self._buckets: dict[str, tuple[float, float]] = {}

    def forget(self) -> None:
        """Full buckets for everybody."""
        self._buckets.clear()

    def answer(self, request: Request, parts: list[str]) -> tuple[Answer, bool]:
        """The answer to /api/v1/<parts>, and whether it brought something new into being."""
        if parts == ["server"]:
            return Answer(content=self._server()), False
        token, door = self._authorised(request)
        account = self._state.accounts[token["account"]]
        match (request.method, parts):
            case ("POST", ["posts"]):
                return self._publish(request, account, door)
            case ("POST", ["media"]):
                return self._keep(request, account, door)
            case ("GET", ["me"]):
                return Answer(content=self._me(account, token, door)), False
            case ("POST", ["token", "renewal"]):
                return Answer(content=self._renew(account, token, door)), False
            case ("GET", ["posts"]):
                return Answer(content=self._posts(request, account)), False
            case ("GET", ["posts", post_id]):
                return Answer(content=self._post(account, post_id)), False
            case ("GET", ["figures"]):
                return Answer(content=counting.told(self._state, account, request.query.get("posts", ""))), False
            case ("PATCH", ["posts", post_id]):
                return Answer(content=self._edit(request, account, door, post_id)), False
            case ("DELETE", ["posts", post_id]):
                return Answer(content=self._delete(account, door, post_id)), False
            case ("GET", ["comments"]):
                return Answer(content=self._comments(request, account)), False
            case ("POST", ["comments", comment_id, "replies"]):
                return self._reply(request, account, door, comment_id)
            case ("GET", ["comments", comment_id, "replies"]):
                return Answer(content=self._replies(account, comment_id)), False
            case ("GET", ["doors"]):
                return Answer(content=self._doors(account, door)), False
            case ("DELETE", ["doors", door_id]):
                return Answer(content=self._shut(account, door, door_id)), False
            case ("POST", ["doors", door_id, "attempts"]):
                return Answer(content=self._attempt(account, door, door_id)), False
        raise Problem(404, "not_found", "There is nothing here.")

    def post_url(self, post: Record) -> str:
        handle = self._state.accounts[post["account"]]["handle"]
        return f"{self._base_url()}/@{handle}/posts/{post['id']}"

    def shown(self, comment: Record) -> dict[str, Any]:
        """A comment as the API and the webhooks tell it."""
        post = self._state.posts.get(comment["post"])
        account = self._state.accounts[comment["account"]]
        place = self.post_url(post) if post else f"{self._base_url()}/@{account['handle']}"
        return {**comment, "text": "" if comment["deleted"] else comment["text"], "url": f"{place}#{comment['id']}"}

    def _server(self) -> dict[str, Any]:
        promises = self._promises
        return {"software": "sandbox", "key": promises.key, "lookup": promises.lookup, "limits": LIMITS}

    def _authorised(self, request: Request) -> tuple[Record, Record | None]:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        token = self._state.tokens.get(value) if scheme.lower() == "bearer" else None
        if token is None or token["dead"]:
            raise Problem(401, "token_revoked", "This token is not valid.")
        now = time.time()
        renewal = request.path.endswith("/token/renewal")
        if token["expires_at"] is not None and token["expires_at"] <= now and not renewal:
            raise Problem(401, "token_expired", "This token has expired.")
        if self._promises.per_second:
            self._spend(value)
        return token, self._state.doors.get(token["door"])

    def _spend(self, value: str) -> None:
        now = time.monotonic()
        left, since = self._buckets.get(value, (self._promises.burst, now))
        left = min(self._promises.burst, left + (now - since) * self._promises.per_second)
        if left < 1.0:
            wait = (1.0 - left) / self._promises.per_second
            self._buckets[value] = (left, now)
            raise Problem(429, "rate_limited", "Too many requests.", {"Retry-After": f"{wait:.3f}"})
        self._buckets[value] = (left - 1.0, now)

    def _may(self, door: Record | None, levels: set[str]) -> Record:
        if door is None or door["entitlement"] not in levels:
            raise Problem(403, "not_allowed", "This token may not do that.")
        return door

    def _me(self, account: Record, token: Record, door: Record | None) -> dict[str, Any]:
        return {
            "id": account["id"],
            "handle": account["handle"],
            "name": account["name"],
            "url": f"{self._base_url()}/@{account['handle']}",
            "followers": account["followers"],
            "scope": door["entitlement"] if door else "",
            "door": token["door"],
            "expires_at": token["expires_at"],
        }

    def _renew(self, account: Record, token: Record, door: Record | None) -> dict[str, Any]:
        if door is None:
            raise Problem(403, "door_gone", "The access behind this token was taken away.")
        if token["expires_at"] is not None:
            token = self._state.put("tokens", {**token, "expires_at": time.time() + RENEWAL_SECONDS})
        return self._me(account, token, door)

    def _publish(self, request: Request, account: Record, door: Record | None) -> tuple[Answer, bool]:
        by = self._may(door, MAY_WRITE)
        wish = request.json()
        text = self._text(wish)
        key = request.headers.get("idempotency-key", "") if self._promises.key else ""
        known = self._state.by_key.get((account["id"], key)) if key else None
        if known is not None:
            return Answer(content=self._told_post(self._state.posts[known])), False
        placement, language = str(wish.get("placement", "feed")), str(wish.get("language", ""))
        above = str(wish.get("in_reply_to", ""))
        if above and self._state.posts.get(above, {}).get("account") != account["id"]:
            raise Problem(422, "no_such_post", "The post that this one follows is not there.")
        more = {
            "placement": placement,
            "language": language,
            "media": self._chosen(wish, account),
            "card": self._card(wish, account),
            "in_reply_to": above,
        }
        post = self._state.add_post(account["id"], text, key, by["id"], **more)
        return Answer(201, self._told_post(post)), True

    def _keep(self, request: Request, account: Record, door: Record | None) -> tuple[Answer, bool]:
        self._may(door, MAY_WRITE)
        mime, alt = request.headers.get("content-type", ""), request.query.get("alt", "")
        if mime not in MEDIA or not request.body:
            raise Problem(422, "bad_media", "This is no picture or video that is shown here.")
        if len(request.body) > MEDIA_BYTES or len(alt) > ALT_LIMIT:
            raise Problem(422, "too_large", f"{MEDIA_BYTES} bytes and {ALT_LIMIT} characters of alt text are taken.")
        made = self._state.add_media(account["id"], mime, alt, request.body)
        return Answer(201, {"id": made["id"]}), False

    def _chosen(self, wish: dict[str, Any], account: Record) -> list[str]:
        """The ids that a post wants to show, each uploaded by its account."""
        ids = wish.get("media", [])
        known = self._state.media
        if not isinstance(ids, list) or len(ids) > MEDIA_COUNT:
            raise Problem(422, "bad_media", f"A post shows {MEDIA_COUNT} files at most.")
        if any(not isinstance(i, str) or i not in known or known[i]["account"] != account["id"] for i in ids):
            raise Problem(422, "bad_media", "There is no such file.")
        return ids

    def _card(self, wish: dict[str, Any], account: Record) -> dict[str, str]:
        """What is to be drawn of a link; {} for nothing."""
        card = wish.get("card") or {}
        if not isinstance(card, dict) or any(not isinstance(value, str) for value in card.values()):
            raise Problem(422, "bad_card", "A card has an address, a title, a description and a picture.")
        if card and not (card.get("url", "").startswith("https://") and card.get("title")):
            raise Problem(422, "bad_card", "A card needs an https address and a title.")
        if picture := card.get("picture"):
            self._chosen({"media": [picture]}, account)
        return {name: card.get(name, "") for name in ("url", "title", "description", "picture")} if card else {}

    def _told_post(self, post: Record) -> dict[str, Any]:
        shown = [{**self._state.media[each], "content": ""} for each in post.get("media", ())]
        return {**post, "url": self.post_url(post), "media": shown}

    def _posts(self, request: Request, account: Record) -> dict[str, Any]:
        if not self._promises.lookup:
            raise Problem(404, "no_lookup", "This server does not list posts.")
        query = request.query
        if "key" in query:
            known = self._state.by_key.get((account["id"], query["key"]))
            return {"items": [self._told_post(self._state.posts[known])] if known else [], "before": None}
        ids = self._state.posts_of[account["id"]]
        before = self._number(query, "before", len(ids))
        limit = min(self._number(query, "limit", PAGE), LARGEST_PAGE)
        chosen = ids[max(before - limit, 0) : before]
        left = max(before - limit, 0)
        items = [self._told_post(self._state.posts[each]) for each in reversed(chosen)]
        return {"items": items, "before": left or None}

    def _post(self, account: Record, post_id: str) -> dict[str, Any]:
        post = self._state.posts.get(post_id)
        if not self._promises.lookup or post is None or post["account"] != account["id"]:
            raise Problem(404, "not_found", "There is no such post.")
        return self._told_post(post)

    def _edit(self, request: Request, account: Record, door: Record | None, post_id: str) -> dict[str, Any]:
        self._may(door, MAY_WRITE)
        post = self._state.posts.get(post_id)
        if post is None or post["account"] != account["id"]:
            raise Problem(404, "not_found", "There is no such post.")
        text = self._text(request.json())
        return self._told_post(self._state.put("posts", {**post, "text": text, "edited_at": time.time()}))

    def _delete(self, account: Record, door: Record | None, post_id: str) -> dict[str, Any]:
        self._may(door, MAY_WRITE)
        post = self._state.posts.get(post_id)
        if post is None or post["account"] != account["id"]:
            raise Problem(404, "not_found", "There is no such post.")
        self._state.drop("posts", post_id)
        return {"ok": True}

    def _comments(self, request: Request, account: Record) -> dict[str, Any]:
        query = request.query
        since, kind = self._number(query, "since", 0), query.get("kind", "comment")
        known = self._state.comments
        mine = (known[each] for each in self._state.comments_of[account["id"]])
        fresh = [c for c in mine if c["sequence"] > since and c["kind"] == kind and not c["ours"]]
        fresh.sort(key=lambda c: c["sequence"])
        limit = min(self._number(query, "limit", PAGE), PAGE)
        page = fresh[:limit]
        cursor = page[-1]["sequence"] if page else since
        return {"items": [self.shown(c) for c in page], "cursor": str(cursor), "more": len(fresh) > limit}

    def _reply(self, request: Request, account: Record, door: Record | None, parent: str) -> tuple[Answer, bool]:
        self._may(door, MAY_WRITE)
        to = self._comment(account, parent)
        text = self._text(request.json())
        key = request.headers.get("idempotency-key", "") if self._promises.key else ""
        known = self._state.by_key.get((account["id"], key)) if key else None
        if known is not None:
            return Answer(content=self.shown(self._state.comments[known])), False
        author = {"id": account["id"], "handle": account["handle"], "name": account["name"]}
        made = self._state.add_comment(
            account["id"], to["kind"], text, author, post=to["post"], parent=parent, key=key, ours=True
        )
        return Answer(201, self.shown(made)), True

    def _replies(self, account: Record, parent: str) -> dict[str, Any]:
        if not self._promises.lookup:
            raise Problem(404, "no_lookup", "This server does not list answers.")
        self._comment(account, parent)
        mine = (self._state.comments[each] for each in self._state.comments_of[account["id"]])
        return {"items": [self.shown(c) for c in mine if c["parent"] == parent and c["ours"]]}

    def _doors(self, account: Record, door: Record | None) -> dict[str, Any]:
        by = self._may(door, MAY_MANAGE)
        items = [each for each in self._state.doors.values() if each["account"] == account["id"]]
        return {"items": [{**each, "ours": each["id"] == by["id"]} for each in items], "total": len(items)}

    def _shut(self, account: Record, door: Record | None, door_id: str) -> dict[str, Any]:
        self._may(door, MAY_MANAGE)
        target = self._state.doors.get(door_id)
        if target is None or target["account"] != account["id"]:
            return {"ok": True, "already_gone": True}
        if target["entitlement"] == "owner":
            raise Problem(403, "owner", "The owner cannot be removed. Hand the account over first.")
        self._state.drop("doors", door_id)
        until = time.time() + self._promises.residual_seconds if self._promises.residual_seconds else None
        for token in [t for t in self._state.tokens.values() if t["door"] == door_id]:
            self._state.put("tokens", {**token, "dead": until is None, "expires_at": until})
        return {"ok": True, "already_gone": False}

    def _attempt(self, account: Record, door: Record | None, door_id: str) -> dict[str, Any]:
        self._may(door, MAY_MANAGE)
        target = self._state.doors.get(door_id)
        now = time.time()
        tokens = [t for t in self._state.tokens.values() if t["door"] == door_id and t["account"] == account["id"]]
        alive = [t for t in tokens if not t["dead"] and (t["expires_at"] is None or t["expires_at"] > now)]
        until = max((t["expires_at"] or 0.0 for t in alive), default=None)
        let_in = target is not None and target["account"] == account["id"]
        return {"let_in": let_in, "tokens_alive": len(alive), "until": until}

    def _comment(self, account: Record, comment_id: str) -> Record:
        comment = self._state.comments.get(comment_id)
        if comment is None or comment["account"] != account["id"] or comment["deleted"]:
            raise Problem(404, "not_found", "There is no such comment.")
        return comment

    def _text(self, wish: dict[str, Any]) -> str:
        text = wish.get("text")
        if not isinstance(text, str) or not text.strip():
            raise Problem(422, "no_text", "A post needs a text.")
        if len(unicodedata.normalize("NFC", text)) > TEXT_LIMIT:
            raise Problem(422, "too_long", f"The text is longer than {TEXT_LIMIT} characters.")
        return text

    def _number(self, query: dict[str, str], name: str, otherwise: int) -> int:
        value = query.get(name, "")
        if value and not value.isdecimal():
            raise Problem(422, "bad_cursor", f"{name} is not a number.")
        return int(value) if value else otherwise
