"""Signed messages of a personnel system: who leaves and when, who left, who moved, who is away, who is back.

A message is kept before anything is done with it, and done once. What cannot be done is put before the administrators.
"""

import json
import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models.functions import Now

from accounts import audit, covering, deciding, departing, entrusting, moving
from accounts.models import DirectoryKey, DirectoryMatter, HookMessage, Person, Role
from accounts.permissions import require_role
from accounts.queries.directory import somebody
from socialops.lib.turns import safely

log = logging.getLogger(__name__)
Kind = DirectoryMatter.Kind
audit.register("directory.heard", "did what the personnel system said")


class NotDone(Exception):
    """It is not done, and a person looks at it."""

    def __init__(self, words: str, kind: str = Kind.REFUSED, person: Person | None = None):
        super().__init__(words)
        self.words, self.kind, self.person = words, kind, person


def keep(key: DirectoryKey, webhook_id: str, body: str, sent_at: datetime) -> tuple[HookMessage, bool]:
    """The message as it came, and whether it is new. Committed before anything is done with it."""
    kept, new = HookMessage.objects.get_or_create(
        key=key, webhook_id=webhook_id, defaults={"body": body, "said_at": _said_at(body) or sent_at}
    )
    entrusting.note_use(key)
    return kept, new


def catch_up() -> int:
    """Do what was kept and not done, because a process died between the two."""
    waiting = HookMessage.objects.filter(done_at=None, received_at__lt=Now() - timedelta(seconds=10))
    return sum(bool(safely(heed, message)) for message in waiting.order_by("received_at")[:100])


@transaction.atomic
def heed(message: HookMessage) -> HookMessage:
    """Do what it says, once. What cannot be done becomes a matter for the administrators, with the reason."""
    message = HookMessage.objects.select_for_update(of=("self",)).select_related("key").get(pk=message.pk)
    if message.done_at:
        return message
    try:
        with transaction.atomic():
            message.outcome = _do(message)[:200]
    except (NotDone, ValidationError, PermissionDenied) as error:
        message.outcome = _put_forward(message, error)[:200]
    message.done_at = Now()
    message.save(update_fields=["done_at", "outcome", "person"])
    message.refresh_from_db(fields=["done_at"])
    return message


@transaction.atomic
def heed_again(matter: DirectoryMatter, by: Person) -> HookMessage | None:
    """What could not be done is tried once more, now that somebody has seen to it. None: there is no such message."""
    require_role(by, Role.ADMIN)
    message = HookMessage.objects.filter(pk=matter.data.get("message", 0)).first()
    if message is None or matter.settled_at:
        return None
    deciding.settle(matter, by, do=True)
    HookMessage.objects.filter(pk=message.pk).update(done_at=None, outcome="")
    return heed(message)


def _do(message: HookMessage) -> str:
    kind, data = _read(message.body)
    person = _meant(data)
    message.person = person
    if HookMessage.objects.filter(person=person, said_at__gt=message.said_at).exclude(done_at=None).exists():
        raise NotDone(f"“{kind}” about {person} came late: a newer message about them was done before.", person=person)
    said = KINDS[kind](message.key, person, data)
    audit.record(
        None, "directory.heard", person, kind=kind, message=message.webhook_id[:80], **message.key.provenance()
    )
    return said


def _read(body: str) -> tuple[str, dict[str, Any]]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotDone("The message is not JSON.") from error
    kind, data = (said.get("type"), said.get("data")) if isinstance(said, dict) else (None, None)
    if kind not in KINDS or not isinstance(data, dict):
        raise NotDone(f"The message has a type that is not known here: {str(kind)[:60]}.")
    return kind, data


def _meant(data: dict[str, Any]) -> Person:
    found = somebody(_text(data, "email"), _text(data, "external_id"))
    if len(found.people) == 1:
        return found.people[0]
    named = _text(data, "email") or _text(data, "external_id") or "nobody"
    if found.people:
        raise NotDone(f"{named} means more than one person: {', '.join(map(str, found.people[:3]))}.")
    if found.alike:
        words = f"{named} looks like {found.alike} ({found.alike.email}), but has letters of another alphabet."
        raise NotDone(words, Kind.TWIN, found.alike)
    raise NotDone(f"Nobody here is {named}. Add them, or correct it over there, then try again.", Kind.UNKNOWN)


