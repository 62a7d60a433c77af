"""Leavers from a file: bring it, look at every row, have it done."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from accounts import listing
from accounts.forms import LeaverFileForm, LeaverMappingForm
from accounts.models import LeaverList, LeaverRow, Role
from accounts.permissions import access_leaver_list, require_role
from accounts.queries.leavers import FIELDS
from socialops.lib.numbers import number
from socialops.lib.refusals import add_refusal

PAGE, LATEST = 50, 50


class LeaverListListView(View):
    """The files there were; POST brings another."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(request, LeaverFileForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        require_role(request.user.person, Role.ADMIN)
        form = LeaverFileForm(request.POST, request.FILES)
        if form.is_valid():
            file = form.cleaned_data["file"]
            try:
                return redirect("leaver_list", listing.read(request.user.person, file, file.name).pk)
            except ValidationError as error:
                add_refusal(form, error)
        return self._page(request, form, 422)

    def _page(self, request: HttpRequest, form: LeaverFileForm, status: int = 200) -> HttpResponse:
        require_role(request.user.person, Role.ADMIN)
        lists = LeaverList.objects.select_related("by").order_by("-pk")[:LATEST]
        return render(request, "accounts/leaver_list_list.html", {"form": form, "lists": lists}, status=status)


class LeaverListView(View):
    """?show= wrong, leave, nothing; ?after= the number of the row before the page. POST says what the columns mean."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _page(request, access_leaver_list(request.user, pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        of = access_leaver_list(request.user, pk)
        form = LeaverMappingForm(request.POST, of=of)
        if form.is_valid():
            try:
                listing.check(of, request.user.person, form.mapping, form.cleaned_data["zone"])
                return redirect("leaver_list", pk)
            except ValidationError as error:
                add_refusal(form, error)
        return _page(request, of, form, 422)


class LeaverListApplicationView(View):
    """POST: what=all, or what=good."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        of = access_leaver_list(request.user, pk)
        try:
            listing.apply(of, request.user.person, "good" if request.POST.get("what") == "good" else "all")
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return redirect("leaver_list", pk)


SHOWN = {
    "wrong": ~Q(problems={}), "leave": Q(plan="leave", outcome=""), "nothing": Q(plan="nothing"),
    "left": Q(outcome="left"),
}  # fmt: skip


def _page(
    request: HttpRequest, of: LeaverList, form: LeaverMappingForm | None = None, status: int = 200
) -> HttpResponse:
    counts = of.rows.aggregate(**{name: Count("pk", filter=which) for name, which in SHOWN.items()})
    show = request.GET.get("show", "")
    show = show if show in SHOWN else ("wrong" if counts["wrong"] else "left" if counts["left"] else "leave")
    rows = of.rows.filter(SHOWN[show], number__gt=number(request.GET.get("after")) or 0)
    page = list(rows.select_related("person").order_by("number")[: PAGE + 1])
    context: dict[str, Any] = {
        "of": of, "counts": counts, "show": show, "at_work": of.state == LeaverList.State.APPLYING,
        "rows": [(row, _said(row), _mail(of, row)) for row in page[:PAGE]],
        "next": f"?show={show}&after={page[PAGE - 1].number}" if page[PAGE:] else "",
        "form": form or LeaverMappingForm(of=of),
        "before": LeaverList.objects.filter(sha256=of.sha256, pk__lt=of.pk, state="done").order_by("-pk").first(),
    }  # fmt: skip
    return render(request, "accounts/leaver_list_detail.html", context, status=status)


def _said(row: LeaverRow) -> list[tuple[str, str]]:
    """What is wrong with it, each with the field that it is about."""
    return [(FIELDS.get(name, "Row"), words) for name, words in row.problems.items()]


def _mail(of: LeaverList, row: LeaverRow) -> str:
    at = of.mapping.get("email", len(row.cells))
    return row.cells[at] if at < len(row.cells) else ""
