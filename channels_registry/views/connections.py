"""Connecting a channel: the network's own form, the page that waits for the worker, ending it, the webhook."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from channels_registry import queries
from channels_registry.connecting import connect, disconnect, webhook_secret
from channels_registry.connector.capabilities import ReceivesWebhooks
from channels_registry.forms import ConnectionForm, ReasonForm
from channels_registry.models import Connection
from channels_registry.permissions import access_channel, access_connection
from channels_registry.queries import custody
from socialops.lib.refusals import add_refusal


class ConnectionNewView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        channel = access_channel(request.user, pk, "administer")
        current, refused = queries.connections_of(channel)
        known = (refused or current).fields if refused or current else {}
        form = ConnectionForm(channel.connector, initial=known)
        return self._page(request, channel, form, (current, refused))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        channel = access_channel(request.user, pk, "administer")
        form = ConnectionForm(channel.connector, request.POST)
        if form.is_valid():
            try:
                made = connect(channel, *form.answers(), request.user.person)
            except ValidationError as error:
                add_refusal(form, error)
            else:
                return redirect("connection", made.pk)
        return self._page(request, channel, form, (queries.connections_of(channel)[0], None), 422)

    def _page(self, request, channel, form, known: tuple, status: int = 200) -> HttpResponse:
        context = {
            "channel": channel,
            "form": form,
            "refused": known[1],
            "network": channel.connector,
            "before": known[0],
            "people": custody.who_may_authorise(channel)[:8],
        }
        return render(request, "channels_registry/connection_new.html", context, status=status)


class ConnectionView(View):
    """What became of it, and of its first try. Asked again each second until a worker has said."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        found = access_connection(request.user, pk)
        tried = found.rehearsals.order_by("-pk").first() if found.state == Connection.State.LIVE else None
        waits = found.state == Connection.State.PENDING or (tried is not None and tried.state == "asked")
        context = {"channel": found.channel, "connection": found, "rehearsal": tried, "waits": waits}
        fragment = "#fate" if request.htmx and waits else ""
        response = render(request, f"channels_registry/connection.html{fragment}", context)
        if request.htmx and not fragment:
            response["HX-Refresh"] = "true"
        return response


class ConnectionEndingView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        channel = access_channel(request.user, pk, "administer")
        context = {"channel": channel, "form": ReasonForm()}
        return render(request, "channels_registry/connection_ending.html", context)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        channel, form = access_channel(request.user, pk, "administer"), ReasonForm(request.POST)
        if form.is_valid():
            try:
                disconnect(channel, request.user.person, form.cleaned_data["reason"])
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, f"{channel.name} is disconnected.")
                return redirect("channel", pk)
        context = {"channel": channel, "form": form}
        return render(request, "channels_registry/connection_ending.html", context, status=422)


class WebhookView(View):
    """Where the network is to send what is said, and the secret that signs it: ours, to be copied over there."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        channel = access_channel(request.user, pk, "administer")
        if not isinstance(channel.connector, ReceivesWebhooks):
            raise Http404("This network sends no webhooks.")
        context = {"channel": channel, "secret": webhook_secret(channel)}
        response = render(request, "channels_registry/webhook.html", context)
        response["Cache-Control"] = "no-store"
        return response
