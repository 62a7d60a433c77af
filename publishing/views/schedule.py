"""Giving a time."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from channels_registry import permissions as channel_permissions
from publishing import queries, scheduling
from publishing.forms.publications import TimeForm
from publishing.permissions import access_publication, access_variant
from publishing.views.crowding import warn_of_crowding
from socialops.lib.refusals import add_refusal


class ScheduleView(View):
    """GET asks when; POST schedules, or publishes now with now=yes."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        variant = access_variant(request.user, pk)
        channel_permissions.require(request.user.person, "publish", variant.channel)
        wanted = queries.wanted_time([variant], request.user.person.time_zone)
        form = TimeForm(
            person=request.user.person, zone=wanted.zone, initial={"wall_time": wanted.wall, "fold": wanted.fold}
        )
        return _page(request, variant, form)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        variant, person = access_variant(request.user, pk), request.user.person
        form = TimeForm(request.POST, person=person)
        now = request.POST.get("now") == "yes"
        try:
            if now:
                scheduling.publish_now(variant, person)
            elif form.is_valid():
                said = form.cleaned_data
                publication = scheduling.schedule(variant, said["wall_time"], said["time_zone"], person, said["fold"])
                messages.info(request, queries.clocks_told(publication) or "Scheduled.")
                warn_of_crowding(request, publication)
            else:
                return _page(request, variant, form, status=422)
        except (ValidationError, PermissionDenied) as error:
            form = TimeForm(None if now else request.POST, person=person)
            return _refused(request, variant, form, error)
        if now:
            messages.success(request, "It is on its way.")
        return redirect("post", variant.post_id)


class PublicationTimeView(View):
    """GET asks for another time; POST gives it, and whoever gives it answers for it."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        publication = access_publication(request.user, pk)
        channel_permissions.require(request.user.person, "publish", publication.channel)
        initial = {"wall_time": publication.wall_time.replace(tzinfo=None), "fold": publication.fold}
        form = TimeForm(person=request.user.person, zone=publication.time_zone, initial=initial)
        return _page(request, publication.variant, form, publication=publication)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        publication, person = access_publication(request.user, pk), request.user.person
        form = TimeForm(request.POST, person=person, zone=publication.time_zone)
        if not form.is_valid():
            return _page(request, publication.variant, form, publication=publication, status=422)
        said = form.cleaned_data
        try:
            moved = scheduling.reschedule(publication, said["wall_time"], said["time_zone"], person, said["fold"])
        except (ValidationError, PermissionDenied) as error:
            return _refused(request, publication.variant, form, error, publication=publication)
        messages.success(request, queries.clocks_told(moved) or "It has another time.")
        warn_of_crowding(request, moved)
        return redirect("publication", pk)


def _refused(request: HttpRequest, variant, form: TimeForm, error: Exception, **more) -> HttpResponse:
    if not form.is_bound:
        form = TimeForm({}, person=request.user.person)
        form.errors.clear()
    add_refusal(form, error)
    return _page(request, variant, form, status=403 if isinstance(error, PermissionDenied) else 422, **more)


def _page(request: HttpRequest, variant, form: TimeForm, status: int = 200, publication=None) -> HttpResponse:
    card = publication.card if publication else {} if variant.media else variant.card
    preview = queries.preview_of(variant, publication.text if publication else variant.final_text, card)
    context = {"variant": variant, "form": form, "publication": publication, "preview": preview}
    return render(request, "publishing/schedule.html", context, status=status)
