"""Webhooks out: the endpoints, one with what went there, and what an administrator does about it."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views import View

from accounts import queries, subscribing
from accounts.announcing import FAMILIES, PLACES
from accounts.audit import words
from accounts.forms import EndpointForm
from accounts.models import Role, WebhookEndpoint
from accounts.permissions import access_endpoint, is_present, require_role
from socialops.lib.numbers import number
from socialops.lib.refusals import add_refusal

VERBS = {  # what the last part of the address does, and what is said of it
    "test": (subscribing.send_test, "A test is on its way. Its answer stands below."),
    "pause": (subscribing.pause, "Paused. Nothing is sent until you let it go on."),
    "adopt": (subscribing.adopt, "You answer for it now."),
    "remove": (subscribing.remove, "Removed. Nothing is sent there any more."),
}


class EndpointListView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        require_role(request.user.person, Role.ADMIN)
        rows = [(each, _in_words(each.events)) for each in queries.endpoints()]
        return render(request, "accounts/endpoint_list.html", {"rows": rows})


class EndpointNewView(View):
    """POST answers with the secret, which is shown here and never again."""

    def get(self, request: HttpRequest) -> HttpResponse:
        require_role(request.user.person, Role.ADMIN)
        return _form(request, EndpointForm(by=request.user.person))

    def post(self, request: HttpRequest) -> HttpResponse:
        require_role(request.user.person, Role.ADMIN)
        form = EndpointForm(request.POST, by=request.user.person)
        if form.is_valid():
            try:
                made, secret = subscribing.add_endpoint(request.user.person, **form.given())
            except ValidationError as error:
                add_refusal(form, error)
            else:
                return _shown_once(request, made, secret)
        return _form(request, form, status=422)


class EndpointView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _page(request, access_endpoint(request.user, pk))


class EndpointChangeView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        endpoint = access_endpoint(request.user, pk)
        return _form(request, EndpointForm(by=request.user.person, endpoint=endpoint), endpoint)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        endpoint = access_endpoint(request.user, pk)
        form = EndpointForm(request.POST, by=request.user.person, endpoint=endpoint)
        if form.is_valid():
            try:
                subscribing.change_endpoint(endpoint, request.user.person, **form.given())
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, "Saved.")
                return redirect("endpoint", pk)
        return _form(request, form, endpoint, 422)


class EndpointSecretView(View):
    """POST makes a new secret; the old one signs as well for a day."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        endpoint, secret = subscribing.renew_secret(access_endpoint(request.user, pk), request.user.person)
        return _shown_once(request, endpoint, secret)


class EndpointVerbView(View):
    act = ""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        verb, said = VERBS[self.act]
        endpoint = access_endpoint(request.user, pk)
        try:
            verb(endpoint, request.user.person)
        except ValidationError as error:
            return _page(request, endpoint, error.messages, 422)
        messages.success(request, said)
        return redirect("endpoint_list") if self.act == "remove" else redirect("endpoint", pk)


class EndpointRemovalView(EndpointVerbView):
    """GET asks once more: it cannot be undone."""

    act = "remove"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return render(request, "accounts/endpoint_removal.html", {"endpoint": access_endpoint(request.user, pk)})


class EndpointResumptionView(View):
    """POST lets it go on; with `catch_up` it is told what happened meanwhile."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        endpoint = access_endpoint(request.user, pk)
        try:
            subscribing.resume(endpoint, request.user.person, catch_up=bool(request.POST.get("catch_up")))
        except ValidationError as error:
            return _page(request, endpoint, error.messages, 422)
        messages.success(request, "It goes on.")
        return redirect("endpoint", pk)


class WebhookResendingView(View):
    def post(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        endpoint = access_endpoint(request.user, pk)
        delivery = get_object_or_404(endpoint.deliveries, pk=number)
        try:
            subscribing.send_again(delivery, request.user.person)
        except ValidationError as error:
            return _page(request, endpoint, error.messages, 422)
        messages.success(request, "It is on its way again.")
        return redirect("endpoint", pk)


def _page(
    request: HttpRequest, endpoint: WebhookEndpoint, errors: list[str] | None = None, status: int = 200
) -> HttpResponse:
    rows = queries.webhooks_to(endpoint, number(request.GET.get("before")) or 0)
    page = rows[: queries.FEW_WEBHOOKS]
    named = PLACES.seen_by(endpoint.answerable).filter(pk__in=endpoint.channels).values_list("name", flat=True)
    context: dict[str, Any] = {
        "endpoint": endpoint, "errors": errors, "events": _in_words(endpoint.events),
        "departed": not is_present(endpoint.answerable),
        "channels": list(named) if endpoint.channels else [],
        "rows": [(each, words(each.action) if each.event_id else "a test") for each in page],
        "next": page[-1].pk if len(rows) > len(page) else 0,
    }  # fmt: skip
    return render(request, "accounts/endpoint_detail.html", context, status=status)


def _form(
    request: HttpRequest, form: EndpointForm, endpoint: WebhookEndpoint | None = None, status: int = 200
) -> HttpResponse:
    context = {"form": form, "endpoint": endpoint}
    return render(request, "accounts/endpoint_form.html", context, status=status)


def _shown_once(request: HttpRequest, endpoint: WebhookEndpoint, secret: str) -> HttpResponse:
    response = render(request, "accounts/endpoint_secret.html", {"endpoint": endpoint, "secret": secret})
    response["Cache-Control"] = "no-store"
    return response


def _in_words(events: list[str]) -> list[str]:
    return [f"all {FAMILIES[each].words.lower()} events" if each in FAMILIES else words(each) for each in events]
