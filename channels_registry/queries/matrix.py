"""People and channels crossed: for each pair the strongest level, where it drifts, and when it was last proven."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import BooleanField, Case, ExpressionWrapper, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Lower, Now

from accounts.models import Departure, Person, User
from channels_registry.models import AccessGrant, Channel, NetworkIdentity
from channels_registry.permissions import Oversight
from channels_registry.queries.drift import mark_of, where_it_may_be
from channels_registry.queries.narrowing import Filters, second_factors
from channels_registry.queries.strength import strongest
from socialops.lib.numbers import number
from socialops.lib.prepared import among, prepared

PEOPLE, CHANNELS = 40, 14  # of a page
FEW = 400  # people, whose doors are read to know their channels
STEPS = (60, 440)  # channels that are looked through for one page, where few may match
DOOR = ("channel_id", "person_id", "door", "entitlement", "source", "last_proven_at")


class Cell:
    """The doors of one person on one channel. `listing`: channels whose network lists roles. `proven`: when one of the
    doors over there was last seen.
    """

    __slots__ = ("channel", "doors", "fits", "listing", "proven")

    def __init__(self, channel: int, listing: set[int]):
        self.channel, self.listing = channel, listing
        self.doors: list[tuple[str, str, str]] = []
        self.fits = False
        self.proven: datetime | None = None

    def mark(self) -> str:
        return mark_of(self.doors, self.channel in self.listing)

    def strongest(self) -> tuple[int, str, str]:
        return strongest(self.doors)

    def is_wanted(self, drift: str) -> bool:
        if not self.fits or not drift:
            return self.fits
        mark = self.mark()
        return mark != "" if drift == "any" else mark == drift


@dataclass
class Row:
    person: Person
    cells: list[Cell | None]


@dataclass
class Matrix:
    """A page of it. `people` is how many reach the columns shown. `channels` is how many columns there are in all, None
    where only a full search would tell. `nobodys`: by column, the doors that are nobody's, if any. `down`, `across`:
    where the next page begins, "" at the end.
    """

    columns: list[Channel]
    rows: list[Row] = field(default_factory=list)
    nobodys: list[int] = field(default_factory=list)
    people: int = 0
    channels: int | None = None
    down: str = ""
    across: str = ""


def matrix(sight: Oversight, chosen: Filters) -> Matrix:
    """One page. Four queries, up to six where people or doors narrow it, whatever the size of the company."""
    found = sight.channels().filter(chosen.channels())
    total, people = None, None
    if chosen.picks_people:
        people = list(chosen.people().values_list("pk", flat=True))
    if people is not None or chosen.picks_doors:
        columns, across = _searched(found, chosen, people)
    else:
        total = found.count()
        columns, across = _page(found, "name", chosen.across, CHANNELS)
    shown = [channel.pk for channel in columns]
    cells, nobodys = _crossed(shown, chosen, None if people is None else set(people))
    holders = {person for _, person in cells}
    rows, down = _page(_about(holders), "sort", chosen.down, PEOPLE)
    unnamed = people is None and not chosen.level and any(nobodys.values())
    by_column = [nobodys.get(pk, 0) for pk in shown] if unnamed else []
    return Matrix(
        columns, [Row(person, [cells.get((pk, person.pk)) for pk in shown]) for person in rows], by_column,
        len(holders), total, down, across,
    )  # fmt: skip


def _searched(found: QuerySet[Channel], chosen: Filters, people: list[int] | None) -> tuple[list[Channel], str]:
    """The next columns on which somebody who is wanted has a door that is wanted. Where they are rare, the search ends
    before the last channel, and `across` goes on from there. Two or three queries.
    """
    doors = AccessGrant.objects.standing().filter(chosen.levels(), person__isnull=False)
    if people is not None:
        doors = doors.filter(among("person", people))
        if len(people) <= FEW:
            return _page(found.filter(pk__in=_with_doors(doors, chosen)), "name", chosen.across, CHANNELS)
    candidates = list(_after(found.order_by("name", "pk"), "name", chosen.across)[: sum(STEPS) + 1])
    matching: list[Channel] = []
    looked = 0
    for step in STEPS:
        batch = candidates[looked : looked + step]
        looked += len(batch)
        hits = _with_doors(doors.filter(among("channel", [each.pk for each in batch])), chosen)
        matching += [each for each in batch if each.pk in hits]
        if len(matching) > CHANNELS or looked == len(candidates):
            break
    ends = matching[CHANNELS - 1] if len(matching) > CHANNELS else None
    last = ends or (candidates[looked - 1] if looked < len(candidates) else None)
    return matching[:CHANNELS], f"{last.name}|{last.pk}" if last else ""


def _with_doors(doors: QuerySet[AccessGrant], chosen: Filters) -> set[int]:
    """The channels of these doors; those where they may drift, if that is wanted. One query."""
    if chosen.drift:
        return {row["channel"] for row in where_it_may_be(doors, chosen.drift).values("channel", "person")}
    return set(doors.order_by().values_list("channel", flat=True).distinct())


def _crossed(
    channels: list[int], chosen: Filters, people: set[int] | None
) -> tuple[dict[tuple[int, int], Cell], dict[int, int]]:
    """What stands in the cells of these columns, by (channel, person), and by channel how many doors are nobody's. One
    query.
    """
    pairs: dict[tuple[int, int], Cell] = {}
    nobodys: dict[int, int] = {}
    listing: set[int] = set()
    for channel, person, door, level, source, seen, matched, fits in _doors(chosen.level, channels=channels):
        if door == "role" and source == "observed":
            listing.add(channel)
        if person is None:
            nobodys[channel] = nobodys.get(channel, 0) + (source == "observed" and matched != "nobody")
        elif people is None or person in people:
            pair = pairs.get((channel, person))
            if pair is None:
                pair = pairs[channel, person] = Cell(channel, listing)
            pair.doors.append((door, level, source))
            pair.fits |= fits
            if seen and door != "right" and (pair.proven is None or seen > pair.proven):
                pair.proven = seen
    return {key: pair for key, pair in pairs.items() if pair.is_wanted(chosen.drift)}, nobodys


@prepared
def _doors(level: str, channels: list[int]) -> QuerySet:
    fits = ExpressionWrapper(Filters(level=level).levels(), BooleanField())
    doors = AccessGrant.objects.standing().filter(among("channel", channels), ours=False)
    matched = NetworkIdentity.objects.filter(pk=OuterRef("identity")).values("matched_by")[:1]
    return doors.values_list(*DOOR, Case(When(person=None, then=Subquery(matched))), fits)


def _page(found: QuerySet, by: str, after: str, most: int) -> tuple[list, str]:
    """By this column and the id; with where to go on, "" at the end."""
    rows = list(_after(found.order_by(by, "pk"), by, after)[: most + 1])
    return rows[:most], f"{getattr(rows[most - 1], by)}|{rows[most - 1].pk}" if len(rows) > most else ""


def _after(found: QuerySet, by: str, after: str) -> QuerySet:
    """What comes after "value|id"."""
    value, _, last = after.rpartition("|")
    if (pk := number(last)) is None:
        return found
    return found.filter(Q(**{f"{by}__gt": value}) | Q(**{by: value, "pk__gt": pk}))


def _about(people: Iterable[int]) -> QuerySet[Person]:
    """`gone`: whether they have left; `signs_in`, and `secured`: whether with a second factor.

    Each is read for those of the page only. With Exists the planner reads everybody's.
    """
    facts = {
        "gone": Departure.objects.filter(person=OuterRef("pk"), withdrawn_at=None, returned_at=None, at__lte=Now()),
        "signs_in": User.objects.filter(person=OuterRef("pk"), is_active=True),
        "secured": second_factors(OuterRef("pk")),
    }
    asked = {name: Subquery(rows.values("pk")[:1]) for name, rows in facts.items()}
    return Person.objects.filter(among("pk", list(people))).only("name").annotate(sort=Lower("name"), **asked)
