"""Offboarding: the cases, one case, closing it, and the doors that cannot be proven shut."""

from datetime import datetime, timedelta

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views import View

from accounts import audit
from accounts.models.person import Role
from accounts.permissions import has_role
from channels_registry import reminding, requesting
from governance import evidence, offboarding, queries
from governance.forms import AcceptanceForm, SuccessorForm
from governance.models import CaseDoor, OffboardingCase
from governance.permissions import (
    access_acceptance,
    access_case,
    access_door,
    may_read,
    require_reader,
    require_steerer,
)
from governance.queries import progress
from governance.views.batches import burning

WATCHED = timedelta(minutes=5)  # so long the page of a case asks again by itself


class CaseListView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        require_reader(request.user.person)
        me = request.user.person
        followed = progress.lately().exclude(person=me)
        context = {
            "cases": queries.cases().exclude(person=me)[:200],
            "batches": progress.batches().exclude(cases__person=me)[:12],
            "may_record": has_role(me, Role.ADMIN),
            **burning(progress.doors_of_cases(followed)),
        }
        return render(request, "governance/case_list.html", context)


class CaseView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _case_page(request, access_case(request.user, pk))


class SuccessorView(View):
    """POST names who gets the channels that have no backup owner."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        case, form = access_case(request.user, pk), SuccessorForm(request.POST)
        if not form.is_valid():
            require_steerer(request.user.person, case)
            return _case_page(request, case, errors=form.errors["email"], status=422, successor_form=form)
        successor = form.cleaned_data["successor"]
        try:
            offboarding.name_successor(case, successor, request.user.person)
        except ValidationError as error:
            return _case_page(request, case, errors=error.messages, status=422, successor_form=form)
        messages.success(request, f"{successor.name} takes over what has no backup.")
        return redirect("case", pk)


class CaseClosingView(View):
    """POST closes the case, or says on its page what is still missing."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        case = access_case(request.user, pk)
        try:
            offboarding.close(case, request.user.person)
        except ValidationError as error:
            return _case_page(request, case, errors=error.messages, status=422)
        messages.success(request, f"Closed. Every door {case.person.name} had is graded.")
        return redirect("case", pk)


class CaseEvidenceView(View):
    """POST has the pack of this case made."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        bundle = evidence.export_case(request.user.person, access_case(request.user, pk))
        return redirect("evidence", bundle.pk)


class AcceptanceNewView(View):
    """POST asks a second person to accept the risk of a door that cannot be proven shut."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        door = access_door(request.user, pk)
        form = AcceptanceForm(request.POST)
        try:
            offboarding.ask_acceptance(door, request.user.person, form.data.get("reason", ""))
        except ValidationError as error:
            return _case_page(request, door.case, errors=error.messages, status=422)
        messages.success(request, "Asked. Another administrator can now accept the risk.")
        return redirect("case", door.case_id)


class AcceptanceView(View):
    """POST accepts the risk by name."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        acceptance = access_acceptance(request.user, pk)
        try:
            offboarding.accept_risk(acceptance, request.user.person)
        except ValidationError as error:
            return _case_page(request, acceptance.door.case, errors=error.messages, status=422)
        return redirect("case", acceptance.door.case_id)


class PersonCaseView(View):
    """The fragment that a person's page loads: the case of that person, if there is one that the reader may see."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not may_read(request.user.person) or request.user.person.pk == pk:
            return HttpResponse(status=204)  # the person's page is everybody's, so its readers are not told off
        case = queries.cases().filter(person_id=pk).last()
        return render(request, "governance/_person_case.html", {"case": case})


def _settled(door: CaseDoor) -> bool:
    """Proven, left open on purpose, or its risk accepted."""
    acceptance = getattr(door, "acceptance", None)
    accepted = acceptance is not None and acceptance.accepted_by_id is not None
    return accepted or door.revocation.stage == "verified" or door.revocation.state == "cancelled"


def _stuck(door: CaseDoor) -> bool:
    """A person has to do something: these stand on top."""
    return door.revocation.state in ("needs_human", "blocked", "failed")


def _timed(door: CaseDoor) -> CaseDoor:
    """With how long it took to be shut, by API or by hand, and when a person's time for it is up."""
    revocation = door.revocation
    shut_at = revocation.shut_at if revocation.grant.door != "right" else None
    door.revoking_took = shut_at - revocation.due_at if shut_at else None
    waits = revocation.guided and not _settled(door)
    hours = timedelta(hours=reminding.hours_for(revocation.grant.channel))
    door.time_is_up = revocation.due_at + hours if waits else None
    return door


def _moving(case: OffboardingCase, doors: list[CaseDoor], now: datetime) -> bool:
    """Its doors were begun just now, and some of them are shut without anybody's help."""
    begun = case.swept_at is not None and now - case.swept_at < WATCHED
    return begun and any(not (_settled(d) or _stuck(d) or d.revocation.guided) for d in doors)


def _case_page(
    request: HttpRequest, case: OffboardingCase, errors: list[str] | None = None, status: int = 200, **more: object
) -> HttpResponse:
    me, now, deadline = request.user.person, timezone.now(), case.departure.at + queries.SHUT_WITHIN
    work = queries.work_counts(case.person)
    being_shut = case.swept_at is None and case.departure.at <= now
    doors = sorted(queries.doors(case), key=lambda door: (not _stuck(door), _settled(door)))
    context = {
        "case": case,
        "doors": doors,
        "proven": sum(door.revocation.stage == "verified" for door in doors),
        "stuck": sum(map(_stuck, doors)),
        "deadline": deadline,
        "late": deadline < now,
        "being_shut": being_shut,
        "goes_on": not errors and (being_shut or _moving(case, doors, now)),
        "dry_run": requesting.plan(queries.doors_before(case.person)) if case.swept_at is None else None,
        "channels_left": list(queries.channels_left(case.person)) if work["channels"] else [],
        "authorised": list(queries.authorised_by(case.person)) if work["connections"] else [],
        "slowest": max((each.revoking_took for each in map(_timed, doors) if each.revoking_took), default=None),
        "work": work,
        "trail": [(event, audit.words(event.action)) for event in queries.trail(case).reverse()[:12]],
        "ready": all(_settled(door) for door in doors),
        "may_steer": has_role(me, Role.ADMIN) and me.pk != case.person_id,
        "acceptance_form": AcceptanceForm(),
        "successor_form": SuccessorForm(),
        "errors": errors,
        **more,
    }
    return render(request, "governance/case_detail.html", context, status=status)
