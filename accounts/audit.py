"""The trail: every verb records what it did, in its own transaction.

Actions are registered where they are done, so that the trail's vocabulary is closed and readable.
"""

import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Protocol

from django.db import connection, transaction
from structlog.contextvars import get_contextvars

from accounts.models import AuditEvent, Person

SYSTEM = "Socialops"


class Subject(Protocol):
    """A model's row, or whatever stands for one."""

    _meta: ClassVar[Any]
    pk: Any


_words: dict[str, str] = {}
LABELS: Mapping[str, str] = MappingProxyType(_words)  # every action with the words a person reads


def register(action: str, words: str) -> None:
    """Declare an action ("post.created") with the words a person reads ("wrote a post")."""
    if _words.setdefault(action, words) != words:
        raise ValueError(f"the action {action} is registered twice, with different words")


def record(by: Person | None, action: str, subject: Subject, **data: Any) -> None:
    """`by=None` is the system. `data` is what a reader needs to understand the event; never a secret."""
    record_many([(by, action, subject, data)])


def record_many(entries: Iterable[tuple[Person | None, str, Subject, dict[str, Any]]]) -> None:
    """Several events in one insert. Raises outside a transaction: an event must live or die with its change."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("an audit event belongs into the transaction of its change")
    token = _token()
    events = [_event(token, *entry) for entry in entries]
    if events:
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, [_click(), json.dumps(events)])


def words(action: str) -> str:
    """What a person reads. An action that is no longer registered keeps its name."""
    return _words.get(action, action.replace(".", " ").replace("_", " "))


def _token() -> dict[str, str]:
    """The API token that the request came with: whose it is stands as the actor, here stands which."""
    token = get_contextvars().get("api_token")
    return {"api_token": str(token)} if token else {}


def _click() -> str:
    """One id for everything that one request or one task did; the logs carry the same id."""
    bound = get_contextvars()
    return str(bound.get("task_id") or bound.get("request_id") or "")[:40]


def _event(
    token: dict[str, str], by: Person | None, action: str, subject: Subject, data: dict[str, Any]
) -> dict[str, Any]:
    if action not in _words:
        raise ValueError(f"the action {action} is not registered")
    return {
        "actor_id": by.pk if by else None,
        "actor_label": str(by)[:160] if by else SYSTEM,
        "action": action,
        "subject_type": subject._meta.model_name or "",
        "subject_id": str(subject.pk),
        "subject_label": str(subject)[:200],
        "data": data | token,
    }


# One statement for any number of events: a burst of deliveries writes thousands in a second.
_INSERT = f"""
INSERT INTO {AuditEvent._meta.db_table}
    (at, click, actor_id, actor_label, action, subject_type, subject_id, subject_label, data)
SELECT statement_timestamp(), %s, actor_id, actor_label, action, subject_type, subject_id, subject_label, data
FROM jsonb_to_recordset(%s::jsonb) AS event(actor_id bigint, actor_label text, action text, subject_type text,
    subject_id text, subject_label text, data jsonb)
"""  # noqa: S608 (a table's name)
