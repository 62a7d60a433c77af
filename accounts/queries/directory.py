"""People as the company's directory sees them: their entry, whether they are in, and which version that is."""

from dataclasses import dataclass
from typing import Any

from django.db.models import BooleanField, Case, Count, Exists, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, Now

from accounts.models import Departure, DirectoryEntry, DirectoryKey, DirectoryMatter, Person, TeamMembership
from socialops.lib.lookalikes import key, letters

MOST_MATTERS, FEW_ENDED = 50, 10


@dataclass(frozen=True)
class Known:
    """`active`: whether the directory may take them for active: its latest word, unless they left since."""

    person: Person
    entry: DirectoryEntry | None
    active: bool
    present: bool
    version: str


def known_people(deleted: bool = False) -> "_Rows":
    """Everybody whom the directory has not deleted, or all."""
    people = Person.objects.select_related("entry").annotate(
        is_out=Exists(_out()), swept_out=Exists(_out().filter(swept_at__isnull=False)),
        came=Coalesce(Subquery(_came()), 0),
    )  # fmt: skip
    people = people.annotate(is_active=_ACTIVE, changed=Coalesce("entry__changed_at", "created_at"))
    return _Rows(people if deleted else people.filter(Q(entry=None) | Q(entry__deleted_at=None)))


class _Rows:
    """A query whose rows come as Known."""

    def __init__(self, people: QuerySet[Person]):
        self.people = people

    def filter(self, *conditions: Q, **named: Any) -> "_Rows":
        return _Rows(self.people.filter(*conditions, **named))

    def order_by(self, *names: str) -> "_Rows":
        return _Rows(self.people.order_by(*names))

    def get(self, **named: Any) -> Known:
        return _known(self.people.get(**named))

    def first(self) -> Known | None:
        person = self.people.first()
        return _known(person) if person else None

    def count(self) -> int:
        return self.people.count()

    def page(self, start: int, count: int) -> list[Known]:
        return [_known(person) for person in self.people.order_by("pk")[start : start + count]]

    def all(self) -> list[Known]:
        return [_known(person) for person in self.people.order_by("pk")]


def _known(person: Any) -> Known:
    entry = getattr(person, "entry", None)
    version = f"{entry.version if entry else 0}.{person.came}"
    return Known(person, entry, person.is_active, not person.is_out, version)


def _out() -> QuerySet[Departure]:
    return Departure.objects.filter(person=OuterRef("pk"), withdrawn_at=None, returned_at=None, at__lte=Now())


def _came() -> QuerySet:
    """How many departures have come: it never goes down, so a version is never used twice."""
    came = Departure.objects.filter(person=OuterRef("pk"), withdrawn_at=None, at__lte=Now()).order_by()
    return came.values("person").annotate(n=Count("pk")).values("n")


@dataclass(frozen=True)
class Found:
    """`alike`: somebody whose address only looks like the one asked for."""

    people: list[Person]
    alike: Person | None = None


def somebody(email: str = "", external_id: str = "") -> Found:
    """Whom an address, in any case and width, or an id of the directory means. Both have to mean the same person."""
    people = Person.objects.select_related("entry").order_by("pk")
    found = list(people.filter(entry__external_id=external_id, entry__deleted_at=None)) if external_id else []
    if email:
        by_mail = list(people.filter(Q(email=key(email)) | Q(entry__addresses__contains=[key(email)])).distinct())
        found = [each for each in found if each in by_mail] or (by_mail if not external_id else [])
        if not found and not by_mail:
            looks = Q(email=letters(email)) | Q(entry__user_name_skeleton=letters(email))
            return Found([], people.filter(looks).first())
    return Found(found)


def teams_of(people: list[Person]) -> dict[int, list[TeamMembership]]:
    """By person. One query."""
    found: dict[int, list[TeamMembership]] = {}
    for each in TeamMembership.objects.filter(person__in=people).select_related("team").order_by("team_id"):
        found.setdefault(each.person_id, []).append(each)
    return found


def directory_keys() -> list[DirectoryKey]:
    """Those that are good first, then the last that were ended; each with `left`: nobody answers for it any more."""
    gone = Person.objects.departed().filter(pk=OuterRef("answerable"))
    found = DirectoryKey.objects.defer("sealed_secret").select_related("answerable", "ended_by")
    found = found.annotate(left=Exists(gone))
    good = list(found.filter(ended_at=None).order_by("kind", "name", "pk"))
    return good + list(found.exclude(ended_at=None).order_by("-ended_at")[:FEW_ENDED])


def matters_page(before: int = 0) -> tuple[list[DirectoryMatter], int]:
    """What waits, the latest first, and where the next page begins (0 at the end). One query."""
    found = open_matters()
    page = list((found.filter(pk__lt=before) if before else found)[: MOST_MATTERS + 1])
    return page[:MOST_MATTERS], page[MOST_MATTERS - 1].pk if len(page) > MOST_MATTERS else 0


def open_matters() -> QuerySet[DirectoryMatter]:
    return DirectoryMatter.objects.filter(settled_at=None).select_related("key", "person").order_by("-pk")


# A departure that has come counts until its sweep has been and the directory has said since that they are back.
_ACTIVE = Case(
    When(is_out=True, swept_out=False, then=Value(False)),
    When(is_out=True, entry=None, then=Value(False)),
    default=Coalesce("entry__active", Value(True)),
    output_field=BooleanField(),
)
