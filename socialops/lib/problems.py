"""What a tool is told when something does not work (RFC 9457), in the words that people read on pages."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import JsonResponse

# By name: the status and the title. The reference page of the API says of each when it comes.
KINDS: dict[str, tuple[int, str]] = {
    "unreadable": (400, "This cannot be read"),
    "no-token": (401, "A token is needed"),
    "refused": (403, "This is not yours to do"),
    "scope": (403, "The token is not good for this"),
    "not-found": (404, "There is nothing here"),
    "method": (405, "This address does not take that method"),
    "conflict": (409, "Somebody was faster"),
    "too-large": (413, "This is too large"),
    "not-json": (415, "This is not JSON"),
    "invalid": (422, "Something has to be mended"),
    "key-reused": (422, "This key was used for something else"),
    "too-many": (429, "Too many requests"),
    "broken": (500, "Something here is broken"),
    "outage": (503, "Something here is not reachable"),
}


class Problem(Exception):
    """One of KINDS, with words for whoever reads it; `more` is what else the document holds."""

    def __init__(self, kind: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any):
        super().__init__(detail)
        self.kind, self.detail, self.headers, self.more = kind, detail, headers or {}, more


def answer(problem: Problem) -> JsonResponse:
    status, title = KINDS[problem.kind]
    said = {"type": f"{settings.BASE_URL}/api/v1/reference#{problem.kind}", "title": title, "status": status}
    said |= {"detail": problem.detail, **problem.more}
    return JsonResponse(said, status=status, content_type="application/problem+json", headers=dict(problem.headers))


def of_refusal(error: ValidationError) -> Problem:
    """What a verb or a form refused: what is about a field stands under its name."""
    if not hasattr(error, "error_dict"):
        return Problem("invalid", " ".join(error.messages))
    return of_fields(error.message_dict)


def of_fields(fields: Mapping[str, Sequence[str]]) -> Problem:
    whole = [*fields.get(NON_FIELD_ERRORS, ())]
    named = {name: list(words) for name, words in fields.items() if name != NON_FIELD_ERRORS}
    detail = " ".join(whole) or "Look at what is said of each field."
    return Problem("invalid", detail, errors=named) if named else Problem("invalid", detail)
