"""What a directory is told: resources with their version, lists, and errors as RFC 7644 has them (section 3.12)."""

import json
import logging
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import pydantic
from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from scim2_models import Error, SCIMException
from structlog.contextvars import bind_contextvars

from accounts import deciding, entrusting, provisioning
from accounts.models import DirectoryKey, DirectoryMatter

log = logging.getLogger(__name__)
KIND = "application/scim+json"
HOUR = "3600"
NOTHING = "There is nothing here."


class Answer(Exception):
    """An error that ends the request."""

    def __init__(self, status: int, detail: str, scim_type: str = "", headers: dict[str, str] | None = None):
        super().__init__(detail)
        self.status, self.detail, self.scim_type, self.headers = status, detail, scim_type, headers or {}


def opened(view: Callable) -> Callable:
    """A view for whoever comes with a token of the directory, which it is given as `key`."""

    @csrf_exempt
    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            key = _key(request)
            bind_contextvars(directory=str(key))
            try:
                return view(request, key, *args, **kwargs)
            except provisioning.Taken as error:
                if error.raised:
                    deciding.put_forward(error.raised, key)
                raise
            except provisioning.Refused as error:
                deciding.put_forward(error.raised, key)
                raise
        except Exception as error:
            answer = _error(error)
            if answer is None:
                raise
            return refused(answer)

    return answered


def resource(dumped: dict[str, Any], status: int = 200) -> HttpResponse:
    """One resource, with its version and where it is."""
    meta = dumped.get("meta", {})
    answer = sent(dumped, status)
    if version := meta.get("version"):
        answer["ETag"] = version
    if location := meta.get("location"):
        answer["Location" if status == 201 else "Content-Location"] = location
    return answer


def sent(said: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(json.dumps(said, ensure_ascii=False), content_type=KIND, status=status)


def listed(found: Iterable[dict[str, Any]], total: int, start: int) -> HttpResponse:
    page = list(found)
    said = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": total,
        "startIndex": start, "itemsPerPage": len(page), "Resources": page,
    }  # fmt: skip
    return sent(said)


def refused(answer: Answer) -> HttpResponse:
    said: dict[str, Any] = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": str(answer.status),
        "detail": answer.detail,
    }  # fmt: skip
    if answer.scim_type:
        said["scimType"] = answer.scim_type
    response = sent(said, answer.status)
    for name, value in answer.headers.items():
        response[name] = value
    return response


def _key(request: HttpRequest) -> DirectoryKey:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    key = entrusting.opened(token.strip()) if kind.lower() == "bearer" else None
    if key is None:
        words = "Send a token of the directory that is good: Authorization: Bearer, and the token."
        raise Answer(401, words, headers={"WWW-Authenticate": "Bearer"})
    return key


def _error(error: Exception) -> Answer | None:
    """What is said of an exception; None for one that nobody foresaw."""
    for kinds, said in _SAID.items():
        if isinstance(error, kinds):
            return said(error)
    return None


def _of_pydantic(error: Any) -> Answer:
    said = Error.from_validation_errors(error)
    first = said[0] if said else Error(status=400, detail="This cannot be read.")
    return Answer(first.status or 400, first.detail or "", first.scim_type or "")


def _of_refusal(error: Any) -> Answer:
    words = " ".join(error.messages)
    if error.raised.kind == DirectoryMatter.Kind.TOO_MANY:
        return Answer(429, words, headers={"Retry-After": HOUR})
    return Answer(400, words, "mutability")


_SAID: dict[tuple[type[Exception], ...], Callable[[Any], Answer]] = {
    (Answer,): lambda error: error,
    (provisioning.Taken,): lambda error: Answer(409, " ".join(error.messages), "uniqueness"),
    (provisioning.Refused,): _of_refusal,
    (ValidationError,): lambda error: Answer(400, _words(error), "invalidValue"),
    (pydantic.ValidationError,): _of_pydantic,
    (SCIMException,): lambda error: Answer(error.status, error.detail, error.scim_type or ""),
    (PermissionDenied,): lambda error: Answer(403, str(error) or "This is not done with this token."),
    (Http404,): lambda error: Answer(404, NOTHING),
    (RequestDataTooBig,): lambda error: Answer(413, "Send less than 1 MB at once."),
    (BadRequest, UnreadablePostError): lambda error: Answer(400, str(error) or "The request broke off."),
}


def _words(error: ValidationError) -> str:
    if hasattr(error, "error_dict"):
        return " ".join(f"{name}: {' '.join(said)}" for name, said in error.message_dict.items())
    return " ".join(error.messages)
