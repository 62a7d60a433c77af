"""When something does not work: what happened, what to do, and a reference that is in the log."""

import sys
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template.loader import render_to_string

from accounts.scim import answers
from socialops import outages
from socialops.frame import Frame
from socialops.lib import problems

REFUSED = "This page or action is not yours. Ask somebody who manages the channel, or an administrator."
UNREADABLE = "The address or the form is not as one of our pages sends it. Go back, load the page anew and try again."
SECRET_WORDS = ("password", "secret", "token", "credential", "code")
MOST_CHARACTERS = 100_000
TOOLS = ("/api/", "/scim/", "/hooks/")  # what stands below is asked by tools, and answered as they read it
SCIM = "/scim/"
NOTHING = "There is nothing here, or you may not see it."


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(TOOLS):
        return _problem(request, "not-found", NOTHING)
    return _page(request, "404.html", 404)


def refused(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The words of a PermissionDenied are written for people, so they are shown."""
    return _page(request, "403.html", 403, words=str(exception) or REFUSED)


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """No link or form of ours asks like this. Only the words of a BadRequest are written for people."""
    frame, words = Frame(request), str(exception) if isinstance(exception, BadRequest) else ""
    if request.path.startswith(TOOLS):
        return _problem(request, "unreadable", words or UNREADABLE)
    context = {"reference": reference(), "frame": {"theme": frame.theme, "stylesheet": frame.stylesheet}}
    return HttpResponse(render_to_string("400.html", context | {"words": words or UNREADABLE}), status=400)


def broken(request: HttpRequest) -> HttpResponse:
    """Asks nothing of the database: it may be what is broken."""
    frame, outage = Frame(request), outages.outage(sys.exc_info()[1])
    if request.path.startswith(TOOLS):
        words = f"Nothing was lost. Ask again later, and tell whoever runs this: {reference()}."
        return _problem(request, "outage" if outage and outage.status == 503 else "broken", words)
    context = {"reference": reference(), "frame": {"theme": frame.theme, "stylesheet": frame.stylesheet}}
    if outage is None:
        return HttpResponse(render_to_string("500.html", context), status=500)
    kept = _kept(request) | {"csrf_token": get_token(request), "request": request}
    return HttpResponse(render_to_string("outage.html", context | kept | {"outage": outage}), status=outage.status)


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form's token did not match. What was typed comes back with a fresh token, if the form was one of ours."""
    return _page(request, "csrf.html", 403, **_kept(request))


def _problem(request: HttpRequest, kind: str, words: str) -> HttpResponse:
    if request.path.startswith(SCIM):
        return answers.refused(answers.Answer(problems.KINDS[kind][0], words))
    return problems.answer(problems.Problem(kind, words))


def reference() -> str:
    """The id under which the log knows this request."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def _page(request: HttpRequest, template: str, status: int, **context) -> HttpResponse:
    return render(request, template, {**context, "reference": reference()}, status=status)


def _kept(request: HttpRequest) -> dict[str, Any]:
    """What was typed into a form of ours, to be sent again, and whether a file has to be chosen again."""
    fields = _typed(request) if _ours(request) else None
    return {"fields": fields, "files": bool(fields) and bool(request.FILES)}


def _ours(request: HttpRequest) -> bool:
    """Whether the form was on one of our pages. A form of another site must not come back with a good token."""
    origin = request.headers.get("Origin", "")
    return bool(origin) and urlsplit(origin).netloc == request.get_host()


def _typed(request: HttpRequest) -> list[tuple[str, str]] | None:
    """What was typed, name by name; None when the form carries a secret or is too long to carry back."""
    fields = [(name, value) for name, values in request.POST.lists() for value in values]
    fields = [(name, value) for name, value in fields if name != "csrfmiddlewaretoken"]
    if any(word in name.lower() for name, _ in fields for word in SECRET_WORDS):
        return None
    if sum(len(name) + len(value) for name, value in fields) > MOST_CHARACTERS:
        return None
    return fields
