"""Requests for posts: the pages of whoever asks (no seat, a private link), the triage, and the forms."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache

from accounts.permissions import has_role, require_role
from channels_registry import permissions as channel_permissions
from publishing import queries, taking_in
from publishing.forms.intake import AcceptanceForm, AskingForm, DuplicateForm, IntakeFormForm, RefusalForm
from publishing.models import IntakeForm, PostRequest
from publishing.permissions import LEADS, access_intake, access_request
from socialops.lib.refusals import add_refusal

MOST = 200


@method_decorator(never_cache, name="dispatch")
class AskingView(View):
    """Open to whoever has the link. Says nothing about anybody; takes one request."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return self._answer(request, token)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        return self._answer(request, token, request.POST)

    def _answer(self, request: HttpRequest, token: str, data=None) -> HttpResponse:
        try:
            intake = taking_in.opened(token)
        except ValidationError as error:
            return render(request, "publishing/asking_void.html", {"errors": error.messages}, status=410)
        form = AskingForm(data, intake=intake)
        if form.is_bound and form.is_valid():
            if form.cleaned_data["website"]:
                return render(request, "publishing/asking_done.html", {"intake": intake})
            try:
                asked = taking_in.take_in(intake, form.given())
            except ValidationError as error:
                add_refusal(form, error)
            else:
                return redirect(taking_in.status_link(asked))
        status = 422 if form.is_bound else 200
        return render(request, "publishing/asking.html", {"intake": intake, "form": form}, status=status)


@method_decorator(never_cache, name="dispatch")
class AskedView(View):
    """Open to whoever has the link that came by mail: how the request stands."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        try:
            asked = taking_in.followed(token)
        except ValidationError as error:
            return render(request, "publishing/asking_void.html", {"errors": error.messages}, status=410)
        context = {"asked": asked, "standing": queries.standing_of(asked)}
        return render(request, "publishing/asked.html", context)


class RequestListView(View):
    """?state= one of PostRequest.State."""

    def get(self, request: HttpRequest) -> HttpResponse:
        _require_triage(request)
        state = request.GET.get("state", "")
        state = state if state in PostRequest.State.values else "received"
        found = PostRequest.objects.filter(state=state).select_related("form", "post", "campaign", "decided_by")
        order = "received_at" if state == "received" else "-received_at"
        context = {
            "requests": found.order_by(order)[:MOST], "state": state, "states": PostRequest.State.choices,
            "may_manage": has_role(request.user.person, *LEADS),
        }  # fmt: skip
        return render(request, "publishing/request_list.html", context)


class RequestView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _page(request, access_request(request.user, pk))


class RequestVerbView(View):
    """POST decides about a request. urls.py names how."""

    act = ""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        asked, person = access_request(request.user, pk), request.user.person
        form = _forms(request, asked, request.POST)[self.act]
        if form.is_valid():
            said = form.cleaned_data
            try:
                if self.act == "accept":
                    post = taking_in.accept(asked, person, said["channels"])
                    messages.success(request, f"A draft in {asked.who}’s words. They are told that it is in work.")
                    return redirect("post", post.pk)
                if self.act == "refuse":
                    taking_in.refuse(asked, person, said["reason"], said["note"])
                else:
                    taking_in.mark_duplicate(asked, person, said["of"])
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, f"{asked.who} is told by mail.")
                return redirect("request_list")
        return _page(request, asked, {self.act: form}, status=422)


class IntakeListView(View):
    """GET lists the forms; POST opens one, and shows its link this once."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return _intakes(request, IntakeFormForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        require_role(request.user.person, *LEADS)
        form = IntakeFormForm(request.POST)
        if not form.is_valid():
            return _intakes(request, form, status=422)
        said = form.cleaned_data
        _, link = taking_in.open_form(request.user.person, said["name"], said["channels"], said["campaigns"])
        return _intakes(request, IntakeFormForm(), link=link)


class IntakeVerbView(View):
    """POST gives a form another link, or closes it. urls.py names which."""

    act = ""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        verbs: dict[str, Callable] = {"renew": taking_in.renew_link, "close": taking_in.close_form}
        try:
            done = verbs[self.act](access_intake(request.user, pk), request.user.person)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("intake_list")
        if self.act == "renew":
            return _intakes(request, IntakeFormForm(), link=done)
        messages.success(request, f"Closed: {done}. Its link opens nothing any more.")
        return redirect("intake_list")


def _require_triage(request: HttpRequest) -> None:
    if not taking_in.may_triage(request.user.person):
        raise PermissionDenied("Only somebody who may write posts, or a social lead, sees what is asked for.")


def _forms(request: HttpRequest, asked: PostRequest, data=None) -> dict[str, Form]:
    offered = channel_permissions.channels_with(request.user.person, "draft").exclude(state="archived").order_by("name")
    suggested = [channel.pk for channel in asked.channels.all()]
    return {
        "accept": AcceptanceForm(data, offered=offered, initial={"channels": suggested}),
        "refuse": RefusalForm(data), "duplicate": DuplicateForm(data, request=asked),
    }  # fmt: skip


def _page(request: HttpRequest, asked: PostRequest, bound: dict | None = None, status: int = 200) -> HttpResponse:
    context = {"asked": asked, "forms": _forms(request, asked) | (bound or {}), "bound": next(iter(bound or {}), "")}
    return render(request, "publishing/request_detail.html", context, status=status)


def _intakes(request: HttpRequest, form: IntakeFormForm, link: str = "", status: int = 200) -> HttpResponse:
    require_role(request.user.person, *LEADS)
    intakes = IntakeForm.objects.select_related("made_by").order_by("closed_at", "name")
    context = {"intakes": intakes, "form": form, "link": link}
    return render(request, "publishing/intake_list.html", context, status=status)
