"""API tokens: one's own, and for administrators everybody's."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from accounts import issuing, queries
from accounts.forms import TokenForm
from accounts.models import Person, Role
from accounts.permissions import access_token, require_role
from socialops.lib.numbers import number
from socialops.lib.refusals import add_refusal


class TokenListView(View):
    """GET lists one's own; POST makes one and shows its secret, this once."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return _page(request, TokenForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = TokenForm(request.POST)
        if form.is_valid():
            said = form.cleaned_data
            try:
                token, secret = issuing.issue(request.user.person, said["name"], said["scopes"], said["days"])
            except (ValidationError, PermissionDenied) as error:
                add_refusal(form, error)
            else:
                return _page(request, TokenForm(), made=token, secret=secret)
        return _page(request, form, status=422)


class TokenEndingView(View):
    """POST ends it, by its person or an administrator, who each go back to their list."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        token = access_token(request.user, pk)
        issuing.end(token, request.user.person)
        messages.success(request, f"“{token.name}” opens nothing any more.")
        return redirect("token_list" if token.person_id == request.user.person_id else "everybodys_tokens")


class EverybodysTokensView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        require_role(request.user.person, Role.ADMIN)
        return render(request, "accounts/everybodys_tokens.html", {**_rows(request), "everybody": True})


def _page(request: HttpRequest, form: TokenForm, status: int = 200, **made) -> HttpResponse:
    context = {"form": form, **_rows(request, request.user.person), **made}
    return render(request, "accounts/token_list.html", context, status=status)


def _rows(request: HttpRequest, person: Person | None = None) -> dict[str, Any]:
    rows, after = queries.token_page(person, number(request.GET.get("before")) or 0)
    return {"rows": rows, "next": f"?before={after}" if after else ""}
