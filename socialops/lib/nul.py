"""The one character that no text column takes, refused at the door, so that no view has to think of it."""

from collections.abc import Iterator

from django.core.exceptions import BadRequest
from django.http import HttpRequest, QueryDict
from django.http.request import UnreadablePostError

NUL = "\0"
WORDS = (
    "This address or form carries a character that cannot be kept (U+0000). It comes in with text copied from a file "
    "that is not plain text. Go back, type that part by hand, and send it again: nothing was changed."
)


class RefuseNul:
    """400 for a NUL in an address or a form. What a network sends signed is read, and mended, by the inbox."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest):
        # No session has one: such a cookie is as good as none.
        request.COOKIES = {name: value for name, value in request.COOKIES.items() if NUL not in value}
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view, args, kwargs) -> None:
        if any(NUL in text for text in _said(request, body=not getattr(view, "csrf_exempt", False))):
            raise BadRequest(WORDS)


def _said(request: HttpRequest, body: bool) -> Iterator[str]:
    yield request.path
    for fields in (request.GET, _posted(request) if body else QueryDict()):
        for name, values in fields.lists():
            yield name
            yield from values


def _posted(request: HttpRequest) -> QueryDict:
    try:
        return request.POST
    except UnreadablePostError:  # they hung up; the check for forgery says so next
        return QueryDict()
