"""Giving access, taking it away, and the doors of one person."""

from datetime import timedelta

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views import View

from channels_registry import access, expiring
from channels_registry.forms import GrantForm, ReasonForm
from channels_registry.forms.kept import ExtensionForm
from channels_registry.models.access_grant import Door
from channels_registry.permissions import access_channel, access_grant, may_administer
from channels_registry.revoking import request_revocation
from socialops.lib.refusals import add_refusal


class GrantNewView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        channel = access_channel(request.user, pk, "administer")
        form = GrantForm(but=request.user.person)
        return render(request, "channels_registry/grant_new.html", {"channel": channel, "form": form})

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        channel, me = access_channel(request.user, pk, "administer"), request.user.person
        form = GrantForm(request.POST, but=me)
        if form.is_valid():
            given = form.cleaned_data
            more = {name: given[name] for name in ("door", "label", "expires_at")}
            try:
                access.grant(channel, given["person"], form.words(), me, given["reason"], **more)
            except (ValidationError, PermissionDenied) as error:
                add_refusal(form, error, **form.names())
            else:
                messages.success(request, f"{given['person']} has access to {channel.name}.")
                return redirect("channel", pk)
        return render(request, "channels_registry/grant_new.html", {"channel": channel, "form": form}, status=422)


class GrantRevocationView(View):
    """GET names what will happen; POST asks for the revocation."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._page(request, self._grant(request, pk), ReasonForm())

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        grant, form = self._grant(request, pk), ReasonForm(request.POST)
        if form.is_valid():
            try:
                revocation = request_revocation(grant, request.user.person, form.cleaned_data["reason"])
            except ValidationError as error:
                add_refusal(form, error)
            else:
                return redirect("revocation", revocation.pk)
        return self._page(request, grant, form, 422)

    def _grant(self, request, pk):
        grant, me = access_grant(request.user, pk), request.user.person
        if not (may_administer(me, grant.channel) or (grant.person == me and grant.door == Door.RIGHT)):
            raise PermissionDenied(f"Only somebody who manages {grant.channel.name}, or an administrator, may do this.")
        return grant

    def _page(self, request, grant, form, status: int = 200) -> HttpResponse:
        context = {"grant": grant, "channel": grant.channel, "form": form, "is_right": grant.door == Door.RIGHT}
        return render(request, "channels_registry/grant_revocation.html", context, status=status)


class GrantExtensionView(View):
    """GET asks until when; POST gives the time."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        grant = self._grant(request, pk)
        later = timezone.localtime(grant.expires_at or timezone.now()) + timedelta(days=30)
        return self._page(request, grant, ExtensionForm(initial={"until": later}))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        grant, form = self._grant(request, pk), ExtensionForm(request.POST)
        if form.is_valid():
            try:
                given = form.cleaned_data
                grant = expiring.extend(grant, request.user.person, given["until"], given["reason"])
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, f"{grant} ends later now.")
                return redirect("channel", grant.channel_id)
        return self._page(request, grant, form, 422)

    def _grant(self, request, pk):
        grant, me = access_grant(request.user, pk), request.user.person
        if grant.person_id == me.pk or not may_administer(me, grant.channel):
            raise PermissionDenied("Somebody else who manages the channel, or an administrator, gives more time.")
        return grant

    def _page(self, request, grant, form, status: int = 200) -> HttpResponse:
        context = {"grant": grant, "channel": grant.channel, "form": form}
        return render(request, "channels_registry/grant_extension.html", context, status=status)
