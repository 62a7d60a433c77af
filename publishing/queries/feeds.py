"""The calendar as an iCalendar document (RFC 5545), for one link, at this moment."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import CharField, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Cast, Greatest
from django.urls import reverse
from icalendar import Calendar, Event

from accounts.models import AuditEvent
from publishing.models import CalendarFeed
from publishing.queries.calendar import Filters, Sight, between
from publishing.queries.entries import STATE_WORDS

BEFORE, AFTER = timedelta(days=90), timedelta(days=365)
MOST = 1_000  # events; those nearest to this moment
MOST_TEXT = 2_000  # characters
LONG = timedelta(minutes=15)  # a post has no length, and some programs show nothing of what has none
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
SURE = ("scheduled", "sending", "done")


@dataclass(frozen=True)
class Planned:
    """One variant at one time. `changed` is when anything was last done with it: it never goes back."""

    key: str  # of its variant and, if it repeats, of which of its times
    at: datetime
    changed: datetime
    title: str
    channel: str
    state: str
    path: str
    text: str = ""


def document(feed: CalendarFeed, now: datetime) -> bytes:
    """What its person may see. The same rows give the same bytes. Four queries."""
    calendar = Calendar()
    calendar.add("prodid", "-//Socialops//Calendar//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", feed.name)
    calendar.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    for planned in _nearest(feed, now):
        calendar.add_component(_event(planned))
    return calendar.to_ical()


def _nearest(feed: CalendarFeed, now: datetime) -> list[Planned]:
    found = {}
    for one in _planned(feed, now):  # the asked first: what is also scheduled, for another time, is there once
        found[one.key] = one
    nearest = sorted(found.values(), key=lambda one: abs(one.at - now))[:MOST]
    return sorted(nearest, key=lambda one: (one.at, one.key))


def _planned(feed: CalendarFeed, now: datetime) -> Iterator[Planned]:
    sight, filters = Sight.of(feed.person), Filters(**feed.filters)
    published, asked = between(sight, now - BEFORE, now + AFTER, filters)
    asked = asked.annotate(
        variant=F("post__variants"), at=F("wanted_at"), title=F("post__title"), name=F("post__variants__channel__name"),
        there=F("post__variants__channel"), changed=Greatest("asked_at", "post__updated_at"),
    )  # fmt: skip
    asked = asked.select_related("revision") if feed.whole_text else asked
    for row in _both_ways(asked, "wanted_at", now):
        text = row.revision.parts_on(row.there)[0].text if feed.whole_text else ""
        yield Planned(
            str(row.variant), row.at, row.changed, row.title, row.name, "needs_approval",
            reverse("post", args=[row.post_id]), text,
        )  # fmt: skip
    published = published.annotate(
        title=F("variant__post__title"), name=F("channel__name"),
        changed=Greatest("created_at", "settled_at", "variant__post__updated_at", _last_event()),
    )  # fmt: skip
    for row in _both_ways(published, "due_at", now):
        yield Planned(
            f"{row.variant_id}-{row.occurrence}".rstrip("-"), row.due_at, row.changed, row.title, row.name,
            row.state, reverse("publication", args=[row.pk]), row.text if feed.whole_text else "",
        )  # fmt: skip


def _both_ways(rows: QuerySet, when: str, now: datetime) -> Iterator[Any]:
    yield from rows.filter(**{f"{when}__gte": now}).order_by(when)[:MOST]
    yield from rows.filter(**{f"{when}__lt": now}).order_by(f"-{when}")[:MOST]


def _last_event() -> Subquery:
    """When something was last done with it, by the trail."""
    events = AuditEvent.objects.filter(subject_type="publication", subject_id=Cast(OuterRef("pk"), CharField()))
    return Subquery(events.order_by("-at").values("at")[:1])


def _event(planned: Planned) -> Event:
    event = Event()
    sure = planned.state in SURE
    words = STATE_WORDS[planned.state]
    event.add("uid", f"variant-{planned.key}@{urlsplit(settings.BASE_URL).hostname}")
    event.add("sequence", int((planned.changed - EPOCH).total_seconds()))
    event.add("dtstamp", planned.changed)
    event.add("last-modified", planned.changed)
    event.add("dtstart", planned.at.astimezone(UTC))
    event.add("dtend", planned.at.astimezone(UTC) + LONG)
    event.add("summary", f"{'' if sure else words + ': '}{planned.title} · {planned.channel}")
    event.add("status", "CONFIRMED" if sure else "TENTATIVE")
    event.add("transp", "TRANSPARENT")
    event.add("categories", [words])
    event.add("description", "\n\n".join(filter(None, [f"{words}. {planned.channel}.", _cut(planned.text)])))
    event.add("url", settings.BASE_URL + planned.path)
    return event


def _cut(text: str) -> str:
    return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}…"
