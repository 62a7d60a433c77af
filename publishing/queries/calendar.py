"""What goes out when: publications, and posts that want a time but still need approval."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, F, QuerySet, Window
from django.db.models.functions import RowNumber, TruncDate
from django.urls import reverse

from accounts.models import Person
from channels_registry.permissions import seen_by
from publishing.models import Approval, Publication
from publishing.queries.checking import now
from publishing.queries.waiting import TONES

STATE_WORDS = Publication.WORDS | {"needs_approval": "Needs approval"}
ENTRY_TONES = TONES | {"scheduled": "sched", "needs_approval": "wait"}
PUBLISHED = ("due_at", "channel__network", "channel__name", "variant__post__title", "pk", "state")
ASKED = ("wanted_at", "post__variants__channel__network", "post__variants__channel__name", "post__title", "post_id")


@dataclass(frozen=True, slots=True)
class Entry:
    """One post on one channel at one time. `pk` is the publication's or, while it needs approval, the post's."""

    at: datetime
    network: str
    channel: str
    title: str
    pk: int
    state: str = "needs_approval"

    @property
    def url(self) -> str:
        return reverse("post" if self.state == "needs_approval" else "publication", args=[self.pk])

    @property
    def tone(self) -> str:
        return ENTRY_TONES[self.state]

    @property
    def words(self) -> str:
        return STATE_WORDS[self.state]


@dataclass
class Day:
    """The first few entries of a day, and how many there are."""

    entries: list[Entry] = field(default_factory=list)
    total: int = 0


def entries(person: Person, start: datetime, end: datetime, filters: dict[str, Any] | None = None) -> list[Entry]:
    """Between two instants, in order of time. Two queries. `filters`: network (a slug), channel (an id)."""
    published, asked = _between(person, start, end, filters or {})
    rows: Iterable[tuple] = [*published.values_list(*PUBLISHED), *asked.values_list(*ASKED)]
    return _ordered(Entry(*row) for row in rows)


def days(
    person: Person, start: datetime, end: datetime, zone: ZoneInfo, most: int, filters: dict[str, Any] | None = None
) -> dict[date, Day]:
    """The same by day of this zone, at most so many entries a day but with true totals. Two queries, few rows."""
    found: dict[date, Day] = {}
    for rows, when, fields in zip(
        _between(person, start, end, filters or {}), ("due_at", "wanted_at"), (PUBLISHED, ASKED), strict=True
    ):
        counted = rows.annotate(day=TruncDate(when, tzinfo=zone)).annotate(
            place=Window(RowNumber(), partition_by=[F("day")], order_by=[F(when), F("pk")]),
            total=Window(Count("pk"), partition_by=[F("day")]),
        )
        totals: dict[date, int] = {}
        for day, total, *row in counted.filter(place__lte=most).values_list("day", "total", *fields):
            found.setdefault(day, Day()).entries.append(Entry(*row))
            totals[day] = total
        for day, total in totals.items():
            found[day].total += total
    for each in found.values():
        each.entries = _ordered(each.entries)[:most]
    return found


def going_out(person: Person, hours: int = 24) -> list[Entry]:
    """The next hours, for Today. Published ones are left out."""
    start = now()
    return [e for e in entries(person, start, start + timedelta(hours=hours)) if e.state != "done"]


def _between(person: Person, start: datetime, end: datetime, filters: dict[str, Any]) -> tuple[QuerySet, QuerySet]:
    """Publications, and pending approvals once a channel of their post at the time that their author wants."""
    where = {"channel__network" if name == "network" else "channel": value for name, value in filters.items() if value}
    channels = seen_by(person).values("pk")
    published = Publication.objects.filter(due_at__gte=start, due_at__lt=end, channel__in=channels, **where)
    asked = Approval.objects.filter(
        state="pending", wanted_at__gte=start, wanted_at__lt=end, post__variants__removed_at=None,
        post__variants__channel__in=channels, **{f"post__variants__{name}": value for name, value in where.items()},
    )  # fmt: skip
    return published.exclude(state="cancelled"), asked


def _ordered(found: Iterable[Entry]) -> list[Entry]:
    return sorted(found, key=lambda entry: (entry.at, entry.channel))
