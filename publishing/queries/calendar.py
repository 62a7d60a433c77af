"""What goes out when: publications, and posts that want a time but still need approval."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import (
    BooleanField,
    Case,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
    Window,
)  # fmt: skip
from django.db.models.functions import RowNumber, TruncDate, TruncHour
from django.utils import timezone

from accounts.models import Person
from channels_registry.permissions import channels_with, seen_by
from publishing.models import Approval, NativePost, Note, Publication
from publishing.queries.entries import Day, Entry
from publishing.queries.silences import is_crowded
from socialops.lib.numbers import number
from socialops.lib.prepared import among, prepared

# What people choose from, with the states of publications behind it; "approval" is what nobody agreed to yet.
STATES: dict[str, tuple[str, tuple[str, ...]]] = {
    "approval": ("Needs approval", ()),
    "scheduled": ("Scheduled", ("scheduled", "sending")),
    "published": ("Published", ("done",)),
    "held": ("Held", ("held",)),
    "trouble": ("Blocked, missed or failed", ("blocked", "missed", "failed")),
    "unknown": ("Unknown", ("unknown", "needs_human")),
    "native": ("Made on the network", ("native",)),  # of no publication
}
MOVABLE = ("scheduled", "held", "blocked", "missed", "failed")
PUBLISHED = (
    "due_at", "channel__network", "channel__name", "variant__post__title", "pk", "state", "movable", "occurrence",
)  # fmt: skip
ASKED = (
    "wanted_at", "post__variants__channel__network", "post__variants__channel__name", "post__title", "post_id",
)  # fmt: skip
MOST_NOTES = 200
NATIVE = ("at", "channel__network", "channel__name", "text", "pk")
KINDS = {"needs_approval": "asked", "native": "native", "native_gone": "native"}  # counted apart from publications
Group = tuple[type[TruncDate | TruncHour], ZoneInfo]  # by what entries are counted
COUNTED, ASKED_OF = ("group", "total", "pk"), ("group", "total", *ASKED)


@dataclass(frozen=True)
class Filters:
    """What narrows a calendar; empty is everything. `state` is one of STATES, `channel` and `campaign` are ids."""

    channel: int | None = None
    network: str = ""
    state: str = ""
    campaign: int | None = None
    tag: str = ""
    q: str = ""

    @classmethod
    def read(cls, said: Mapping[str, str]) -> "Filters":
        """Of an address. What makes no sense narrows nothing."""
        state = said.get("state", "")
        return cls(
            channel=number(said.get("channel")), network=said.get("network", "")[:40],
            state=state if state in STATES else "", campaign=number(said.get("campaign")),
            tag=said.get("tag", "").strip().lower()[:40], q=said.get("q", "").strip()[:140],
        )  # fmt: skip

    @property
    def said(self) -> dict[str, Any]:
        """What narrows, as it stands in an address and as it is kept."""
        return {name: value for name, value in vars(self).items() if value}

    def of_posts(self) -> dict[str, Any]:
        """What a post has to be, by lookups on it."""
        wanted = {"campaign": self.campaign, "tags__contains": [self.tag] if self.tag else None}
        return {name: value for name, value in (wanted | {"title__icontains": self.q or None}).items() if value}

    def of_channels(self) -> dict[str, Any]:
        return {name: value for name, value in (("channel", self.channel), ("channel__network", self.network)) if value}


ALL = Filters()


@dataclass(frozen=True)
class Sight:
    """The channels that somebody sees and those on which they publish: ids, or what is read inside another query."""

    channels: Any
    own: Any

    @classmethod
    def of(cls, person: Person) -> "Sight":
        return cls(seen_by(person).values("pk"), channels_with(person, "publish").values("pk"))


def channels_of(person: Person) -> list[tuple[Any, ...]]:
    """Id, name and state of each channel that this person sees, and whether they publish there. One query."""
    return _channels_of(pk=person.pk)


@prepared
def _channels_of(pk: int) -> QuerySet:
    person = Person(pk=pk)
    own = ExpressionWrapper(Q(pk__in=channels_with(person, "publish").values("pk")), BooleanField())
    return seen_by(person).annotate(own=own).order_by("name").values_list("pk", "name", "state", "own")


def notes_between(first: date, last: date, filters: Filters = ALL) -> list[Note]:
    """What is written onto these days. Narrowed to a campaign: its own and everybody's. One query."""
    found = Note.objects.filter(first__lte=last, last__gte=first).select_related("campaign")
    if filters.campaign:
        found = found.filter(Q(campaign=None) | Q(campaign=filters.campaign))
    return list(found.order_by("first", "pk")[:MOST_NOTES])


def entries(sight: Sight, start: datetime, end: datetime, filters: Filters = ALL) -> list[Entry]:
    """Between two instants, in order of time, without what was made on the networks. Two queries."""
    published, asked = between(sight, start, end, filters)
    published = published.annotate(movable=_movable(sight))
    rows: Iterable[tuple] = [*published.values_list(*PUBLISHED), *asked.values_list(*ASKED)]
    return _ordered(Entry(*row) for row in rows)


def days(
    sight: Sight, start: datetime, end: datetime, zone: ZoneInfo, most: int, filters: Filters = ALL
) -> dict[date, Day]:
    """The same by day of this zone, at most so many entries a day but with true totals, and with what was made on the
    networks. The channels are ids. Three queries, few rows.
    """
    return _grouped(sight, start, end, most, filters, (TruncDate, zone))


