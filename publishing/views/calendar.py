"""The calendar in the reader's zone: a month, a week, a day or a list. Its address says all of it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import BadRequest, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View

from channels_registry import networks
from publishing import moving, queries
from publishing.forms.publications import MoveForm
from publishing.models import Note
from publishing.permissions import access_publication
from publishing.queries import saved_views, silences
from publishing.queries.entries import NOTHING
from publishing.views.crowding import warn_of_crowding

VIEWS = {"month": "Month", "week": "Week", "day": "Day", "list": "List"}
SHOWN = {"month": 4, "week": 40, "list": 60, "day": 40}  # in one cell (of a day: in one hour); the rest is a click away
LISTED = 14  # days in a list


@dataclass(frozen=True)
class Span:
    """Which days a view shows: `first` to before `end` are its own; a month's page begins and ends with whole weeks."""

    view: str
    first: date
    end: date

    @classmethod
    def of(cls, view: str, day: date) -> "Span":
        if view == "month":
            first = day.replace(day=1)
            return cls(view, first, (first + timedelta(days=31)).replace(day=1))
        if view == "week":
            day -= timedelta(days=day.weekday())
        return cls(view, day, day + timedelta(days={"week": 7, "list": LISTED, "day": 1}[view]))

    def __contains__(self, day: date) -> bool:
        return self.first <= day < self.end

    @property
    def days(self) -> list[date]:
        start, end = self.first, self.end
        if self.view == "month":
            start -= timedelta(days=start.weekday())
            end += timedelta(days=-end.weekday() % 7)
        return [start + timedelta(days=n) for n in range((end - start).days)]

    @property
    def previous(self) -> date:
        before = self.first - timedelta(days=1)
        return before.replace(day=1) if self.view == "month" else self.first - (self.end - self.first)

    @property
    def title(self) -> str:
        first, last = self.first, self.end - timedelta(days=1)
        if self.view == "month":
            return f"{first:%B %Y}"
        if self.view == "day":
            return f"{first:%A} {first.day} {first:%B %Y}"
        month = "" if first.month == last.month else f" {first:%B}"
        year = "" if first.year == last.year else f" {first.year}"
        return f"{first.day}{month}{year} to {last.day} {last:%B %Y}"


class CalendarView(View):
    """?view= one of VIEWS, ?from= a date in it; ?channel= ?network= ?state= ?campaign= ?tag= ?q= narrow it."""

    def get(self, request: HttpRequest) -> HttpResponse:
        person = request.user.person
        campaigns, saved = saved_views.offered(person)
        opens = next((one for one in saved if one.opens), None)
        if opens and not request.GET:
            return redirect(reverse("calendar") + opens.query)
        zone = ZoneInfo(person.time_zone)
        today = timezone.now().astimezone(zone).date()
        view = request.GET.get("view", "")
        span = Span.of(view if view in VIEWS else "month", _day(request.GET.get("from", "")) or today)
        filters = queries.calendar.Filters.read(request.GET)
        read = _hours if span.view == "day" else _days
        seen = queries.calendar.channels_of(person)
        sight = queries.calendar.Sight([pk for pk, *_ in seen], [pk for pk, _, _, own in seen if own])
        cells = read(sight, span, zone, filters, today)
        own = [cell for cell in cells if cell["inside"]]
        _hatch(cells, sight, span, zone, filters)
        notes = _note(cells, span, filters)
        context = {
            "span": span, "cells": cells, "zone": zone.key, "filters": filters,
            "total": sum(cell["here"].total for cell in own),
            "earlier": sum(cell["here"].total for cell in own if cell["past"]),
            "is_now": today in span,
            "views": [(name, label, _address(filters, name, span.first)) for name, label in VIEWS.items()],
            "before": _address(filters, span.view, span.previous), "after": _address(filters, span.view, span.end),
            "now": _address(filters, span.view), "show_all": _address(queries.calendar.ALL, span.view, span.first),
            "narrowed": filters != queries.calendar.ALL,
            "channels": [(pk, name) for pk, name, state, _ in seen if state != "archived"],
            "narrowing": "?" + urlencode({"view": span.view, **filters.said}),
            "networks": networks.slugs(), "states": queries.calendar.STATES,
            "campaigns": campaigns, "saved": saved, "notes": notes,
        }  # fmt: skip
        return render(request, "publishing/calendar.html", context)


