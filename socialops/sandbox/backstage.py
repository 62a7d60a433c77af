"""Behind the scenes, for the demo and the tests: /_...

POST /_accounts {"accounts": [{handle, name, followers, webhook, people, app_passwords, apps, invitations}]}
     people: [{name, handle, role, token?}]; app_passwords, apps, invitations: [{label, entitlement?, token?}]
     answers each account with its doors and a token for every door that asked for one
POST /_doors {account, kind, entitlement, label, ...}     POST /_tokens {door, expires_in}     DELETE /_tokens/<token>
POST /_comments {account, kind, text, name, handle, post?}  PATCH /_comments/<id> {text}  DELETE /_comments/<id>
POST /_posts {account, text, likes, ...}
PATCH /_posts/<id> {likes, reposts, quotes, views}   DELETE /_posts/<id>   PATCH /_accounts/<id> {followers}
POST /_webhooks {account, url, secret}
POST /_faults {kind, match, count, ...}   GET /_faults   DELETE /_faults
POST /_server {key, lookup, delay_ms, per_second, burst, residual_seconds}
GET  /_arrivals?since=N   every create request; DELETE /_arrivals   GET /_shut   every wish to shut a door
GET  /_posts?account=
GET  /_media, without its bytes   GET /_comments?account=   GET /_figures
DELETE /_everything
"""

from typing import Any

from socialops.sandbox.api import Api, Promises
from socialops.sandbox.faults import Faults
from socialops.sandbox.state import Record, State
from socialops.sandbox.webhooks import Webhooks
from socialops.sandbox.wire import Answer, Problem, Request

COLUMNS = ("monotonic", "wall", "account", "key", "text", "created", "status", "fault")
SHUT = ("wall", "door", "status", "fault")


