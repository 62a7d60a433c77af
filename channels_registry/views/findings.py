"""Findings: where networks and the record do not agree, and what is decided about each."""

from datetime import timedelta

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views import View

from channels_registry import drifting
from channels_registry.forms.kept import AcceptForm, DecisionForm
from channels_registry.models import Channel, Finding
from channels_registry.queries import findings as queries
from socialops.lib.numbers import number
from socialops.lib.refusals import add_refusal

PAGE = 50
RISKS = {tier.value: f"{tier.label} risk" for tier in Channel.RiskTier}


class FindingListView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        asked, me = request.GET, request.user.person
        kind = asked.get("kind", "") if asked.get("kind") in Finding.Kind.values else ""
        risk = asked.get("risk", "") if asked.get("risk") in RISKS else ""
        state = asked.get("state", "") if asked.get("state") in Finding.State.values else Finding.State.OPEN
        found = queries.findings_for(me).filter(state=state)
        if kind:
            found = found.filter(kind=kind)
        if risk:
            found = found.filter(channel__risk_tier=risk)
        if channel := number(asked.get("channel")):
            found = found.filter(channel=channel)
        total = found.count()
        after = number(asked.get("after"))
        rows = list(found.order_by("pk").filter(pk__gt=after or 0)[: PAGE + 1])
        last = rows[PAGE - 1].pk if len(rows) > PAGE else ""
        more = f"?kind={kind}&risk={risk}&state={state}&channel={channel or ''}&after={last}"
        context = {
            "findings": rows[:PAGE],
            "total": total,
            "next": more if last else "",
            "kind": kind,
            "risk": risk,
            "state": state,
            "kinds": Finding.Kind.choices,
            "risks": RISKS.items(),
            "states": [(each.value, each.label) for each in (Finding.State.ACCEPTED, Finding.State.IN_HAND)],
        }
        return render(request, "channels_registry/finding_list.html", context)


class FindingView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _page(request, _finding(request, pk))


class FindingDecisionView(View):
    """POST `decision`: theirs, service, not_held, shut or ask."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        finding, me = _finding(request, pk), request.user.person
        decision = request.POST.get("decision", "")
        if decision == "ask":
            form = DecisionForm({"reason": "asked"}, auto_id="decision_%s")
        else:
            form = DecisionForm(request.POST, auto_id="decision_%s")
        if decision not in DECISIONS:
            raise Http404
        if form.is_valid():
            try:
                DECISIONS[decision](finding, me, form.cleaned_data)
            except ValidationError as error:
                add_refusal(form, error)
            else:
                return redirect("finding", pk) if decision in ("ask", "shut") else redirect("finding_list")
        return _page(request, finding, 422, decision=form)


class FindingAcceptanceView(View):
    """POST leaves it alone until a date."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        finding, form = _finding(request, pk), AcceptForm(request.POST, auto_id="acceptance_%s")
        if form.is_valid():
            try:
                drifting.accept(finding, request.user.person, form.cleaned_data["until"], form.cleaned_data["reason"])
            except ValidationError as error:
                add_refusal(form, error)
            else:
                return redirect("finding_list")
        return _page(request, finding, 422, acceptance=form)


def _theirs(finding: Finding, by, given: dict) -> None:
    person = given["person"] or finding.grant.person
    if person is None:
        raise ValidationError({"person": "Say whose it is."})
    drifting.theirs(finding, by, person, given["reason"])


DECISIONS = {
    "theirs": _theirs,
    "service": lambda finding, by, given: drifting.service(finding, by, given["reason"]),
    "not_held": lambda finding, by, given: drifting.not_held(finding, by, given["reason"]),
    "shut": lambda finding, by, given: drifting.shut(finding, by, given["reason"]),
    "ask": lambda finding, by, given: drifting.ask(finding, by),
}


def _finding(request: HttpRequest, pk: int) -> Finding:
    """Fetching is authorising: for who sees what is found on that channel."""
    found = Finding.objects.filter(pk=pk, channel__in=_read_by(request.user.person))
    rows = found.select_related(
        "channel__owner", "grant__person", "grant__identity", "declared", "decided_by", "asked_by"
    )
    if (finding := rows.first()) is None:
        raise Http404("There is no such finding, or it is not yours to see.")
    return finding


def _read_by(person):
    return queries.read_by(person).values("pk")


def _page(request: HttpRequest, finding: Finding, status: int = 200, **bound) -> HttpResponse:
    me = request.user.person
    undecided = finding.state in (Finding.State.OPEN, Finding.State.ACCEPTED)
    mine = undecided and drifting.may_decide(finding, me)
    in_a_month = timezone.localtime(timezone.now() + timedelta(days=30)).replace(second=0, microsecond=0)
    context = {
        "finding": finding,
        "grant": finding.grant,
        "channel": finding.channel,
        "mine": mine,
        "may_shut": undecided and finding.kind != "missing" and drifting.may_decide(finding, me, own=True),
        "names_somebody": finding.kind == "unknown",
        "declares": finding.kind in ("level", "expired"),
        "revocation": finding.grant.revocations.exclude(state="cancelled").order_by("-pk").first(),
        "decision": DecisionForm(auto_id="decision_%s"),
        "acceptance": AcceptForm(initial={"until": in_a_month}, auto_id="acceptance_%s"),
        **bound,
    }
    return render(request, "channels_registry/finding_detail.html", context, status=status)
