"""Ways in over there of which nobody has said whose they are."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from accounts.models import Person
from channels_registry import queries
from channels_registry.forms import IdentityForm
from channels_registry.models import NetworkIdentity
from channels_registry.observing import decide, may_decide
from socialops.lib.numbers import number

SHOWN, FEW = 100, 200


class IdentityListView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return _page(request)


class IdentityMatchView(View):
    """POST says whose it is: `person`, or nobody's (a service)."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        identity = NetworkIdentity.objects.filter(pk=pk).first()
        if identity is None or not may_decide(request.user.person, identity):
            raise Http404("There is no such identity, or it is not yours to match.")
        form = IdentityForm(request.POST)
        if not form.is_valid():
            return _page(request, form.errors.get("person", ["Choose somebody from the list."]), 422)
        person = form.cleaned_data["person"]
        decide(identity, person, request.user.person)
        messages.success(request, f"{identity} is {person.name}’s." if person else f"{identity} is a service.")
        return redirect("identity_list")


def _page(request: HttpRequest, errors=None, status: int = 200) -> HttpResponse:
    waiting = queries.identities_waiting(request.user.person, number(request.GET.get("channel")))
    rows = list(waiting[:SHOWN])
    people = list(Person.objects.order_by("name").only("pk", "name")[: FEW + 1]) if rows else []
    wanted = {pk for row in rows for pk in row.candidates}
    suggested = {person.pk: person for person in Person.objects.filter(pk__in=wanted).only("pk", "name")}
    context = {
        "rows": [(row, [suggested[pk] for pk in row.candidates if pk in suggested]) for row in rows],
        "people": people if len(people) <= FEW else [],  # of more, the name is written
        "errors": errors,
        "more": max(0, waiting.count() - SHOWN) if len(rows) == SHOWN else 0,
    }
    return render(request, "channels_registry/identity_list.html", context, status=status)
