"""How a channel's connection is and was: who holds it, what it may, what became of it, and a try of it now."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from channels_registry import queries
from channels_registry.forms import NextAuthoriserForm
from channels_registry.health import health
from channels_registry.models import Channel
from channels_registry.permissions import access_channel
from channels_registry.queries import custody
from channels_registry.rehearsing import ask_rehearsal, name_next
from socialops.lib.refusals import add_refusal


class ConnectionHealthView(View):
    """Asked again each second while a worker tries the connection."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _page(request, access_channel(request.user, pk))


class RehearsalNewView(View):
    """POST has a worker try the connection now."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        channel = access_channel(request.user, pk, "administer")
        try:
            ask_rehearsal(channel, request.user.person)
        except ValidationError as error:
            messages.error(request, error.messages[0])
        return redirect("connection_health", pk)


class NextAuthoriserView(View):
    """POST names who connects the channel again."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        channel = access_channel(request.user, pk, "administer")
        form = NextAuthoriserForm(request.POST, of=custody.who_may_authorise(channel))
        if form.is_valid():
            try:
                name_next(channel, form.cleaned_data["person"], request.user.person)
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, f"{form.cleaned_data['person']} connects {channel.name} again.")
                return redirect("connection_health", pk)
        return _page(request, channel, form, 422)


def _page(request: HttpRequest, channel: Channel, form: NextAuthoriserForm | None = None, status: int = 200):
    connection, refused = queries.connections_of(channel)
    may_manage = channel.administered
    rehearsals = custody.rehearsals_of(channel)
    named = connection.next_authoriser_id if connection else None
    if may_manage and form is None:
        form = NextAuthoriserForm(initial={"person": named}, of=custody.who_may_authorise(channel))
    context = {
        "channel": channel,
        "connection": connection,
        "health": health(connection),
        "refused": refused,
        "scopes": custody.scopes_of(connection) if connection and connection.proven_at else [],
        "cannot": custody.cannot(connection) if connection and connection.proven_at else [],
        "story": custody.story_of(channel),
        "rehearsals": rehearsals,
        "trying": bool(rehearsals) and rehearsals[0].state == "asked",
        "may_manage": may_manage,
        "form": form,
    }
    return render(request, "channels_registry/connection_health.html", context, status=status)
