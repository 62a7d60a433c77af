"""Blackouts: what stands, declaring one, what was planned inside it; and the embargo of a post."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views import View

from accounts.permissions import has_role
from channels_registry.models import Channel
from channels_registry.permissions import channels_with, seen_by
from publishing import silencing
from publishing.forms.planning import BlackoutForm, EmbargoForm
from publishing.models import Embargo
from publishing.permissions import LEADS, access_blackout, access_post, visible_blackouts
from publishing.queries import silences
from socialops.lib.refusals import add_refusal


class BlackoutListView(View):
    """GET shows what stands and what is ahead, with the form for who may; POST declares one."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return _list(request, _form(request))

    def post(self, request: HttpRequest) -> HttpResponse:
        silencing.require_some_blackout(request.user.person)
        form = _form(request, request.POST)
        if not form.is_valid():
            return _list(request, form, status=422)
        said = form.cleaned_data
        try:
            blackout = silencing.declare_blackout(
                request.user.person, said["starts_at"], said["ends_at"], said["reason"], **form.scoped()
            )
        except ValidationError as error:
            add_refusal(form, error)
            return _list(request, form, status=422)
        inside = silences.inside(blackout).count()
        words = (
            f"{inside} scheduled inside it, and they stay until somebody decides." if inside else "Nothing was in it."
        )
        messages.success(request, f"Nothing is scheduled there any more. {words}")
        return redirect("blackout", blackout.pk)


class BlackoutView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        blackout, person = access_blackout(request.user, pk), request.user.person
        inside = silences.inside(blackout).filter(channel__in=seen_by(person).values("pk"))
        context = {
            "blackout": blackout, "inside": inside[:100], "total": inside.count(),
            "may_end": not blackout.ended_at and silencing.may_declare(person, blackout.channel),
        }  # fmt: skip
        return render(request, "publishing/blackout_detail.html", context)


class BlackoutEndingView(View):
    """POST takes it back."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        blackout = access_blackout(request.user, pk)
        try:
            silencing.end_blackout(blackout, request.user.person)
            messages.success(request, "Taken back. Posts may be scheduled then again.")
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return redirect("blackout_list")


class EmbargoView(View):
    """GET asks until when; POST sets it, or lifts it with lift=yes."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._page(request, pk, None)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        post, person = access_post(request.user, pk), request.user.person
        form = EmbargoForm(request.POST, zone=person.time_zone)
        try:
            if request.POST.get("lift") == "yes":
                silencing.lift_embargo(post, person)
                messages.success(request, "The embargo is lifted. What it held waits for a decision.")
                return redirect("post", pk)
            if not form.is_valid():
                return self._page(request, pk, form, status=422)
            held = silencing.set_embargo(post, form.cleaned_data["until"], form.cleaned_data["reason"], person)
        except ValidationError as error:
            add_refusal(form, error)
            return self._page(request, pk, form, status=422)
        more = f" {len(held)} planned earlier are held." if held else ""
        messages.success(request, f"It does not go out before.{more}")
        return redirect("post", pk)

    def _page(self, request: HttpRequest, pk: int, form: EmbargoForm | None, status: int = 200) -> HttpResponse:
        post, zone = access_post(request.user, pk), request.user.person.time_zone
        context = {
            "post": post, "zone": zone, "form": form or EmbargoForm(zone=zone),
            "embargo": Embargo.objects.filter(post=post).select_related("by").first(),
        }  # fmt: skip
        return render(request, "publishing/embargo.html", context, status=status)


def _form(request: HttpRequest, data=None) -> BlackoutForm:
    person = request.user.person
    whole = has_role(person, *LEADS)
    channels = Channel.objects.exclude(state="archived") if whole else channels_with(person, "manage")
    return BlackoutForm(data, person=person, channels=list(channels.order_by("name")), whole=whole)


def _list(request: HttpRequest, form: BlackoutForm, status: int = 200) -> HttpResponse:
    person = request.user.person
    ahead = visible_blackouts(person).filter(ended_at=None, ends_at__gt=timezone.now())
    context = {
        "blackouts": ahead.select_related("channel", "campaign", "declared_by").order_by("starts_at"), "form": form,
        "may_declare": bool(form.fields["scope"].choices), "zone": person.time_zone,
    }  # fmt: skip
    return render(request, "publishing/blackout_list.html", context, status=status)
