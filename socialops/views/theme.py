"""Light, dark, or as the system does."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from socialops.frame import THEMES

A_YEAR = 31_536_000


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """A cookie, read by the server before it draws: no flash, and no script needed."""
    chosen = request.POST.get("theme", "")
    there = request.POST.get("next") or "/"
    safe = url_has_allowed_host_and_scheme(there, {request.get_host()}, require_https=request.is_secure())
    response = redirect(there if safe else "/")
    if chosen in THEMES:
        response.set_cookie(
            "theme", chosen, A_YEAR, secure=settings.SESSION_COOKIE_SECURE, samesite="Lax", httponly=True
        )
    return response
