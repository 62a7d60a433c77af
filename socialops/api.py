"""The API for people's own tools: the apps' routers under one address, what is refused as problem documents, and the
document that describes it (OpenAPI).

Nothing here reads a session: what opens an address is its token (accounts/api.py).
"""

import json
from collections.abc import Iterator, Sequence
from functools import cache, wraps
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.request import UnreadablePostError
from django.urls import URLPattern
from ninja import NinjaAPI
from ninja.errors import HttpError
from ninja.errors import ValidationError as Misfit
from ninja.operation import Operation
from ninja.parser import Parser

from accounts.api import router as you
from channels_registry.api import router as channels
from publishing.api import routers as publishing
from socialops.lib import problems
from socialops.lib.nul import NUL, WORDS
from socialops.lib.problems import Problem

ABOUT = (
    "What a person does on the pages, for their own tools, under the same rules. Times with a zone are instants; a "
    "wall time is what a clock shows in the zone that stands beside it."
)


class PlainJson(Parser):
    """JSON of text that can be kept. Everything else is said in words."""

    def parse_body(self, request: HttpRequest) -> Any:
        if request.content_type != "application/json":
            raise Problem("not-json", "Send JSON, with the header Content-Type: application/json.")
        if len(request.body) > MOST_BYTES:
            raise Problem("too-large", TOO_LARGE)
        try:
            said = json.loads(request.body, parse_constant=_refuse_constant, object_pairs_hook=_object)
            _refuse_unkept(said)
        except (ValueError, RecursionError) as error:
            raise Problem("unreadable", str(error) if isinstance(error, Unkept) else NOT_JSON) from error
        return said


MOST_BYTES, TOO_LARGE = 1_000_000, "Send less than 1 MB at once."
MOST_NAMES = 50  # in one object: none that is known has half as many, and each that is not known costs an error
MOST_ERRORS = 100  # that are said at once
NOT_JSON = "The body is not JSON, or is too deep."


class Unkept(ValueError):
    """What is not looked at any further: characters that no text column takes, too many names, or one of them twice."""


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """One that says a name twice says one thing to us and may say another to what reads it on the way."""
    if len(pairs) > MOST_NAMES:
        raise Unkept(f"An object has more than {MOST_NAMES} names. The reference says which are known.")
    said = dict(pairs)
    if len(said) < len(pairs):
        raise Unkept("An object says the same name twice. Say it once.")
    return said


def _refuse_unkept(said: Any) -> None:
    left = [said]
    while left:
        each = left.pop()
        if isinstance(each, dict):
            left += [*each.keys(), *each.values()]
        elif isinstance(each, list):
            left += each
        elif isinstance(each, str):
            if NUL in each:
                raise Unkept(WORDS)
            if any("\ud800" <= letter <= "\udfff" for letter in each):
                raise Unkept("Half a character (a lone surrogate) cannot be kept. Send the text as UTF-8.")


class Api(NinjaAPI):
    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__


api = Api(
    title="Socialops", version="1", description=ABOUT, openapi_url=None, docs_url=None, parser=PlainJson(),
    servers=[{"url": settings.BASE_URL}],
)  # fmt: skip
for _router in (you, channels, *publishing):
    api.add_router("", _router)


def urls() -> list[URLPattern]:
    return [_in_words(pattern) for pattern in _patterns(api.urls[0])]


@cache
def document() -> dict[str, Any]:
    """OpenAPI 3.1. Its problems are what they are sent as, and each operation says which scope it needs."""
    said = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/v1/")))
    said["paths"] = {path.replace("{pk}", "{id}"): methods for path, methods in said["paths"].items()}
    for operation in _operations(said):
        operation["security"] = [{"Token": [scope] if (scope := operation.pop("x-scope")) else []}]
        for each in operation["parameters"]:
            each["name"] = "id" if each["in"] == "path" else each["name"]
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                answer["content"] = {"application/problem+json": answer["content"]["application/json"]}
    return said


def _operations(said: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in said["paths"].values():
        yield from path.values()


def _patterns(patterns: Sequence) -> Iterator[URLPattern]:
    """Without ninja's own pages."""
    return (each for each in patterns if each.name and each.name.startswith("api_"))


def _in_words(pattern: URLPattern) -> URLPattern:
    view = pattern.callback

    @wraps(view)
    def told(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if isinstance(response, HttpResponseNotAllowed):
            allowed = response["Allow"]
            return problems.answer(Problem("method", f"Use {allowed} here.", {"Allow": allowed}))
        return response

    pattern.callback = told
    return pattern


@api.exception_handler(Problem)
def _problem(request: HttpRequest, error: Problem) -> HttpResponse:
    return problems.answer(error)


@api.exception_handler(ValidationError)
def _refused_by_a_verb(request: HttpRequest, error: ValidationError) -> HttpResponse:
    return problems.answer(problems.of_refusal(error))


@api.exception_handler(PermissionDenied)
def _not_theirs(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    return problems.answer(Problem("refused", str(error) or "This is not yours to do."))


@api.exception_handler(Http404)
def _not_there(request: HttpRequest, error: Http404) -> HttpResponse:
    return problems.answer(Problem("not-found", str(error) or "There is nothing here, or you may not see it."))


@api.exception_handler(Misfit)
def _does_not_fit(request: HttpRequest, error: Misfit) -> HttpResponse:
    fields: dict[str, list[str]] = {}
    for each in error.errors[:MOST_ERRORS]:
        fields.setdefault(_field(each["loc"]), []).append(PLAINLY.get(each["type"]) or _sentence(each["msg"]))
    return problems.answer(problems.of_fields(fields))


@api.exception_handler(HttpError)
def _unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    cause = error.__cause__
    if isinstance(cause, RequestDataTooBig):
        return _too_large(request, cause)
    return problems.answer(cause if isinstance(cause, Problem) else Problem("unreadable", NOT_JSON))


@api.exception_handler(RequestDataTooBig)
def _too_large(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return problems.answer(Problem("too-large", TOO_LARGE))


@api.exception_handler(UnreadablePostError)
@api.exception_handler(BadRequest)
def _broken_off(request: HttpRequest, error: Exception) -> HttpResponse:
    return problems.answer(Problem("unreadable", "The request broke off. Send it again."))


PLAINLY = {
    "missing": "This is missing.",
    "extra_forbidden": "There is no such field.",
    "string_type": "Write this as text.",
    "int_type": "Write this as a whole number.",
    "int_parsing": "Write this as a whole number.",
    "bool_type": "Say true or false.",
    "list_type": "Write this as a list.",
    "model_attributes_type": "Write this as an object.",
    "timezone_aware": "Write the time with its zone, as 2026-11-23T09:30:00+01:00.",
    "datetime_from_date_parsing": "Write the time with its zone, as 2026-11-23T09:30:00+01:00.",
    "datetime_parsing": "Write the time with its zone, as 2026-11-23T09:30:00+01:00.",
    "string_pattern_mismatch": "This is not written as it should be. The reference shows how.",
}


def _field(place: Sequence[str | int]) -> str:
    """("body", "said", "variants", 0, "text") is variants.0.text; what is about the whole body is body."""
    names = place[2:] or ["body"] if place[0] == "body" else place[1:]
    return ".".join(str(each) for each in names)


def _sentence(words: str) -> str:
    words = words.removeprefix("Value error, ")
    return words if words.endswith(".") else f"{words}."
