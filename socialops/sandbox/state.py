"""Everything the sandbox knows, in memory, and a journal on disk so that a restart knows it too.

Records are plain dictionaries in six tables. The journal is one JSON line a change; the last line of a record wins.
"""

import base64
import json
import secrets
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, TextIO

TABLES = ("accounts", "doors", "tokens", "media", "posts", "comments")
Record = dict[str, Any]


class State:
    def __init__(self, journal: Path | None = None):
        self._path = journal
        self._file: TextIO | None = None
        self.clear()
        if journal is not None:
            self._open(journal)

    def clear(self) -> None:
        """Forget everything, on disk as well."""
        self.accounts: dict[str, Record] = {}
        self.doors: dict[str, Record] = {}
        self.tokens: dict[str, Record] = {}
        self.media: dict[str, Record] = {}
        self.posts: dict[str, Record] = {}
        self.comments: dict[str, Record] = {}
        self.by_handle: dict[str, str] = {}
        self.by_key: dict[tuple[str, str], str] = {}
        self.posts_of: dict[str, list[str]] = defaultdict(list)
        self.comments_of: dict[str, list[str]] = defaultdict(list)
        self.sequence = 0
        if self._file is not None:
            self._file.truncate(0)

    def next(self) -> int:
        self.sequence += 1
        return self.sequence

    def put(self, table: str, record: Record) -> Record:
        """Store or replace a record by its id, and write it down."""
        self._index(table, record)
        if self._file is not None:
            self._file.write(json.dumps([table, record], separators=(",", ":")) + "\n")
        return record

    def drop(self, table: str, record_id: str) -> None:
        if self._forget(table, record_id) and self._file is not None:
            self._file.write(json.dumps([table, {"id": record_id, "gone": True}]) + "\n")

    def add_account(self, handle: str, name: str, webhook: Record | None = None, followers: int = 0) -> Record:
        return self.put(
            "accounts",
            {"id": f"a{self.next()}", "handle": handle, "name": name, "webhook": webhook, "followers": followers},
        )

    def add_door(self, account: str, kind: str, entitlement: str, **details: str) -> Record:
        """A way in: kind role, app_password, app or invitation. An app password is named after its person by
        `label`.
        """
        door = {
            "id": f"d{self.next()}",
            "account": account,
            "kind": kind,
            "entitlement": entitlement,
            "label": details.get("label", ""),
            "holder_id": details.get("holder_id", ""),
            "holder_handle": details.get("holder_handle", ""),
            "holder_name": details.get("holder_name", ""),
            "created_at": time.time(),
        }
        return self.put("doors", door)

    def add_token(self, door: Record, expires_in: float | None = None) -> Record:
        return self.put(
            "tokens",
            {
                "id": f"sbx_{secrets.token_urlsafe(18)}",
                "account": door["account"],
                "door": door["id"],
                "expires_at": None if expires_in is None else time.time() + expires_in,
                "dead": False,
            },
        )

    def add_media(self, account: str, mime: str, alt: str, content: bytes) -> Record:
        """A picture or a video that nobody sees until a post shows it. `content` is kept as base64."""
        kept = base64.b64encode(content).decode()
        made = {"id": f"m{self.next()}", "account": account, "mime": mime, "alt": alt, "content": kept}
        return self.put("media", made)

    def add_post(self, account: str, text: str, key: str = "", door: str = "", **details: Any) -> Record:
        number = self.next()
        post = {"id": f"p{number}", "account": account, "text": text, "key": key, "door": door, **details}
        post.update(sequence=number, created_at=time.time())
        return self.put("posts", post)

    def add_comment(self, account: str, kind: str, text: str, author: Record, **details: Any) -> Record:
        """Said to the account: kind comment (on `post`, perhaps answering `parent`) or mention. `ours`: said by it."""
        number = self.next()
        comment = {
            "id": f"c{number}",
            "account": account,
            "kind": kind,
            "text": text,
            "author": author,
            "post": details.get("post", ""),
            "parent": details.get("parent", ""),
            "key": details.get("key", ""),
            "ours": details.get("ours", False),
            "version": 0,
            "deleted": False,
            "sequence": number,
            "created_at": time.time(),
        }
        return self.put("comments", comment)

    def change_comment(self, comment: Record, **changes: Any) -> Record:
        """An edit or a deletion: a newer version, later in the feed."""
        return self.put("comments", {**comment, **changes, "version": comment["version"] + 1, "sequence": self.next()})

    def flush(self) -> None:
        if self._file is not None:
            self._file.flush()

    def _forget(self, table: str, record_id: str) -> bool:
        record = getattr(self, table).pop(record_id, None)
        if table == "posts" and record is not None:
            self.posts_of[record["account"]].remove(record_id)
            self.by_key.pop((record["account"], record["key"]), None)
        return record is not None

    def _index(self, table: str, record: Record) -> None:
        known = getattr(self, table)
        new = record["id"] not in known
        known[record["id"]] = record
        if table == "accounts":
            self.by_handle[record["handle"]] = record["id"]
        elif table == "posts" and new:
            self.posts_of[record["account"]].append(record["id"])
        elif table == "comments" and new:
            self.comments_of[record["account"]].append(record["id"])
        if table in ("posts", "comments") and record["key"]:
            self.by_key[record["account"], record["key"]] = record["id"]

    def _open(self, journal: Path) -> None:
        journal.parent.mkdir(parents=True, exist_ok=True)
        if journal.exists():
            for line in journal.read_text(encoding="utf-8").splitlines():
                self._replay(line)
        compact = journal.with_suffix(journal.suffix + ".new")
        with compact.open("w", encoding="utf-8") as file:
            for table in TABLES:
                for record in getattr(self, table).values():
                    file.write(json.dumps([table, record], separators=(",", ":")) + "\n")
        compact.replace(journal)
        self._file = journal.open("a", encoding="utf-8", buffering=1)

    def _replay(self, line: str) -> None:
        try:
            table, record = json.loads(line)
        except ValueError:
            return  # the last line of a process that was killed while it wrote
        if record.get("gone"):
            self._forget(table, record["id"])
            return
        self._index(table, record)
        self.sequence = max(self.sequence, record.get("sequence", 0), int(record["id"][1:]) if table != "tokens" else 0)
