"""The backstage from Python: make accounts, speak as a visitor, plan faults, read what arrived. For the demo and
tests.
"""

import json
import urllib.request
from typing import Any


class Control:
    """Talks to a running sandbox. Every method is one plain HTTP call."""

    def __init__(self, url: str):
        self.url = url.rstrip("/")

    def account(self, handle: str, name: str = "", **details: Any) -> dict[str, Any]:
        """Make one account; `details` as in backstage.py. Without apps it gets one with a token: `token` in the
        answer.
        """
        return self.accounts([{"handle": handle, "name": name, **details}])[0]

    def accounts(self, wishes: list[dict[str, Any]]) -> list[dict[str, Any]]:
        ours = [{"label": "Socialops", "token": True}]
        made = self._call("POST", "/_accounts", {"accounts": [{"apps": ours, **wish} for wish in wishes]})["accounts"]
        return [{**each, "token": next((d["token"] for d in each["doors"] if "token" in d), "")} for each in made]

    def door(self, account: str, kind: str, entitlement: str, **details: Any) -> dict[str, Any]:
        wish = {"account": account, "kind": kind, "entitlement": entitlement, **details}
        return self._call("POST", "/_doors", wish)

    def token(self, door: str, expires_in: float | None = None) -> str:
        return self._call("POST", "/_tokens", {"door": door, "expires_in": expires_in})["id"]

    def kill_token(self, token: str) -> None:
        self._call("DELETE", f"/_tokens/{token}")

    def say(self, account: str, text: str, *, post: str = "", name: str = "Erin", **details: Any) -> dict[str, Any]:
        """A visitor comments on a post, or without one mentions the account."""
        wish = {"account": account, "text": text, "post": post, "name": name, "handle": name.lower(), **details}
        return self._call("POST", "/_comments", wish)

    def edit(self, comment: str, text: str) -> dict[str, Any]:
        return self._call("PATCH", f"/_comments/{comment}", {"text": text})

    def delete(self, comment: str) -> dict[str, Any]:
        return self._call("DELETE", f"/_comments/{comment}")

    def webhook(self, account: str, url: str, secret: str) -> None:
        self._call("POST", "/_webhooks", {"account": account, "url": url, "secret": secret})

    def fault(self, kind: str, count: int = 1, **details: Any) -> None:
        """Plan a failure, see faults.py. `match={"path": "/posts", "method": "POST"}` narrows it."""
        self._call("POST", "/_faults", {"kind": kind, "count": count, **details})

    def faults(self) -> list[dict[str, Any]]:
        return self._call("GET", "/_faults")["items"]

    def no_faults(self) -> None:
        self._call("DELETE", "/_faults")

    def promise(self, **wishes: Any) -> None:
        """Change what the server promises: key, lookup, delay_ms, per_second, burst, residual_seconds."""
        self._call("POST", "/_server", wishes)

    def arrivals(self, since: int = 0) -> list[dict[str, Any]]:
        """Every request to create something, in order of arrival, from the `since`-th on."""
        answer = self._call("GET", f"/_arrivals?since={since}")
        return [dict(zip(answer["columns"], row, strict=True)) for row in answer["rows"]]

    def forget_arrivals(self) -> None:
        self._call("DELETE", "/_arrivals")

    def shut(self) -> list[dict[str, Any]]:
        """Every wish to shut a door, in order of arrival: wall, door, status, fault."""
        answer = self._call("GET", "/_shut")
        return [dict(zip(answer["columns"], row, strict=True)) for row in answer["rows"]]

    def posts(self, account: str = "") -> list[dict[str, Any]]:
        return self._call("GET", f"/_posts?account={account}")["items"]

    def post(self, account: str, text: str, **figures: int) -> str:
        """Something that went out before anybody looked. Its id."""
        return self._call("POST", "/_posts", {"account": account, "text": text, **figures})["id"]

    def count(self, post: str, **figures: int) -> None:
        """Say what is counted on a post: likes, reposts, quotes, views."""
        self._call("PATCH", f"/_posts/{post}", figures)

    def erase(self, post: str) -> None:
        self._call("DELETE", f"/_posts/{post}")

    def followers(self, account: str, number: int) -> None:
        self._call("PATCH", f"/_accounts/{account}", {"followers": number})

    def media(self) -> list[dict[str, Any]]:
        """Everything that was uploaded, shown by a post or not."""
        return self._call("GET", "/_media")["items"]

    def file(self, media: str) -> bytes:
        """An upload as a visitor's browser gets it."""
        with urllib.request.urlopen(f"{self.url}/media/{media}", timeout=30) as answer:  # noqa: S310 (ours)
            return answer.read()

    def said(self, account: str = "") -> list[dict[str, Any]]:
        """Comments and mentions, and our answers to them (`ours`)."""
        return self._call("GET", f"/_comments?account={account}")["items"]

    def figures(self) -> dict[str, Any]:
        return self._call("GET", "/_figures")

    def reset(self) -> None:
        """An empty network that promises what it does by default."""
        self._call("DELETE", "/_everything")

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)  # noqa: S310 (ours)
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 (ours)
            return json.loads(answer.read())
