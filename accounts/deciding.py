"""What came in from the directory and was not done, or not all of it: put before the administrators, and decided."""

from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.urls import reverse

from accounts import audit, departing, notifying
from accounts.models import DirectoryKey, DirectoryMatter, Person, Role
from accounts.permissions import people_with_role, require_role

audit.register("directory_matter.raised", "put something from the directory before the administrators")
audit.register("directory_matter.settled", "decided about something from the directory")

Kind = DirectoryMatter.Kind


@dataclass(frozen=True)
class Raised:
    """`mark`: what it is about, so that the same again only counts. `quietly`: known to nobody who does not look."""

    kind: str
    mark: str
    words: str
    person: Person | None = None
    data: dict[str, Any] = field(default_factory=dict)


@transaction.atomic
def put_forward(raised: Raised, key: DirectoryKey | None) -> DirectoryMatter:
    """Once, however often it comes while it is open. Every administrator is told, by mail too."""
    open_ones = DirectoryMatter.objects.select_for_update().filter(settled_at=None)
    found = open_ones.filter(kind=raised.kind, mark=raised.mark[:120]).first()
    if found:
        DirectoryMatter.objects.filter(pk=found.pk).update(times=F("times") + 1, words=raised.words[:500])
        return found
    matter, made = DirectoryMatter.objects.get_or_create(
        kind=raised.kind, mark=raised.mark[:120], settled_at=None,
        defaults={"key": key, "person": raised.person, "words": raised.words[:500], "data": raised.data},
    )  # fmt: skip
    if made:
        subject = raised.person or matter
        audit.record(None, "directory_matter.raised", subject, kind=raised.kind, **(key.provenance() if key else {}))
        for admin in people_with_role(Role.ADMIN):
            if admin != raised.person:
                notifying.notify(
                    admin, "directory.matter", raised.words[:300], reverse("directory_matter_list"), mail=True
                )
    return matter


@transaction.atomic
def settle(matter: DirectoryMatter, by: Person, do: bool) -> DirectoryMatter:
    """Done as it was asked for, where that can be done here, or left as it is. Never about oneself."""
    require_role(by, Role.ADMIN)
    matter = DirectoryMatter.objects.select_for_update(of=("self",)).select_related("person", "key").get(pk=matter.pk)
    if matter.settled_at:
        raise ValidationError("Somebody has decided this already.")
    if matter.person_id == by.pk:
        raise ValidationError("This is about you. Another administrator decides it.")
    if do and matter.kind in LEAVING and matter.person:
        now = departing.wall_now()
        departing.mark_departed(matter.person, now, "UTC", by, matter.data.get("reason", ""))
    matter.settled_at, matter.settled_by, matter.outcome = Now(), by, "done" if do else "left"
    matter.save(update_fields=["settled_at", "settled_by", "outcome"])
    subject = matter.person or matter
    audit.record(by, "directory_matter.settled", subject, kind=matter.kind, outcome=matter.outcome)
    return matter


LEAVING = (Kind.TOO_MANY, Kind.LAST_ADMIN)  # what may be done at the press of a button: the person leaves now


@transaction.atomic
def settle_by_itself(person: Person, *kinds: str) -> None:
    """What was open about somebody is moot: they left, or came back."""
    DirectoryMatter.objects.filter(person=person, kind__in=kinds, settled_at=None).update(
        settled_at=Now(), outcome="moot"
    )