class Backstage:
    def __init__(self, state: State, api: Api, promises: Promises, faults: Faults, webhooks: Webhooks):
        self._state = state
        self._api = api
        self._promises = promises
        self._faults = faults
        self._webhooks = webhooks
        self.arrivals: list[tuple[Any, ...]] = []
        self.shut: list[tuple[Any, ...]] = []

    def answer(self, request: Request, parts: list[str]) -> Answer:
        match (request.method, parts):
            case ("POST", ["_accounts"]):
                made = [self._account(wish) for wish in request.json().get("accounts", [])]
                return Answer(201, {"accounts": made})
            case ("POST", ["_doors"]):
                return Answer(
                    201, self._door(self._known("accounts", request.json().pop("account", "")), request.json())
                )
            case ("POST", ["_tokens"]):
                wish = request.json()
                return Answer(
                    201, self._state.add_token(self._known("doors", wish.get("door")), wish.get("expires_in"))
                )
            case ("DELETE", ["_tokens", token]):
                return Answer(content=self._state.put("tokens", {**self._known("tokens", token), "dead": True}))
            case ("POST", ["_webhooks"]):
                wish = request.json()
                account = self._known("accounts", wish.pop("account", ""))
                return Answer(content=self._state.put("accounts", {**account, "webhook": wish}))
            case ("POST", ["_posts"]):
                wish = request.json()
                account, text = self._known("accounts", wish.pop("account", "")), str(wish.pop("text", ""))
                return Answer(201, self._state.add_post(account["id"], text, placement="feed", figures=wish))
            case ("PATCH", ["_posts", post_id]):
                post = self._known("posts", post_id)
                figures = {**post.get("figures", {}), **request.json()}
                return Answer(content=self._state.put("posts", {**post, "figures": figures}))
            case ("DELETE", ["_posts", post_id]):
                self._state.drop("posts", self._known("posts", post_id)["id"])
                return Answer(content={"ok": True})
            case ("PATCH", ["_accounts", account_id]):
                followers = int(request.json().get("followers", 0))
                account = {**self._known("accounts", account_id), "followers": followers}
                return Answer(content=self._state.put("accounts", account))
            case ("POST", ["_comments"]):
                return Answer(201, self._said(request.json()))
            case ("PATCH", ["_comments", comment_id]):
                return Answer(content=self._changed(comment_id, "comment.edited", text=request.json().get("text", "")))
            case ("DELETE", ["_comments", comment_id]):
                return Answer(content=self._changed(comment_id, "comment.deleted", deleted=True))
        return self._machinery(request, parts)

    def say(self, account: Record, kind: str, text: str, author: Record, **details: Any) -> dict[str, Any]:
        """Somebody says something to an account; its webhook is told."""
        made = self._state.add_comment(account["id"], kind, text, author, **details)
        shown = self._api.shown(made)
        self._webhooks.tell(account, f"{kind}.created", shown)
        return shown

    def _machinery(self, request: Request, parts: list[str]) -> Answer:
        match (request.method, parts):
            case ("POST", ["_faults"]):
                return Answer(201, self._faults.plan(request.json()))
            case ("GET", ["_faults"]):
                return Answer(content={"items": self._faults.listed()})
            case ("DELETE", ["_faults"]):
                self._faults.clear()
            case ("POST", ["_server"]):
                return Answer(content=self._promise(request.json()))
            case ("GET", ["_arrivals"]):
                since = int(request.query.get("since", "0"))
                return Answer(content={"columns": COLUMNS, "rows": self.arrivals[since:]})
            case ("GET", ["_shut"]):
                return Answer(content={"columns": SHUT, "rows": self.shut})
            case ("DELETE", ["_arrivals"]):
                self.arrivals.clear()
            case ("GET", ["_posts"]):
                of = request.query.get("account", "")
                return Answer(content={"items": [p for p in self._state.posts.values() if of in ("", p["account"])]})
            case ("GET", ["_media"]):
                kept = self._state.media.values()
                return Answer(content={"items": [{**each, "content": ""} for each in kept]})
            case ("GET", ["_comments"]):
                of = request.query.get("account", "")
                return Answer(content={"items": [c for c in self._state.comments.values() if of in ("", c["account"])]})
            case ("GET", ["_figures"]):
                return Answer(content=self._figures())
            case ("DELETE", ["_everything"]):
                self._forget()
            case _:
                raise Problem(404, "not_found", "There is nothing here.")
        return Answer(content={"ok": True})

    def _account(self, wish: Record) -> dict[str, Any]:
        handle = str(wish.get("handle", ""))
        if not handle or handle in self._state.by_handle:
            raise Problem(422, "handle", f"The handle {handle!r} is empty or taken.")
        account = self._state.add_account(
            handle, str(wish.get("name") or handle), wish.get("webhook"), int(wish.get("followers", 0))
        )
        doors = [
            self._door(account, {"kind": "role", "entitlement": p.get("role", "editor"), **p})
            for p in wish.get("people", [])
        ]
        for kind, level in (("app_password", "publish"), ("app", "manage"), ("invitation", "editor")):
            wishes = wish.get("app_passwords" if kind == "app_password" else f"{kind}s", [])
            doors += [self._door(account, {"kind": kind, "entitlement": level, **each}) for each in wishes]
        return {**account, "doors": doors}

    def _door(self, account: Record, wish: Record) -> dict[str, Any]:
        door = self._state.add_door(
            account["id"],
            str(wish.get("kind", "role")),
            str(wish.get("entitlement", "editor")),
            label=str(wish.get("label", "")),
            holder_id=str(wish.get("holder_id", wish.get("handle", ""))),
            holder_handle=str(wish.get("handle", "")),
            holder_name=str(wish.get("name", "")),
        )
        wants = wish.get("token")
        return {**door, "token": self._state.add_token(door, wish.get("expires_in"))["id"]} if wants else door

    def _said(self, wish: Record) -> dict[str, Any]:
        account = self._known("accounts", wish.get("account", ""))
        handle = str(wish.get("handle", "visitor"))
        author = {"id": f"visitor-{handle}", "handle": handle, "name": str(wish.get("name") or handle)}
        post = wish.get("post", "")
        if post:
            self._known("posts", post)
        kind = str(wish.get("kind") or ("comment" if post else "mention"))
        return self.say(account, kind, str(wish.get("text", "")), author, post=post, parent=wish.get("parent", ""))

    def _changed(self, comment_id: str, event: str, **changes: Any) -> dict[str, Any]:
        comment = self._state.change_comment(self._known("comments", comment_id), **changes)
        shown = self._api.shown(comment)
        self._webhooks.tell(self._state.accounts[comment["account"]], event, shown)
        return shown

    def _known(self, table: str, record_id: Any) -> Record:
        record = getattr(self._state, table).get(record_id)
        if record is None:
            raise Problem(404, "not_found", f"There is no {record_id!r} among the {table}.")
        return record

    def _promise(self, wish: Record) -> dict[str, Any]:
        unknown = set(wish) - set(vars(self._promises))
        if unknown:
            raise Problem(422, "unknown", f"The server knows {', '.join(vars(self._promises))}.")
        vars(self._promises).update(wish)
        return vars(self._promises)

    def _figures(self) -> dict[str, Any]:
        state = self._state
        return {
            "accounts": len(state.accounts),
            "posts": len(state.posts),
            "comments": len(state.comments),
            "arrivals": len(self.arrivals),
            "webhooks_sent": self._webhooks.sent,
            "webhooks_given_up": self._webhooks.given_up,
        }

    def _forget(self) -> None:
        self._state.clear()
        self._faults.clear()
        self._api.forget()
        self.arrivals.clear()
        self.shut.clear()
        vars(self._promises).update(vars(Promises()))
