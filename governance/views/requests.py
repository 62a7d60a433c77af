"""Asking for access: who asks, who decides, who gives."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from channels_registry.models import Channel
from governance import queries, requesting
from governance.forms import AskForm, WordForm
from governance.models import AccessRequest
from governance.permissions import access_request, requests_seen_by
from socialops.lib.numbers import number
from socialops.lib.refusals import add_refusal

PAGE = 50
STATES = (("open", "Open"), ("mine", "Mine"), ("settled", "Settled"))
OPEN = (AccessRequest.State.ASKED, AccessRequest.State.APPROVED)


class RequestListView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        me, asked = request.user.person, request.GET
        state = asked.get("state", "") if asked.get("state") in dict(STATES) else "open"
        found = requests_seen_by(me)
        found = found.filter(asked_by=me) if state == "mine" else found
        found = found.filter(state__in=OPEN) if state == "open" else found
        found = found.exclude(state__in=OPEN) if state == "settled" else found
        if before := number(asked.get("before")):
            found = found.filter(pk__lt=before)
        rows = list(found.order_by("-pk")[: PAGE + 1])
        waits = set(queries.to_approve(me).values_list("pk", flat=True)[:500])
        waits |= set(queries.to_give(me).values_list("pk", flat=True)[:500])
        context = {
            "rows": [(row, row.pk in waits) for row in rows[:PAGE]],
            "next": f"?state={state}&before={rows[PAGE - 1].pk}" if len(rows) > PAGE else "",
            "state": state,
            "states": STATES,
            "glasses": queries.open_glasses(me),
        }
        return render(request, "governance/request_list.html", context)


class RequestNewView(View):
    """GET looks for a channel, then asks what is needed there; POST asks for it. Every channel may be asked for."""

    def get(self, request: HttpRequest) -> HttpResponse:
        channel = named_channel(request.GET.get("channel"))
        if channel is None:
            return render(request, "governance/request_new.html", searched(request))
        return self._page(request, channel, AskForm(channel=channel))

    def post(self, request: HttpRequest) -> HttpResponse:
        channel = named_channel(request.POST.get("channel"))
        if channel is None:
            return render(request, "governance/request_new.html", searched(request), status=422)
        form = AskForm(request.POST, channel=channel)
        if form.is_valid():
            try:
                made = requesting.ask(request.user.person, channel, **form.asked())
            except ValidationError as error:
                add_refusal(form, error, entitlement="what")
            else:
                messages.success(request, "Asked. You are told as soon as somebody has decided.")
                return redirect("access_request", made.pk)
        return self._page(request, channel, form, 422)

    def _page(self, request, channel, form, status: int = 200) -> HttpResponse:
        return render(request, "governance/request_new.html", {"channel": channel, "form": form}, status=status)


class RequestView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _page(request, access_request(request.user, pk))


class DecisionView(View):
    """POST `verdict`: approved or refused, with a note."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        asked, verdict = access_request(request.user, pk), request.POST.get("verdict")
        verb = {"approved": requesting.approve, "refused": requesting.refuse}.get(verdict or "")
        if verb is None:
            raise Http404
        form = WordForm(request.POST)
        return _step(request, asked, form, lambda given: verb(asked, request.user.person, given["note"]))


class WithdrawalView(View):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        asked = access_request(request.user, pk)
        return _step(request, asked, WordForm({}), lambda _: requesting.withdraw(asked, request.user.person))


class GrantView(View):
    """POST says that a seat or a shared login was handed out."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        asked = access_request(request.user, pk)
        return _step(request, asked, WordForm({}), lambda _: requesting.give(asked, request.user.person))


def _step(request: HttpRequest, asked: AccessRequest, form: WordForm, do) -> HttpResponse:
    if form.is_valid():
        try:
            do(form.cleaned_data)
        except ValidationError as error:
            add_refusal(form, error)
        else:
            return redirect("access_request", asked.pk)
    return _page(request, asked, 422, form=form)


def _page(request: HttpRequest, asked: AccessRequest, status: int = 200, **bound) -> HttpResponse:
    me = request.user.person
    said = list(asked.decisions.select_related("by").order_by("pk"))
    approved = [each for each in said if each.verdict == "approved"]
    context = {
        "asked": asked,
        "said": said,
        "left": max(0, asked.needed - len(approved)),
        "may_decide": queries.to_approve(me).filter(pk=asked.pk).exists(),
        "may_give": queries.to_give(me).filter(pk=asked.pk).exists(),
        "may_withdraw": asked.asked_by_id == me.pk and asked.state in OPEN,
        "form": WordForm(),
        **bound,
    }
    return render(request, "governance/request_detail.html", context, status=status)


def named_channel(said: str | None) -> Channel | None:
    pk = number(said)
    found = Channel.objects.exclude(state=Channel.State.ARCHIVED).select_related("owner", "backup_owner")
    return found.filter(pk=pk).first() if pk else None


def searched(request: HttpRequest) -> dict:
    """Channels by name or handle: everybody who works here may know what there is to ask for."""
    words = request.GET.get("q", "").strip()[:100]
    found = Channel.objects.exclude(state=Channel.State.ARCHIVED)
    like = Q(name__icontains=words) | Q(handle__icontains=words)
    return {"words": words, "found": list(found.filter(like).order_by("name", "pk")[:20]) if words else []}
