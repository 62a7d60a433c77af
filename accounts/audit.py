"""The trail: every verb records what it did, in its own transaction.

Actions are registered where they are done, so that the trail's vocabulary is closed and readable.
"""

from collections.abc import Iterable
from typing import Any

from django.db import models, transaction
from django.db.models.functions import Now

from accounts.models import AuditEvent, Person

_actions: dict[str, str] = {}


def register(action: str, words: str) -> None:
    """Declare an action ("post.created") with the words a person reads ("wrote a post")."""
    if _actions.setdefault(action, words) != words:
        raise ValueError(f"the action {action} is registered twice, with different words")


def record(by: Person | None, action: str, subject: models.Model, **data: Any) -> None:
    record_many([(by, action, subject, data)])


def record_many(entries: Iterable[tuple[Person | None, str, models.Model, dict[str, Any]]]) -> None:
    """Several events in one insert. Raises outside a transaction: an event must live or die with its change."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("an audit event belongs into the transaction of its change")
    AuditEvent.objects.bulk_create([_event(*entry) for entry in entries])


def _event(by: Person | None, action: str, subject: models.Model, data: dict[str, Any]) -> AuditEvent:
    if action not in _actions:
        raise ValueError(f"the action {action} is not registered")
    return AuditEvent(
        at=Now(),
        actor=by,
        actor_label=str(by) if by else "Socialops",
        action=action,
        subject_type=subject._meta.model_name or "",
        subject_id=str(subject.pk),
        subject_label=str(subject)[:200],
        data=data,
    )
