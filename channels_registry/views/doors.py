"""Who can reach a channel, and what somebody can reach: now, and at any past moment."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View

from accounts.permissions import access_person
from channels_registry import queries
from channels_registry.forms import MomentForm
from channels_registry.permissions import access_channel
from socialops.lib.numbers import number


class ChannelDoorsView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        channel, form = access_channel(request.user, pk), _asked(request)
        words = request.GET.get("q", "").strip()[:140]
        context = {"channel": channel, "form": form, "words": words, "zone": form["zone"].value()}
        if not form.is_valid():
            return render(request, "channels_registry/channel_doors.html", context, status=422)
        page = queries.doors_page(channel, form.moment, request.GET.get("after", "")[:200], words)
        context |= {"page": page, "at": form.moment, "next": _next(request, page.next)}
        return render(request, "channels_registry/channel_doors.html", context)


class PersonAccessView(View):
    """Every door of theirs that the reader may see; a person's page loads it as a fragment."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        person, form, me = access_person(request.user, pk), _asked(request), request.user.person
        template = "channels_registry/_person_access.html" if request.htmx else "channels_registry/person_access.html"
        context = {"person": person, "form": form, "alone": bool(request.htmx)}
        if not form.is_valid():
            return render(request, template, context, status=422)
        channel, after = number(request.GET.get("channel")), request.GET.get("after", "")[:300]
        page = queries.doors_of_person(person, me, form.moment, after, channel)
        context |= {"page": page, "at": form.moment, "next": _next(request, page.next), "channel": channel}
        return render(request, template, context)


def _asked(request: HttpRequest) -> MomentForm:
    form = MomentForm(request.GET, zone=request.user.person.time_zone)
    form.data = form.data.copy()
    form.data.setdefault("zone", request.user.person.time_zone)
    return form


def _next(request: HttpRequest, after: str) -> str:
    kept = {name: request.GET[name] for name in ("at", "zone", "q", "channel") if request.GET.get(name)}
    return f"?{urlencode(kept | {'after': after})}" if after else ""
