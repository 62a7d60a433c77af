"""The gate that every request passes: signed in unless the address is open, with a second factor where it is due, and
signed in lately for what is sensitive.
"""

import time
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.reauthentication import STATE_SESSION_KEY, suspend_request
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

SEEN_EVERY = 300  # seconds between two notes of when a session was last seen


class Gate:
    """Closed unless named in settings.OPEN_URLS: a new address is private until somebody writes that it is not."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if getattr(request, "user", None) and request.user.is_authenticated:
            _keep_off_the_disk(response)
        return response

    def process_view(self, request, view, args, kwargs):
        name = request.resolver_match.view_name
        if name in settings.SHUT_URLS:
            raise Http404("not offered here")
        if name in settings.OPEN_URLS or name.startswith(settings.TOOL_URLS):
            return None
        if not request.user.is_authenticated:
            return _sign_in_first(request)
        if settings.SECOND_FACTOR_REQUIRED and request.user.is_admin and not request.user.has_second_factor:
            return None if name in settings.SECOND_FACTOR_URLS else redirect("mfa_index")
        _note_that_it_was_seen(request)
        return _confirm_first(request) if _is_sensitive(request, name) and not _confirmed(request) else None


class PersonalTimeZone:
    """Times are shown as the reader's clock shows them."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if not request.user.is_authenticated:
            return self.get_response(request)
        with timezone.override(ZoneInfo(request.user.person.time_zone)):
            return self.get_response(request)


def _sign_in_first(request):
    """Sent on to sign in; what was typed into a form is shown, so that a dead session costs no text."""
    if request.method in ("GET", "HEAD"):
        here = _page_of(request) if request.headers.get("HX-Request") else request.get_full_path()
        there = redirect_to_login(here, settings.LOGIN_URL)
        return _htmx_redirect(there.url) if request.headers.get("HX-Request") else there
    written = [
        (name, value) for name, values in request.POST.lists() if _worth_showing(name) for value in values if value
    ]
    context = {"written": written, "page": _page_of(request)}
    response = render(request, "accounts/signed_out.html", context, status=401)
    if request.headers.get("HX-Request"):
        response["HX-Retarget"], response["HX-Reswap"] = "body", "innerHTML"
    return response


def _is_sensitive(request, name: str) -> bool:
    return name in settings.CONFIRMED_URLS or (name in settings.CONFIRMED_POST_URLS and request.method == "POST")


def _confirmed(request) -> bool:
    """Whether this session has shown who it is of late enough, by signing in or since. Without a password and a second
    factor nobody can be asked.
    """
    records = get_authentication_records(request, request.user)
    latest = max((record["at"] for record in records), default=0.0)
    lately = time.time() - latest < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
    return lately or not get_adapter().get_reauthentication_methods(request.user)


def _confirm_first(request):
    """Asked who they are, then on with it. What was typed waits in the session meanwhile, but for what is secret: that
    field comes back empty. A button with nothing typed is pressed once more.
    """
    there = get_adapter().get_reauthentication_methods(request.user)[0]["url"]
    typed = request.POST.copy()
    for name in request.POST:
        if not _worth_showing(name):
            del typed[name]
    if typed:
        request.POST = typed
        answer = suspend_request(request, there)
    else:
        request.session.pop(STATE_SESSION_KEY, None)  # whoever only looks confirms no form that was left behind earlier
        back = request.get_full_path() if request.method == "GET" else _page_of(request)
        answer = redirect(f"{there}?{urlencode({'next': back})}")
    return _htmx_redirect(answer.url) if request.headers.get("HX-Request") else answer


def _worth_showing(name: str) -> bool:
    return name != "csrfmiddlewaretoken" and "password" not in name and "secret" not in name and "token" not in name


def _page_of(request) -> str:
    """The path of the page that the request came from, on this site."""
    came_from = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer") or "/")
    page = f"{came_from.path}?{came_from.query}" if came_from.query else came_from.path
    return page if url_has_allowed_host_and_scheme(page, None) else "/"


def _htmx_redirect(url: str) -> HttpResponse:
    response = HttpResponse(status=204)
    response["HX-Redirect"] = url
    return response


def _keep_off_the_disk(response: HttpResponse) -> None:
    """What was shown to somebody stays in no cache, where the next one at this machine would find it."""
    if "Cache-Control" not in response:
        response["Cache-Control"] = "private, no-store"


def _note_that_it_was_seen(request) -> None:
    now = timezone.now()
    if now.timestamp() - request.session.get("seen", 0) > SEEN_EVERY:
        request.session["seen"] = int(now.timestamp())
        UserSession.objects.filter(session_key=request.session.session_key).update(last_seen_at=now)
