"""Shared logins: the list, a new one, one with who knows it, and each step as a fact."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views import View

from channels_registry import sharing
from channels_registry.forms import AttestationForm, ContestForm
from channels_registry.forms.kept import HolderForm, LoginChangeForm, LoginForm
from channels_registry.models import Rotation, SharedLogin
from channels_registry.permissions import access_login, may_administer_any
from channels_registry.queries import kept as queries
from socialops.lib.refusals import add_refusal


class LoginListView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        me = request.user.person
        context = {"logins": queries.logins_seen_by(me)[:200], "may_add": may_administer_any(me)}
        return render(request, "channels_registry/login_list.html", context)


class LoginNewView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(request, LoginForm(by=_keeper(request)))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = LoginForm(request.POST, by=_keeper(request))
        if form.is_valid():
            try:
                made = sharing.add_login(request.user.person, **form.cleaned_data)
            except (ValidationError, PermissionDenied) as error:
                add_refusal(form, error)
            else:
                messages.success(request, f"{made} is on record. Say next who knows it.")
                return redirect("login", made.pk)
        return self._page(request, form, 422)

    def _page(self, request, form, status: int = 200) -> HttpResponse:
        return render(request, "channels_registry/login_new.html", {"form": form}, status=status)


class LoginView(View):
    """GET shows it, POST changes what is said of it."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return login_page(request, access_login(request.user, pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        login = access_login(request.user, pk)
        form = LoginChangeForm(request.POST, auto_id="change_%s")
        return _step(
            request, login, form, "change", lambda given: sharing.change_login(login, request.user.person, **given)
        )


class HolderView(View):
    """POST: somebody knows it; with `remove`, somebody is to know it no longer."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        login, me = access_login(request.user, pk), request.user.person
        form = HolderForm(request.POST, auto_id="holder_%s")

        def do(given: dict) -> None:
            if request.POST.get("remove"):
                sharing.take_back(login, given["person"], me, given["reason"])
            else:
                sharing.share(login, given["person"], given["level"], me, given["reason"], given["expires_at"])

        return _step(request, login, form, "holder", do)


class RotationNewView(View):
    """POST says that the secret is another one, and shows it."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        login, me = access_login(request.user, pk), request.user.person
        form = AttestationForm(request.POST, request.FILES, auto_id="rotation_%s")
        return _step(
            request, login, form, "rotation", lambda given: sharing.rotate(login, me, given["note"], given["file"])
        )


class RotationView(View):
    """POST: somebody else has looked. With `why` it was not changed."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        rotation = get_object_or_404(Rotation.objects.select_related("login"), pk=pk)
        login, me = access_login(request.user, rotation.login_id), request.user.person
        if "why" in request.POST:
            form = ContestForm(request.POST, auto_id="objection_%s")
            return _step(request, login, form, "objection", lambda given: sharing.contest(rotation, me, given["why"]))
        form = ContestForm({"why": "looked"}, auto_id="objection_%s")
        return _step(request, login, form, "objection", lambda _: sharing.confirm(rotation, me))


def login_page(request: HttpRequest, login: SharedLogin, status: int = 200, **bound) -> HttpResponse:
    me = request.user.person
    rotations, people = queries.rotations(login), queries.holders(login)
    waits = next((each for each in rotations if not each.confirmed_by_id and not each.contested_by_id), None)
    if waits:
        waits.login = login
    leaving = {door.person_id for door in people if door.asked and door.asked[0].stage != "verified"}
    may = sharing.hands(login, me, leaving)
    looks = waits and may.look and waits.done_by_id != me.pk
    context = {
        "login": login,
        "channels": list(login.reaches.order_by("name")[:50]),
        "people": people,
        "rotations": rotations,
        "waits": waits,
        "change": LoginChangeForm(initial=LoginChangeForm.of(login), auto_id="change_%s") if may.keep else None,
        "holder": HolderForm(auto_id="holder_%s") if may.share else None,
        "rotation": AttestationForm(auto_id="rotation_%s") if may.rotate and not waits else None,
        "objection": ContestForm(auto_id="objection_%s") if looks else None,
        **bound,
    }
    return render(request, "channels_registry/login_detail.html", context, status=status)


def _step(request: HttpRequest, login: SharedLogin, form, slot: str, do) -> HttpResponse:
    """What is refused is said on the login's page, in the form that asked for it."""
    if form.is_valid():
        try:
            do(form.cleaned_data)
        except ValidationError as error:
            add_refusal(form, error)
        else:
            return redirect("login", login.pk)
    return login_page(request, login, 422, **{slot: form, "refused": form})


def _keeper(request: HttpRequest):
    if not may_administer_any(request.user.person):
        raise PermissionDenied("Only somebody who manages a channel, or an administrator, may do this.")
    return request.user.person
