"""The channels: the list, one channel, a new one, one changed."""

from dataclasses import asdict
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.forms.models import model_to_dict
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views import View

from accounts.models import Role
from accounts.permissions import require_role
from channels_registry import networks, queries
from channels_registry.connector.capabilities import RevokesDoors
from channels_registry.forms import MomentForm
from channels_registry.forms.channels import ChannelChangeForm, ChannelForm
from channels_registry.health import health, how_it_is_shut, left_over_there, record_warnings, warnings
from channels_registry.models import Channel
from channels_registry.observing import can
from channels_registry.permissions import access_channel, may
from channels_registry.queries.channels import ADMINS, BACKUPS, HEALTHS, REVIEWS, STATES, WHOSE
from channels_registry.registering import change_channel, register_channel
from socialops.lib.refusals import add_refusal


class ChannelListView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        me, chosen = request.user.person, filter_of(request)
        page, said = queries.channels_page(me, chosen), queries.said_of_channels(me)
        narrowed = {"q": chosen.words, **asdict(chosen), "after": page.next}
        narrowed.pop("words")
        context = {
            "rows": [(channel, health(next(iter(channel.current), None))) for channel in page.channels],
            "page": page,
            "chosen": chosen,
            "narrowed": any(value for name, value in narrowed.items() if name != "after"),
            "further": any((chosen.admins, chosen.whose, chosen.backup, chosen.brand, chosen.region, chosen.entity)),
            "networks": [(slug, networks.network(slug).label) for slug in networks.slugs()],
            "risks": [(tier.value, f"{tier.label} risk") for tier in Channel.RiskTier],
            "healths": HEALTHS.items(),
            "admins": ADMINS.items(),
            "whose": WHOSE.items(),
            "states": [(state, label) for state, label in STATES.items() if state],
            "reviews": REVIEWS.items(),
            "backups": BACKUPS.items(),
            **{name: [(word, word) for word in words] for name, words in said.items()},
            "may_register": request.user.is_admin,
            "next": f"?{urlencode(narrowed)}" if page.next else "",
        }
        return render(request, "channels_registry/channel_list.html", context)


def filter_of(request: HttpRequest) -> queries.ChannelFilter:
    """What the address of the list asks for; what it cannot ask for is left out."""
    asked = request.GET
    closed = {
        "network": networks.slugs(), "risk": Channel.RiskTier.values, "health": HEALTHS, "admins": ADMINS,
        "whose": WHOSE, "state": Channel.State.values, "review": REVIEWS, "backup": BACKUPS,
    }  # fmt: skip
    said = {name: asked.get(name, "") for name in closed}
    free = {name: asked.get(name, "")[:120] for name in ("brand", "region", "entity")}
    return queries.ChannelFilter(
        words=asked.get("q", "")[:200],
        after=asked.get("after", "")[:200],
        **{name: word if word in closed[name] else "" for name, word in said.items()},
        **free,
    )


class ChannelNewView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        require_role(request.user.person, Role.ADMIN)
        form = ChannelForm(initial={"time_zone": request.user.person.time_zone})
        return render(request, "channels_registry/channel_new.html", {"form": form})

    def post(self, request: HttpRequest) -> HttpResponse:
        require_role(request.user.person, Role.ADMIN)
        form = ChannelForm(request.POST)
        if form.is_valid():
            try:
                channel = register_channel(by=request.user.person, **form.said())
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, f"{channel.name} is registered. Connect it next.")
                return redirect("connection_new", channel.pk)
        return render(request, "channels_registry/channel_new.html", {"form": form}, status=422)


class ChannelView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        channel = access_channel(request.user, pk)
        if request.GET.get("at"):
            return redirect(f"{reverse('channel_doors', args=[pk])}?{request.GET.urlencode()}")
        me = request.user.person
        connection, refused = queries.connections_of(channel)
        doors, counts = queries.doors_page(channel), queries.door_counts(channel)
        may_manage = request.user.is_admin or may(me, "manage", channel)
        by_api = connection is not None and connection.state == "live" and can(connection, RevokesDoors)
        concerns = warnings(channel, connection, refused, counts.administrators, counts.managers, counts.nobodys)
        if connection is None:
            concerns += left_over_there(channel, queries.last_ended(channel))
        concerns += record_warnings(channel)
        context = {
            "channel": channel,
            "connection": connection,
            "health": health(connection),
            "warnings": concerns,
            "doors": [(door, how_it_is_shut(door, by_api)) for door in doors.doors],
            "more": doors.total if doors.next else 0,
            "moment_form": MomentForm(zone=me.time_zone),
            "may_manage": may_manage,
            "people_page": _people_page(channel, connection),
            "may_review": may_manage or me.pk in (channel.owner_id, channel.backup_owner_id),
        }
        return render(request, "channels_registry/channel_detail.html", context)


class ChannelChangeView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        channel = access_channel(request.user, pk, "administer")
        form = ChannelChangeForm(initial=model_to_dict(channel, fields=ChannelChangeForm.base_fields))
        return self._page(request, channel, form)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        channel = access_channel(request.user, pk, "administer")
        form = ChannelChangeForm(request.POST)
        if form.is_valid():
            try:
                channel = change_channel(channel, request.user.person, **form.said())
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, f"{channel.name} is changed.")
                return redirect("channel", pk)
        return self._page(request, channel, form, 422)

    def _page(self, request, channel: Channel, form: ChannelChangeForm, status: int = 200) -> HttpResponse:
        context = {"channel": channel, "form": form}
        return render(request, "channels_registry/channel_change.html", context, status=status)


def _people_page(channel: Channel, connection) -> str:
    if connection is None or not connection.proven_at:
        return ""  # an address that was typed and never proven leads anywhere
    try:
        return channel.connector.people_page_url(connection.fields, connection.handle)
    except KeyError as error:
        raise PermissionDenied(f"The network {channel.network} is not installed here any more.") from error