def hours(
    sight: Sight, start: datetime, end: datetime, zone: ZoneInfo, most: int, filters: Filters = ALL
) -> dict[int, Day]:
    """The same by hour of one day, as the clock on the wall counts them: 1 is both of an hour that comes twice."""
    found = _grouped(sight, start, end, most, filters, (TruncHour, zone))
    by_hour: dict[int, Day] = {}
    for hour, one in sorted(found.items()):
        there = by_hour.setdefault(hour.hour, Day())
        there.entries, there.total = there.entries + one.entries, there.total + one.total
    return by_hour


def going_out(person: Person, hours: int = 24) -> list[Entry]:
    """The next hours, for Today, by this machine's clock. Published ones are left out."""
    start = timezone.now()
    return [e for e in entries(Sight.of(person), start, start + timedelta(hours=hours)) if e.state != "done"]


def _grouped(sight: Sight, start: datetime, end: datetime, most: int, filters: Filters, group: Group) -> dict[Any, Day]:
    """The places are counted in publications alone; only what is shown is joined with what it says."""
    asked: dict[str, Any] = {"channels": sight.channels, "start": start, "end": end}
    groups = {pk: (key, total) for key, total, pk in _published_first(filters, group, most, **asked)}
    shown = _shown(ids=list(groups), own=sight.own) if groups else []
    rows = [(*groups[row[4]], Entry(*row)) for row in shown]
    for key, total, at, network, channel, title, pk, state, address in _others_first(filters, group, most, **asked):
        rows.append((key, total, Entry(at, network, channel, title, pk, state, address=address)))
    found: dict[Any, Day] = {}
    totals: dict[Any, dict[str, int]] = {}
    for key, total, entry in rows:
        found.setdefault(key, Day()).entries.append(entry)
        totals.setdefault(key, {})[KINDS.get(entry.state, "")] = total
    for key, each in found.items():
        each.entries, each.total = _ordered(each.entries)[:most], sum(totals[key].values())
    return found


@prepared
def _published_first(
    filters: Filters, group: Group, most: int, channels: list[int], start: datetime, end: datetime
) -> QuerySet:
    published, _ = between(Sight(channels, []), start, end, filters)
    return _first(published, "due_at", most, group).values_list(*COUNTED)


@prepared
def _shown(ids: list[int], own: list[int]) -> QuerySet:
    shown = Publication.objects.filter(among("pk", ids)).annotate(
        movable=_movable(Sight([], own)), crowded=is_crowded()
    )
    return shown.values_list(*PUBLISHED, "crowded")


@prepared
def _others_first(
    filters: Filters, group: Group, most: int, channels: list[int], start: datetime, end: datetime
) -> QuerySet:
    """What is no publication, in one query: (group, total, ...)."""
    sight = Sight(channels, [])
    _, asked = between(sight, start, end, filters)
    asked = _first(asked, "wanted_at", most, group).annotate(kind=Value("needs_approval"), address=Value(""))
    gone = Case(When(gone_at=None, then=Value("native")), default=Value("native_gone"))
    native = _first(natives(sight, start, end, filters), "at", most, group).annotate(kind=gone, address=F("url"))
    return asked.values_list(*ASKED_OF, "kind", "address").union(
        native.values_list("group", "total", *NATIVE, "kind", "address"), all=True
    )


def natives(sight: Sight, start: datetime, end: datetime, filters: Filters = ALL) -> QuerySet:
    """What was made on the networks themselves and is not ours after all. None where the calendar is narrowed to what
    only posts of ours have.
    """
    if filters.state not in ("", "native") or filters.campaign or filters.tag:
        return NativePost.objects.none()
    known = Publication.objects.exclude(remote_id="")  # as the index of these is limited
    ours = known.filter(channel=OuterRef("channel"), remote_id=OuterRef("remote_id"))
    found = NativePost.objects.filter(
        ~Exists(ours), among("channel", sight.channels), at__gte=start, at__lt=end, **filters.of_channels()
    )
    return found.filter(text__icontains=filters.q) if filters.q else found


def _first(rows: QuerySet, when: str, most: int, group: Group) -> QuerySet:
    """The first so many of each group, with how many it has."""
    of, zone = group
    counted = rows.annotate(group=of(when, tzinfo=zone)).annotate(
        place=Window(RowNumber(), partition_by=[F("group")], order_by=[F(when), F("pk")]),
        total=Window(Count("pk"), partition_by=[F("group")]),
    )
    return counted.filter(place__lte=most)


def _movable(sight: Sight) -> ExpressionWrapper:
    return ExpressionWrapper(Q(state__in=MOVABLE) & among("channel", sight.own), BooleanField())


def between(sight: Sight, start: datetime, end: datetime, filters: Filters) -> tuple[QuerySet, QuerySet]:
    """Publications, and pending approvals once a channel of their post at the time that their author wants."""
    where, post = filters.of_channels(), filters.of_posts()
    published = Publication.objects.filter(
        among("channel", sight.channels), part=0, due_at__gte=start, due_at__lt=end, **where,
        **{f"variant__post__{name}": value for name, value in post.items()},
    ).exclude(state="cancelled")  # fmt: skip
    asked = Approval.objects.filter(
        among("post__variants__channel", sight.channels), state="pending", wanted_at__gte=start, wanted_at__lt=end,
        post__variants__removed_at=None,
        **{f"post__variants__{name}": value for name, value in where.items()},
        **{f"post__{name}": value for name, value in post.items()},
    )  # fmt: skip
    if filters.state:
        states = STATES[filters.state][1]
        published = (
            published.filter(state__in=states) if filters.state not in ("approval", "native") else published.none()
        )
        asked = asked if filters.state == "approval" else asked.none()
    return published, asked


def _ordered(found: Iterable[Entry]) -> list[Entry]:
    return sorted(found, key=lambda entry: (entry.at, entry.channel))
