"""Where everything hangs on one person: one administrator over there, one holder of a right, no backup, one who could
connect it again; and company roles with one holder.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db.models import Count, Max, Min, OuterRef, Q, QuerySet, Subquery

from accounts.models import Person, Role, RoleAssignment
from channels_registry.models import AccessGrant, Channel, Connection
from channels_registry.models.access_grant import Door
from channels_registry.permissions import Oversight
from channels_registry.queries.administrators import ADMIN_WORDS
from socialops.lib.numbers import number
from socialops.lib.prepared import among

LOOKED = 100  # channels of a page; those that hang on nobody alone are not shown
KINDS = {
    "admin": "One administrator over there",
    "publish": "One who may publish",
    "approve": "One who may approve",
    "answer": "One who may answer",
    "manage": "One who manages it",
    "backup": "No backup owner",
    "authoriser": "One who could connect it again",
}
RIGHTS = {"publish": "publisher", "approve": "approver", "answer": "responder"}


@dataclass
class Hanging:
    """A channel, and what hangs on whom there: kind and person (None: on nobody)."""

    channel: Channel
    points: list[tuple[str, Person | None]] = field(default_factory=list)


@dataclass
class SinglePoints:
    """`looked`: how many channels of `total` were looked at for this page; `next`: where the next begins, or ""."""

    rows: list[Hanging]
    looked: int
    total: int
    next: str


def single_points(sight: Oversight, kind: str = "", risk: str = "", after: str = "") -> SinglePoints:
    """Four queries."""
    found = sight.channels().filter(**({"risk_tier": risk} if risk else {}))
    if kind == "backup":
        found = found.filter(backup_owner=None)
    total = found.count()
    channels, more = _looked_at(found, after)
    alone = _alone([channel.pk for channel in channels])
    named = _names(alone) | {channel.owner_id for channel in channels}
    people = {person.pk: person for person in Person.objects.filter(among("pk", list(named))).only("name")}
    rows = []
    for channel in channels:
        points = [(each, people[who] if who else None) for each, who in _points(channel, alone) if kind in ("", each)]
        if points:
            channel.owner = people[channel.owner_id]
            rows.append(Hanging(channel, points))
    return SinglePoints(rows, len(channels), total, f"{channels[-1].name}|{channels[-1].pk}" if more else "")


def roles_of_one() -> list[tuple[str, Person]]:
    """Company roles that one present person holds alone: the role's words, and who. One query."""
    held = RoleAssignment.objects.filter(ended_at=None).exclude(person__in=Person.objects.departed())
    lone = held.order_by().values("role").annotate(n=Count("person")).filter(n=1).values("role")
    rows = held.filter(role__in=lone).select_related("person").order_by("role")
    return [(str(Role(each.role).label), each.person) for each in rows]


def _looked_at(found: QuerySet[Channel], after: str) -> tuple[list[Channel], bool]:
    value, _, last = after.rpartition("|")
    if (pk := number(last)) is not None:
        found = found.filter(Q(name__gt=value) | Q(name=value, pk__gt=pk))
    authoriser = Connection.objects.filter(channel=OuterRef("pk"), state="live").values("authorised_by")[:1]
    found = found.annotate(authoriser=Subquery(authoriser))
    rows = list(found.order_by("name", "pk")[: LOOKED + 1])
    return rows[:LOOKED], len(rows) > LOOKED


def _alone(channels: list[int]) -> dict[int, dict[str, int]]:
    """channel: kind: the one person. Who has left counts for nothing. One query."""
    gone = Person.objects.departed().values("pk")
    there = Q(revoked_at=None, door__in=(Door.RIGHT, Door.ROLE), person__isnull=False)  # as the index open_doors has it
    doors = AccessGrant.objects.standing().filter(there, among("channel", channels)).exclude(person__in=gone)
    over_there = Q(door=Door.ROLE, source=AccessGrant.Source.OBSERVED, entitlement__iregex=ADMIN_WORDS)
    holders = {kind: Q(door=Door.RIGHT, entitlement__in=(level, "manager")) for kind, level in RIGHTS.items()}
    holders |= {"manage": Q(door=Door.RIGHT, entitlement="manager"), "admin": over_there}
    bounds = {f"{kind}_{name}": of("person", filter=q) for kind, q in holders.items() for name, of in _BOUNDS.items()}
    rows = doors.order_by().values("channel").annotate(**bounds)
    return {
        row["channel"]: {
            kind: row[f"{kind}_first"] for kind in holders if _one(row[f"{kind}_first"], row[f"{kind}_last"])
        }
        for row in rows
    }


_BOUNDS = {"first": Min, "last": Max}


def _one(first: int | None, last: int | None) -> bool:
    return first is not None and first == last


def _names(alone: dict[int, dict[str, int]]) -> set[int]:
    return {person for kinds in alone.values() for person in kinds.values()}


def _points(channel, alone: dict[int, dict[str, int]]) -> Iterator[tuple[str, int | None]]:
    there = alone.get(channel.pk, {})
    yield from there.items()
    if channel.backup_owner_id is None:
        yield "backup", None
    if channel.authoriser and channel.authoriser == there.get("manage"):
        yield "authoriser", channel.authoriser
