"""Holding everything, a network or a channel, and lifting it."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views import View

from accounts.models import Role
from accounts.permissions import has_role
from channels_registry import permissions as channel_permissions
from channels_registry.models import Channel
from channels_registry.permissions import seen_by
from publishing import holding, queries
from publishing.forms import HoldForm
from publishing.models import Hold
from publishing.permissions import access_hold
from socialops.lib.refusals import add_refusal


class HoldListView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        holds = Hold.objects.select_related("placed_by", "lifted_by", "channel").order_by("-placed_at")
        standing = holds.filter(lifted_at=None)
        context = {"standing": standing, "lifted": holds.exclude(lifted_at=None)[:50], "may_hold": _scopes(request)[1]}
        return render(request, "publishing/hold_list.html", context)


class HoldNewView(View):
    """GET shows what a hold would stop; POST places it."""

    def get(self, request: HttpRequest) -> HttpResponse:
        form = _form(request, request.GET if "scope" in request.GET else None)
        return _page(request, form)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = _form(request, request.POST)
        if not form.is_valid():
            return _page(request, form, status=422)
        network, channel = form.scoped()
        try:
            hold = holding.place(request.user.person, form.cleaned_data["reason"], network, channel)
        except ValidationError as error:
            add_refusal(form, error)
            return _page(request, form, status=422)
        messages.success(request, f"Held: {hold.scope}.")
        return redirect("hold_list")


class HoldLiftingView(View):
    """GET shows what is held; POST lifts the hold. What was due meanwhile stays held until somebody decides."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        hold = access_hold(request.user, pk)
        mine = seen_by(request.user.person).values("pk")  # the hold is everybody's to know, the posts are not
        held = queries.held_by(hold).filter(channel__in=mine).select_related("channel", "variant__post")
        may_lift = holding.may_hold(request.user.person, hold.channel)
        context = {"hold": hold, "held": held.order_by("due_at")[:50], "count": held.count(), "may_lift": may_lift}
        return render(request, "publishing/hold_lifting.html", context)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        try:
            hold = holding.lift(access_hold(request.user, pk), request.user.person)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("hold_lifting", pk)
        messages.success(request, f"Lifted: {hold.scope}. What was due meanwhile waits for a decision.")
        return redirect(reverse("publication_list") + "?state=held")


def _scopes(request: HttpRequest) -> tuple[list[Channel], bool]:
    """The channels this person may hold, and whether they may hold more than a channel."""
    person = request.user.person
    whole = has_role(person, Role.SOCIAL_LEAD, Role.ADMIN)
    channels = (
        Channel.objects.exclude(state="archived") if whole else channel_permissions.channels_with(person, "manage")
    )
    found = list(channels.order_by("name"))
    return found, whole or bool(found)


def _form(request: HttpRequest, data) -> HoldForm:
    channels, may_hold = _scopes(request)
    if not may_hold:
        raise PermissionDenied("Only a social lead, an administrator or who manages a channel may hold anything.")
    whole = has_role(request.user.person, Role.SOCIAL_LEAD, Role.ADMIN)
    return HoldForm(data, channels=channels, whole=whole)


def _page(request: HttpRequest, form: HoldForm, status: int = 200) -> HttpResponse:
    held = None
    if form.is_bound:
        form.is_valid()
        if "scope" in form.cleaned_data:
            held = queries.held_by(Hold(**dict(zip(("network", "channel"), form.scoped(), strict=True))))
        if request.method == "GET":
            form.errors.clear()
    elif form.scopes[0][0] == "everything":
        held = queries.held_by(Hold())
    shown = [] if held is None else held.select_related("channel", "variant__post").order_by("due_at")[:10]
    context = {"form": form, "held": shown, "count": held.count() if held is not None else None}
    return render(request, "publishing/hold_new.html", context, status=status)
