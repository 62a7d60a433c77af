"""Notes on days of the calendar, by those who plan."""

from datetime import date, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models.functions import Now

from accounts.audit import record, register
from accounts.models import Person
from publishing.models import Note
from publishing.permissions import may_plan

LONGEST = timedelta(days=366)
MOST_A_DAY = 50  # of one person: a calendar is not filled by a script

register("note.added", "wrote a note onto the calendar")
register("note.changed", "changed a note on the calendar")
register("note.removed", "took a note off the calendar")


@transaction.atomic
def add_note(by: Person, title: str, first: date, last: date | None = None, **more: Any) -> Note:
    """On the days from `first` to `last`, both of them among it. `more`: colour, campaign."""
    _require(by)
    Person.objects.select_for_update(no_key=True).get(pk=by.pk)  # two at once are counted one after the other
    if Note.objects.filter(added_by=by, added_at__gt=Now() - timedelta(days=1)).count() >= MOST_A_DAY:
        raise ValidationError(
            f"You have written {MOST_A_DAY} notes within a day. Change one of them, or go on tomorrow."
        )
    note = Note(title=title.strip(), first=first, last=last or first, added_by=by, **more)
    _check(note)
    note.save()
    record(by, "note.added", note, **_told(note))
    return note


@transaction.atomic
def change_note(note: Note, by: Person, **said: Any) -> Note:
    """`said`: title, first, last, colour, campaign."""
    _require(by)
    note = Note.objects.select_for_update(of=("self",)).get(pk=note.pk)
    before = _told(note)
    for name, value in said.items():
        setattr(note, name, value.strip() if isinstance(value, str) else value)
    note.last = note.last or note.first
    _check(note)
    note.save()
    record(by, "note.changed", note, was=before, **_told(note))
    return note


@transaction.atomic
def remove_note(note: Note, by: Person) -> None:
    _require(by)
    record(by, "note.removed", note, **_told(note))
    note.delete()


def _require(by: Person) -> None:
    if not may_plan(by):
        raise PermissionDenied("Only somebody who may write posts, or a social lead, writes notes onto the calendar.")


def _check(note: Note) -> None:
    if not note.title:
        raise ValidationError({"title": "Write what is to be known of these days."})
    if note.last < note.first:
        raise ValidationError({"last": "The last day comes before the first."})
    if note.last - note.first > LONGEST:
        raise ValidationError({"last": "A note lies over a year at most."})
    if not 2000 <= note.first.year < 2200:
        raise ValidationError({"first": "Choose a day that the calendar shows."})
    note.clean_fields(exclude=["campaign", "added_by"])


def _told(note: Note) -> dict[str, Any]:
    return {
        "title": note.title, "first": note.first.isoformat(), "last": note.last.isoformat(), "colour": note.colour,
        "campaign": note.campaign_id,
    }  # fmt: skip
