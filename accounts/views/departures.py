"""Recording that somebody leaves, and taking it back before its minute."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from accounts import departing, queries
from accounts.forms import DepartureForm, now_in
from accounts.models import Departure, Person, Role
from accounts.permissions import access_person, require_role
from socialops.lib.refusals import add_refusal


class DepartureNewView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        me = request.user.person
        require_role(me, Role.ADMIN)
        person = access_person(request.user, pk)
        return _page(request, person, DepartureForm(initial=now_in(person.time_zone), person=person, by=me))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        me = request.user.person
        require_role(me, Role.ADMIN)
        person = access_person(request.user, pk)
        form = DepartureForm(request.POST, person=person, by=me)
        if form.is_valid():
            answers = form.cleaned_data
            try:
                departing.mark_departed(
                    person, form.at_wall(), answers["time_zone"], me, answers["reason"], quiet=answers["quiet"],
                    confidants=answers["confidants"] if answers["quiet"] else (),
                )  # fmt: skip
            except ValidationError as error:
                add_refusal(form, error, at="date")
            else:
                messages.success(request, f"{person.name}’s departure is recorded.")
                return redirect("person", pk)
        return _page(request, person, form, status=422)


class DepartureWithdrawalView(View):
    """POST takes the departure back. GET asks first, without a script."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        require_role(request.user.person, Role.ADMIN)
        person = access_person(request.user, pk)
        context = {"person": person, "departure": _standing(person, request.user.person)}
        return render(request, "accounts/departure_withdrawal.html", context)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        require_role(request.user.person, Role.ADMIN)  # first: who is about to leave is not everybody's to find out
        person = access_person(request.user, pk)
        departure = _standing(person, request.user.person)
        try:
            departing.withdraw_departure(departure, request.user.person, request.POST.get("reason", "")[:200])
        except ValidationError as error:
            context = {"person": person, "departure": departure, "errors": error.messages}
            return render(request, "accounts/departure_withdrawal.html", context, status=422)
        messages.success(request, f"{person.name} stays.")
        return redirect("person", pk)


def _standing(person: Person, viewer: Person) -> Departure:
    """404 as well for one that is quiet to the viewer."""
    departure = queries.standing_departure(person, viewer)
    if departure is None:
        raise Http404("no departure stands")
    return departure


def _page(request: HttpRequest, person: Person, form: DepartureForm, status: int = 200) -> HttpResponse:
    return render(request, "accounts/departure_new.html", {"person": person, "form": form}, status=status)
