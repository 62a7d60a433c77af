"""Records: what may not be deleted (legal holds), and erasing the data of somebody who has left."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from accounts.models import Person
from accounts.models.person import Role
from accounts.permissions import has_role
from governance import erasing, preserving
from governance.forms import LegalHoldForm, ReasonForm
from governance.permissions import access_erasure, access_hold, access_leaver, require_reader
from governance.queries import erasures


class LegalHoldListView(View):
    """GET lists them; POST places one."""

    def get(self, request: HttpRequest) -> HttpResponse:
        require_reader(request.user.person)
        return _holds_page(request, LegalHoldForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        require_reader(request.user.person)
        form = LegalHoldForm(request.POST)
        if form.is_valid():
            hold = preserving.place(by=request.user.person, **form.cleaned_data)
            messages.success(request, f"{hold} placed. Nothing that it covers is deleted.")
            return redirect("legal_hold_list")
        return _holds_page(request, form, status=422)


class LegalHoldLiftingView(View):
    """POST lifts one, by another person than who placed it."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        hold = access_hold(request.user, pk)
        try:
            preserving.lift(hold, request.user.person, request.POST.get("reason", ""))
        except ValidationError as error:
            return _holds_page(request, LegalHoldForm(), errors=error.messages, status=422)
        messages.success(request, f"{hold} lifted. What is kept no longer goes at the next hour.")
        return redirect("legal_hold_list")


class ErasureView(View):
    """GET is the dry run: what goes, what stays and why. POST asks for it."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _erasure_page(request, access_leaver(request.user, pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        person = access_leaver(request.user, pk)
        try:
            erasing.ask(person, request.user.person, request.POST.get("reason", ""))
        except ValidationError as error:
            return _erasure_page(request, person, errors=error.messages, status=422)
        messages.success(request, "Asked. Another administrator has to confirm it.")
        return redirect("erasure", pk)


class ErasureConfirmationView(View):
    """POST confirms it, by a second person. A worker does it then."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _decided(request, pk, erasing.confirm)


class ErasureWithdrawalView(View):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _decided(request, pk, erasing.withdraw)


def _decided(request: HttpRequest, pk: int, verb) -> HttpResponse:
    erasure = access_erasure(request.user, pk)
    try:
        verb(erasure, request.user.person)
    except ValidationError as error:
        return _erasure_page(request, erasure.person, errors=error.messages, status=422)
    return redirect("erasure", erasure.person_id)


def _holds_page(
    request: HttpRequest, form: LegalHoldForm, errors: list[str] | None = None, status: int = 200
) -> HttpResponse:
    me = request.user.person
    context = {
        "form": form, "errors": errors, "holds": list(erasures.holds()[:200]), "me": me,
        "may_act": has_role(me, Role.ADMIN),
    }  # fmt: skip
    return render(request, "governance/legal_hold_list.html", context, status=status)


def _erasure_page(
    request: HttpRequest, person: Person, errors: list[str] | None = None, status: int = 200
) -> HttpResponse:
    latest = erasures.erasures().filter(person=person).first()
    over = latest is not None and latest.state == "done"
    context = {
        "person": person, "latest": latest, "plan": None if over else erasing.plan(person), "errors": errors,
        "form": ReasonForm(), "may_act": has_role(request.user.person, Role.ADMIN),
        "mine": latest is not None and latest.asked_by_id == request.user.person.pk,
    }  # fmt: skip
    return render(request, "governance/erasure.html", context, status=status)
