"""Emergency access: asking, confirming, ending, reporting, reviewing."""

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from accounts import audit
from accounts.models import AuditEvent
from accounts.permissions import has_role, people_with_role
from accounts.queries import audible
from governance import breaking_glass, queries
from governance.forms import GlassForm, GlassReviewForm, ReportForm
from governance.models import BreakGlass
from governance.permissions import access_glass, glasses_seen_by
from governance.views.requests import named_channel, searched
from socialops.lib.refusals import add_refusal

SHOWN = 100


class GlassListView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        me = request.user.person
        context = {"glasses": glasses_seen_by(me)[:SHOWN], "open": queries.open_glasses(me)}
        return render(request, "governance/glass_list.html", context)


class GlassNewView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        channel = named_channel(request.GET.get("channel"))
        if channel is None:
            return render(request, "governance/glass_new.html", searched(request))
        return self._page(request, channel, GlassForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        channel = named_channel(request.POST.get("channel"))
        if channel is None:
            return render(request, "governance/glass_new.html", searched(request), status=422)
        form = GlassForm(request.POST)
        if form.is_valid():
            try:
                alone = bool(request.POST.get("alone"))
                made = breaking_glass.ask(request.user.person, channel, **form.cleaned_data, alone=alone)
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, "It is open." if alone else "Asked. Call somebody who can confirm it.")
                return redirect("break_glass", made.pk)
        return self._page(request, channel, form, 422)

    def _page(self, request, channel, form, status: int = 200) -> HttpResponse:
        second = people_with_role(*queries.CONFIRMERS).exclude(pk=request.user.person.pk)[:20]
        context = {"channel": channel, "form": form, "second": second, "alone": settings.BREAK_GLASS_ALONE}
        return render(request, "governance/glass_new.html", context, status=status)


class GlassView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _page(request, access_glass(request.user, pk))


class GlassDecisionView(View):
    """POST `decision`: confirm, refuse, withdraw or close."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        glass = access_glass(request.user, pk)
        verb = DECISIONS.get(request.POST.get("decision", ""))
        if verb is None:
            raise Http404
        try:
            verb(glass, request.user.person)
        except ValidationError as error:
            return _page(request, glass, 422, errors=error.messages)
        return redirect("break_glass", pk)


class GlassReportView(View):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        glass, form = access_glass(request.user, pk), ReportForm(request.POST)
        if form.is_valid():
            try:
                breaking_glass.report(glass, request.user.person, form.cleaned_data["report"])
            except ValidationError as error:
                add_refusal(form, error)
            else:
                return redirect("break_glass", pk)
        return _page(request, glass, 422, report=form)


class GlassReviewView(View):
    """POST; with `more` the report did not suffice."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        glass, form = access_glass(request.user, pk), GlassReviewForm(request.POST)
        if form.is_valid():
            try:
                enough = not request.POST.get("more")
                breaking_glass.review(glass, request.user.person, form.cleaned_data["note"], enough=enough)
            except ValidationError as error:
                add_refusal(form, error)
            else:
                return redirect("break_glass", pk)
        return _page(request, glass, 422, review=form)


DECISIONS = {
    "confirm": breaking_glass.confirm,
    "refuse": breaking_glass.refuse,
    "withdraw": breaking_glass.withdraw,
    "close": breaking_glass.close,
}


def _page(request: HttpRequest, glass: BreakGlass, status: int = 200, **bound) -> HttpResponse:
    me = request.user.person
    mine = glass.asked_by_id == me.pk
    second = not mine and has_role(me, *queries.CONFIRMERS)
    context = {
        "glass": glass,
        "may_confirm": second and (glass.state == "asked" or (glass.state == "open" and not glass.confirmed_by_id)),
        "may_refuse": second and glass.state == "asked",
        "may_withdraw": mine and glass.state == "asked",
        "may_close": (mine or second) and glass.state == "open",
        "report": ReportForm(initial={"report": glass.report}) if mine and glass.state in ("open", "over") else None,
        "review": GlassReviewForm() if second and glass.state == "reported" else None,
        "used": _used(glass),
        **bound,
    }
    return render(request, "governance/glass_detail.html", context, status=status)


def _used(glass: BreakGlass) -> list[tuple[AuditEvent, str]]:
    """What this person did here while it was open."""
    if not glass.opened_at or not glass.ends_at:
        return []
    done = AuditEvent.objects.filter(actor=glass.asked_by_id, at__gte=glass.opened_at, at__lte=glass.ends_at)
    events = audible(done)
    return [(event, audit.words(event.action)) for event in events.order_by("pk")[:50]]
