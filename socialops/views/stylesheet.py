"""The composed style sheet, under an address that changes when it does."""

from django.http import HttpRequest, HttpResponse

from socialops.stylesheet import composed


def stylesheet(request: HttpRequest, version: str) -> HttpResponse:
    """The address carries the version, so browsers keep it for good."""
    text, current = composed()
    response = HttpResponse(text, content_type="text/css; charset=utf-8")
    response["Cache-Control"] = "public, max-age=31536000, immutable" if version == current else "no-cache"
    return response