class MoveView(View):
    """POST gives a publication the time that it was dropped on in the calendar, and goes back there. ?… undoes it."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        publication, person = access_publication(request.user, pk), request.user.person
        form = MoveForm(request.GET if "to" in request.GET else request.POST)
        if not form.is_valid():
            raise BadRequest("The time or the zone that it was dropped on cannot be read. Reload the calendar.")
        said, before = form.cleaned_data, publication.due_at
        try:
            moved = moving.move(publication, said["to"], said["zone"], person, said["fold"] or 0, said["seen"])
        except ValidationError as error:
            messages.error(request, "Not moved. " + " ".join(error.messages))
            return redirect(_back(request))
        words, undo = moving.told(moved, said["to"], said["zone"]), _undo(moved, before, said["zone"])
        messages.success(request, words, extra_tags=undo)
        warn_of_crowding(request, moved)
        return redirect(_back(request))


def _undo(moved, before: datetime, zone: str) -> str:
    """The address that takes a move back, for a message; none if its time before has passed."""
    if before <= timezone.now():
        return ""
    local = before.astimezone(ZoneInfo(zone))
    query = {"to": f"{local:%Y-%m-%dT%H:%M:%S}", "fold": local.fold, "zone": zone, "seen": moved.due_at.isoformat()}
    return f"undo:{reverse('publication_move', args=[moved.pk])}?{urlencode(query)}"


def _back(request: HttpRequest) -> str:
    """Where they were, if that is a page of ours."""
    came_from = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(came_from, {request.get_host()}, require_https=request.is_secure())
    return came_from if ours else reverse("calendar")


def _days(
    sight: queries.calendar.Sight, span: Span, zone: ZoneInfo, filters: queries.calendar.Filters, today: date
) -> list[dict[str, Any]]:
    """A cell for each day, with what the page says of it: in a template each comparison and each date cost more."""
    each = span.days
    start, end = _midnight(each[0], zone), _midnight(each[-1] + timedelta(days=1), zone)
    found = queries.calendar.days(sight, start, end, zone, SHOWN[span.view], filters)
    url = _address(filters, "day") + "&from="
    return [
        {
            "day": day, "number": day.day, "iso": f"{day}", "date": f"{day.day} {day:%B}", "weekday": f"{day:%A}",
            "inside": day in span, "today": day == today, "past": day < today and today in span, "url": f"{url}{day}",
            "here": found.get(day, NOTHING),
        }
        for day in each
    ]  # fmt: skip


def _hours(
    sight: queries.calendar.Sight, span: Span, zone: ZoneInfo, filters: queries.calendar.Filters, today: date
) -> list[dict[str, Any]]:
    start, end = _midnight(span.first, zone), _midnight(span.end, zone)
    found = queries.calendar.hours(sight, start, end, zone, SHOWN["day"], filters)
    day = {"day": span.first, "inside": True, "past": span.first < today}
    return [day | {"hour": hour, "here": found.get(hour, NOTHING)} for hour in range(24)]


def _hatch(
    cells: list[dict[str, Any]],
    sight: queries.calendar.Sight,
    span: Span,
    zone: ZoneInfo,
    filters: queries.calendar.Filters,
) -> None:
    """Each cell with the blackouts that stand over some of its time."""
    days = span.days
    start, end = _midnight(days[0], zone), _midnight(days[-1] + timedelta(days=1), zone)
    found = silences.blackouts_between(sight.channels, start, end, filters.channel, filters.network)
    for cell in cells if found else []:
        begin = _midnight(cell["day"], zone) + timedelta(hours=cell.get("hour", 0))
        over = begin + timedelta(hours=1) if "hour" in cell else _midnight(cell["day"] + timedelta(days=1), zone)
        cell["silent"] = [one for one in found if one.starts_at < over and one.ends_at > begin]


def _note(cells: list[dict[str, Any]], span: Span, filters: queries.calendar.Filters) -> list[Note]:
    """Each day with what is written onto it; returned for a single day, whose cells are its hours."""
    days = span.days
    found = queries.calendar.notes_between(days[0], days[-1], filters)
    for cell in cells if found and span.view != "day" else []:
        cell["notes"] = [note for note in found if note.first <= cell["day"] <= note.last]
    return found if span.view == "day" else []


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _address(filters: queries.calendar.Filters, view: str, first: date | None = None) -> str:
    """The query that shows this."""
    said = {"view": view, "from": first.isoformat() if first else "", **filters.said}
    return "?" + urlencode({name: value for name, value in said.items() if value})


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1970 < day.year < 2200 else None
