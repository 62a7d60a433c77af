"""A month on one page, in the reader's zone, and the day behind each of its cells."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views import View

from channels_registry import networks
from channels_registry.permissions import seen_by
from publishing import queries

SHOWN = 5  # in one cell; the rest stands on the day's page


class CalendarView(View):
    """?month=2026-11, or ?day=2026-11-23; ?channel= and ?network= narrow it."""

    def get(self, request: HttpRequest) -> HttpResponse:
        zone = ZoneInfo(request.user.person.time_zone)
        today = timezone.now().astimezone(zone).date()
        filters = {"network": request.GET.get("network", ""), "channel": _number(request.GET.get("channel", ""))}
        day = _day(request.GET.get("day", ""))
        context = _day_page(request, day, zone, filters) if day else _month_page(request, today, zone, filters)
        channels = seen_by(request.user.person).exclude(state="archived").order_by("name")
        context |= {
            "zone": zone.key,
            "today": today,
            "channels": channels.values_list("pk", "name"),
            "networks": networks.slugs(),
            **_kept(filters),
            **filters,
        }
        return render(request, "publishing/calendar_day.html" if day else "publishing/calendar.html", context)


def _month_page(request: HttpRequest, today: date, zone: ZoneInfo, filters: dict) -> dict:
    first = _day(f"{request.GET.get('month', '')}-01") or today.replace(day=1)
    start = first - timedelta(days=first.weekday())
    last = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    end = last + timedelta(days=7 - last.weekday())
    found = queries.days(request.user.person, _midnight(start, zone), _midnight(end, zone), zone, SHOWN, filters)
    each = [start + timedelta(days=n) for n in range((end - start).days)]
    cells = [(day, found.get(day, queries.Day()), day.month == first.month) for day in each]
    is_now = today.replace(day=1) == first
    return {
        "first": first, "previous": (first - timedelta(days=1)).replace(day=1), "following": last + timedelta(days=1),
        "cells": [(day, here.entries, here.total - len(here.entries), inside) for day, here, inside in cells],
        "is_now": is_now,
        "earlier": sum(here.total for day, here, inside in cells if is_now and inside and day < today),
        "total": sum(here.total for _, here, inside in cells if inside),
    }  # fmt: skip


def _day_page(request: HttpRequest, day: date, zone: ZoneInfo, filters: dict) -> dict:
    start, end = _midnight(day, zone), _midnight(day + timedelta(days=1), zone)
    found = queries.entries(request.user.person, start, end, filters)
    return {"day": day, "entries": found, "before": day - timedelta(days=1), "after": day + timedelta(days=1)}


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1970 < day.year < 2200 else None


def _number(text: str) -> int | str:
    return int(text) if text.isdecimal() and len(text) < 18 else ""


def _kept(filters: dict) -> dict:
    """The filters as they go on in each link."""
    return {"kept": "".join(f"&{name}={value}" for name, value in filters.items() if value)}
