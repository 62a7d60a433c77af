"""The gate that every request passes: signed in unless the address is open, with a second factor where it is due."""

from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

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
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        name = request.resolver_match.view_name
        if name in settings.SHUT_URLS:
            raise Http404("not offered here")
        if name in settings.OPEN_URLS:
            return None
        if not request.user.is_authenticated:
            return _sign_in_first(request)
        if settings.SECOND_FACTOR_REQUIRED and request.user.is_admin and not request.user.has_second_factor:
            return None if name in settings.SECOND_FACTOR_URLS else redirect("mfa_index")
        _note_that_it_was_seen(request)
        return None


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


def _note_that_it_was_seen(request) -> None:
    now = timezone.now()
    if now.timestamp() - request.session.get("seen", 0) > SEEN_EVERY:
        request.session["seen"] = int(now.timestamp())
        UserSession.objects.filter(session_key=request.session.session_key).update(last_seen_at=now)
