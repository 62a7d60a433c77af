"""The company's directory: what it may come in with, and what of it waits for a person."""

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from accounts import deciding, entrusting, hearing
from accounts.departing import most_leavers
from accounts.forms import DirectoryKeyForm
from accounts.models import DirectoryMatter, Role
from accounts.permissions import access_directory_key, access_directory_matter, require_role
from accounts.queries.directory import directory_keys, matters_page, open_matters
from socialops.lib.numbers import number
from socialops.lib.refusals import add_refusal


class DirectoryView(View):
    """GET lists the keys; POST makes one and shows its secret, this once."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(request, DirectoryKeyForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        require_role(request.user.person, Role.ADMIN)
        form = DirectoryKeyForm(request.POST)
        if form.is_valid():
            try:
                key, secret = entrusting.entrust(request.user.person, **form.cleaned_data)
            except (ValidationError, PermissionDenied) as error:
                add_refusal(form, error)
            else:
                return self._page(request, DirectoryKeyForm(), made=key, secret=secret)
        return self._page(request, form, 422)

    def _page(self, request: HttpRequest, form: DirectoryKeyForm, status: int = 200, **made) -> HttpResponse:
        require_role(request.user.person, Role.ADMIN)
        context = {
            "form": form, "keys": directory_keys(), "waiting": open_matters().count(), "most": most_leavers(),
            "scim_url": f"{settings.BASE_URL}/scim/v2", "hook_url": f"{settings.BASE_URL}/hooks/people/", **made,
        }  # fmt: skip
        return render(request, "accounts/directory.html", context, status=status)


class DirectoryKeyEndingView(View):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        key = access_directory_key(request.user, pk)
        entrusting.end(key, request.user.person)
        messages.success(request, f"“{key.name}” opens nothing any more.")
        return redirect("directory")


class DirectoryKeyAdoptionView(View):
    """POST: whoever asks answers for it from now on."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        key = access_directory_key(request.user, pk)
        try:
            entrusting.take_over(key, request.user.person)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, f"You answer for “{key.name}” now.")
        return redirect("directory")


class DirectoryMatterListView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        require_role(request.user.person, Role.ADMIN)
        rows, after = matters_page(number(request.GET.get("before")) or 0)
        me = request.user.person_id
        shown = [(each, each.person_id == me, each.kind in deciding.LEAVING) for each in rows]
        context = {"rows": shown, "next": f"?before={after}" if after else ""}
        return render(request, "accounts/directory_matter_list.html", context)


class DirectoryMatterDecisionView(View):
    """POST: decision=do, again (what could not be done), or leave."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        matter = access_directory_matter(request.user, pk)
        if request.POST.get("decision") == "again":
            return self._again(request, matter)
        try:
            deciding.settle(matter, request.user.person, request.POST.get("decision") == "do")
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, "Decided.")
        return redirect("directory_matter_list")

    def _again(self, request: HttpRequest, matter: DirectoryMatter) -> HttpResponse:
        try:
            message = hearing.heed_again(matter, request.user.person)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            words = message.outcome if message else "There is nothing to try again."
            messages.success(request, words[:1].upper() + words[1:] + ".")
        return redirect("directory_matter_list")
