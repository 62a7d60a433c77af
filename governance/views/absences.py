"""Somebody is away: what stands still."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views import View

from accounts.models import Person
from accounts.permissions import access_person
from governance.forms import PeriodForm
from governance.permissions import knows_departures_of, require_planner
from governance.queries.absences import ACTS, away, next_absence


class PersonCoverView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        person, me = access_person(request.user, pk), request.user.person
        roles = require_planner(me, person)
        form = PeriodForm(request.GET if "first" in request.GET else _expected(person))
        context = {"person": person, "form": form, "knows": knows_departures_of(roles)}
        if not form.is_valid():
            return render(request, "governance/person_cover.html", context, status=422)
        zone = ZoneInfo(person.time_zone)
        first, last = form.cleaned_data["first"], form.cleaned_data["last"] + timedelta(days=1)
        begin, end = datetime.combine(first, time(), zone), datetime.combine(last, time(), zone)
        period = max(begin, min(timezone.now(), end)), end  # what has passed stands still no more
        found = away(person, period, me, context["knows"])
        context |= {"away": found, "stalls": [(stall, ACTS[stall.act]) for stall in found.stalls], "period": period}
        return render(request, "governance/person_cover.html", context)


def _expected(person: Person) -> dict:
    """The next absence that they have planned, or two weeks from today."""
    planned, now = next_absence(person, timezone.now()), timezone.now()
    begin = planned.starts_at if planned else now
    end = planned.ends_at - timedelta(seconds=1) if planned else now + timedelta(days=13)
    zone = ZoneInfo(person.time_zone)
    return {"first": begin.astimezone(zone).date(), "last": end.astimezone(zone).date()}