def _leaving(key: DirectoryKey, person: Person, data: dict[str, Any]) -> str:
    zone = _text(data, "time_zone") or person.time_zone
    if last_day := _text(data, "last_day"):
        wall = datetime.combine(_day(last_day, "last_day") + timedelta(days=1), time())
    else:
        wall = _wall(_text(data, "at"))
    departing.announce_departure(person, wall, zone, key, _text(data, "reason"))
    return f"{person} leaves {wall:%Y-%m-%d %H:%M} {zone}"


def _left(key: DirectoryKey, person: Person, data: dict[str, Any]) -> str:
    departing.announce_departure(person, departing.wall_now(), "UTC", key, _text(data, "reason"))
    return f"{person} is out"


def _changed(key: DirectoryKey, person: Person, data: dict[str, Any]) -> str:
    entrusting.require_answerable(key)
    manager = None
    if isinstance(said := data.get("manager"), dict):
        manager = _meant(said)
    move = moving.move(person, key, manager, _text(data, "team"))
    return f"{person} moved" if move else "nothing changed"


def _away(key: DirectoryKey, person: Person, data: dict[str, Any]) -> str:
    last = _text(data, "last_day")
    covering.record_leave(
        person, _day(_text(data, "first_day"), "first_day"), _day(last, "last_day") if last else None, key
    )
    return f"{person} is away"


def _back(key: DirectoryKey, person: Person, data: dict[str, Any]) -> str:
    """From a leave, or after all not leaving. Whoever has left is invited by a person, or stays out."""
    if Person.objects.departed().filter(pk=person.pk).exists():
        raise NotDone(f"{person} is said to be back. Invite them if they are to sign in again.", Kind.BACK, person)
    if departing.call_off(person, key):
        return f"{person} stays"
    if covering.end_leave(person, key):
        return f"{person} is back"
    raise NotDone(f"{person} is said to be back, and was not known to be away or leaving.", person=person)


KINDS: dict[str, Callable[[DirectoryKey, Person, dict[str, Any]], str]] = {
    "person.leaving": _leaving, "person.left": _left, "person.changed": _changed, "person.away": _away,
    "person.back": _back,
}  # fmt: skip


def _put_forward(message: HookMessage, error: Exception) -> str:
    kind, person = getattr(error, "kind", Kind.REFUSED), getattr(error, "person", message.person)
    if isinstance(error, departing.TooMany):
        kind = Kind.TOO_MANY
    if isinstance(error, departing.LastAdministrator):
        kind = Kind.LAST_ADMIN
    words = getattr(error, "words", "") or " ".join(getattr(error, "messages", [])) or str(error)
    mark = f"{person.pk}" if kind in deciding.LEAVING and person else f"message {message.pk}"
    raised = deciding.Raised(kind, mark, words, person, {"message": message.pk, "said": message.body[:2000]})
    deciding.put_forward(raised, message.key)
    return f"waits for a person: {words}"


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    return value.strip()[:400] if isinstance(value, str) else ""


def _day(said: str, name: str) -> date:
    try:
        return date.fromisoformat(said)
    except ValueError as error:
        raise NotDone(f"{name} is no day such as 2027-03-28: “{said[:40]}”.") from error


def _wall(said: str) -> datetime:
    try:
        wall = datetime.fromisoformat(said)
    except ValueError as error:
        raise NotDone(f"“at” is no time such as 2027-03-28T17:30: “{said[:40]}”.") from error
    if wall.tzinfo is not None:
        raise NotDone("“at” is a time on the wall, without an offset; the zone stands in time_zone.")
    return wall.replace(second=0, microsecond=0)


def _said_at(body: str) -> datetime | None:
    """When it was said, by whoever said it; None where that cannot be read."""
    try:
        stamp = json.loads(body).get("timestamp")
        at = datetime.fromisoformat(stamp)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    return at.astimezone(UTC) if at.tzinfo and 2000 < at.year < 2200 else None
