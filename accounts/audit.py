"""The trail: every verb records what it did, in its own transaction.

Actions are registered where they are done, so that the trail's vocabulary is closed and readable.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from django.db import models, transaction
from django.db.models.functions import Now
from structlog.contextvars import get_contextvars

from accounts.models import AuditEvent, Person

SYSTEM = "Socialops"
_words: dict[str, str] = {}
LABELS: Mapping[str, str] = MappingProxyType(_words)  # every action with the words a person reads


def register(action: str, words: str) -> None:
    """Declare an action ("post.created") with the words a person reads ("wrote a post")."""
    if _words.setdefault(action, words) != words:
        raise ValueError(f"the action {action} is registered twice, with different words")


def record(by: Person | None, action: str, subject: models.Model, **data: Any) -> None:
    """`by=None` is the system. `data` is what a reader needs to understand the event; never a secret."""
    record_many([(by, action, subject, data)])


def record_many(entries: Iterable[tuple[Person | None, str, models.Model, dict[str, Any]]]) -> None:
    """Several events in one insert. Raises outside a transaction: an event must live or die with its change."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("an audit event belongs into the transaction of its change")
    click = _click()
    AuditEvent.objects.bulk_create([_event(*entry, click=click) for entry in entries])


def words(action: str) -> str:
    """What a person reads. An action that is no longer registered keeps its name."""
    return _words.get(action, action.replace(".", " ").replace("_", " "))


def _click() -> str:
    """One id for everything that one request or one task did; the logs carry the same id."""
    bound = get_contextvars()
    return str(bound.get("task_id") or bound.get("request_id") or "")[:40]


def _event(by: Person | None, action: str, subject: models.Model, data: dict[str, Any], *, click: str) -> AuditEvent:
    if action not in _words:
        raise ValueError(f"the action {action} is not registered")
    return AuditEvent(
        at=Now(),
        actor=by,
        actor_label=str(by)[:160] if by else SYSTEM,
        action=action,
        subject_type=subject._meta.model_name or "",
        subject_id=str(subject.pk),
        subject_label=str(subject)[:200],
        data=data,
        click=click,
    )
