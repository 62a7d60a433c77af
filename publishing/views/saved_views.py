"""Saved views of the calendar: one's own and the shared ones, and which one it opens with."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views import View

from accounts.permissions import has_role
from publishing import keeping, models
from publishing.forms.planning import SavedViewForm
from publishing.permissions import LEADS, access_saved_view
from publishing.queries import saved_views
from publishing.queries.calendar import Filters
from publishing.queries.saved_views import Saved
from publishing.views.calendar import VIEWS
from socialops.lib.refusals import add_refusal


class SavedViewListView(View):
    """GET lists them; POST keeps the calendar that the address describes under a name."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return _list(request, SavedViewForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form, filters = SavedViewForm(request.POST), Filters.read(request.GET)
        if form.is_valid():
            said = form.cleaned_data
            try:
                view = keeping.save_view(request.user.person, said["name"], _layout(request), filters, said["shared"])
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, f"Saved as “{view}”.")
                return redirect(reverse("calendar") + Saved(view.name, filters, view.layout, False).query)
        return _list(request, form, status=422)


class SavedViewRemovalView(View):
    """POST removes it."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        view = access_saved_view(request.user, pk)
        keeping.remove_view(view, request.user.person)
        messages.success(request, f"“{view}” is removed.")
        return redirect("saved_view_list")


class OpeningView(View):
    """POST lets the calendar open with it; with drop=yes it opens with this month again."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        view, dropped = access_saved_view(request.user, pk), request.POST.get("drop") == "yes"
        keeping.open_with(None if dropped else view, request.user.person)
        messages.success(request, "The calendar opens with this month." if dropped else f"It opens with “{view}”.")
        return redirect("saved_view_list")


def _layout(request: HttpRequest) -> str:
    said = request.GET.get("view", "")
    return said if said in VIEWS else "month"


def _list(request: HttpRequest, form: SavedViewForm, status: int = 200) -> HttpResponse:
    person, filters = request.user.person, Filters.read(request.GET)
    opens = models.OpeningView.objects.filter(person=person, view=OuterRef("pk"))
    found = models.SavedView.objects.filter(Q(person=person) | Q(shared=True)).annotate(opens=Exists(opens))
    views = list(found.select_related("person").order_by("name", "pk"))
    each = [Filters(**view.filters) for view in views]
    told = saved_views.told(person, [*each, filters])
    leads = has_role(person, *LEADS)
    rows = [
        {
            "view": view, "shows": f"{VIEWS[view.layout]}. {words}", "may_remove": leads or view.person_id == person.pk,
            "query": Saved(view.name, narrowed, view.layout, False).query,
        }
        for view, narrowed, words in zip(views, each, told, strict=False)
    ]  # fmt: skip
    context = {"rows": rows, "form": form, "shows": f"{VIEWS[_layout(request)]}. {told[-1]}", "mine": person}
    return render(request, "publishing/saved_view_list.html", context, status=status)
