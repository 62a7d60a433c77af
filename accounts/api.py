"""What every part of the API stands on: which token comes, what it is good for, and doing a thing once."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import wraps
from typing import Annotated, Any, Generic, TypeVar

import ninja
from django.http import HttpRequest, HttpResponse
from ninja.security import HttpBearer
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field
from pydantic_core import core_schema
from structlog.contextvars import bind_contextvars

from accounts import answering, issuing
from accounts.models import ApiToken
from socialops.lib.problems import Problem

T = TypeVar("T")
LARGEST = 2**63 - 1
Id = Annotated[int, Field(strict=True, ge=1, le=LARGEST)]  # in a body
Of = Annotated[int, Field(ge=1, le=LARGEST)]  # the same in an address
Limit = Annotated[int, Field(ge=1, le=100)]
REFUSALS = frozenset({400, 401, 403, 404, 405, 413, 415, 422, 429})
KEY = {
    "in": "header", "name": "Idempotency-Key", "required": False,
    "description": "The same key with the same request gives the same answer for 24 hours, and does it once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}  # fmt: skip


def _near(moment: datetime) -> datetime:
    if not 2000 <= moment.year <= 2200:
        raise ValueError("Give a time between the years 2000 and 2200.")
    return moment.astimezone(UTC)


Instant = Annotated[AwareDatetime, AfterValidator(_near)]


class OneOf:
    """One of these words: Annotated[str, OneOf(Post.State.values)]."""

    def __init__(self, words: Sequence[str]):
        self.words = words

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(str, core_schema.literal_schema(list(self.words)))


class Said(ninja.Schema):
    """What a tool sends. A name that is not known is refused."""

    model_config = ConfigDict(extra="forbid")


class Page(ninja.Schema, Generic[T]):
    items: list[T]
    next: str | None = Field(description="Send it as `cursor` for the page that follows.")


class Refusal(ninja.Schema):
    """RFC 9457. `errors` says what is wrong with which field."""

    type: str
    title: str
    status: int
    detail: str
    errors: dict[str, list[str]] = {}


class Somebody(ninja.Schema):
    id: int
    name: str


class Token(HttpBearer):
    """A bearer token that is good for `scope`, or any token where that is empty."""

    openapi_bearerFormat = f"{issuing.PREFIX}…"

    def __init__(self, scope: str):
        self.scope = scope
        super().__init__()

    def __call__(self, request: HttpRequest) -> ApiToken:
        if any(value.startswith(issuing.PREFIX) for values in request.GET.lists() for value in values[1]):
            raise _unknown("A token in an address is written into logs. End this one, and send the next in a header.")
        return super().__call__(request) or self.authenticate(request, "")

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken:
        found = issuing.opened(token)
        if found is None:
            raise _unknown(
                "Send a token that is good: Authorization: Bearer, and the token. People make them in their settings."
            )
        if wait := issuing.too_soon(found):
            words = f"A token is good for {issuing.A_MINUTE} requests a minute. Wait {wait} s."
            raise Problem("too-many", words, {"Retry-After": str(wait)})
        if self.scope and self.scope not in found.scopes:
            asked = f'Bearer error="insufficient_scope", scope="{self.scope}"'
            raise Problem(
                "scope", f"This token is not good for {self.scope}. Make one that is.", {"WWW-Authenticate": asked}
            )
        request.user = found.user
        bind_contextvars(api_token=f"{found.pk}: {found}", user_id=found.user.pk)
        return found


def _unknown(words: str) -> Problem:
    return Problem("no-token", words, {"WWW-Authenticate": "Bearer"})


class Router(ninja.Router):
    """Each address with the scope it needs. Its function takes the request and answers with a schema."""

    def reads(self, path: str, scope: str, answer: Any, name: str) -> Callable:
        described = _documented(scope, {200: answer}, name)
        return lambda view: self.get(path, **described)(_written(view))

    def does(
        self,
        path: str,
        scope: str,
        answer: Any,
        name: str,
        status: int = 200,
        method: str = "POST",
        conflict: Any = Refusal,
    ) -> Callable:
        """What changes something: in one transaction, and once for each Idempotency-Key."""

        def decorate(view: Callable) -> Callable:
            described = _documented(scope, {status: answer, 409: conflict}, name)
            described["openapi_extra"]["parameters"] = [KEY]
            return self.api_operation([method], path, **described)(_once(view, status))

        return decorate


def _documented(scope: str, answers: dict, name: str) -> dict[str, Any]:
    extra: dict[str, Any] = {"x-scope": scope}  # socialops.api.document says it as the standard does
    return {"auth": Token(scope), "response": {**answers, REFUSALS: Refusal}, "url_name": name, "openapi_extra": extra}


def _written(view: Callable) -> Callable:
    @wraps(view)
    def read(request: HttpRequest, **asked) -> HttpResponse:
        return HttpResponse(view(request, **asked).model_dump_json(), content_type="application/json")

    return read


def _once(view: Callable, status: int) -> Callable:
    @wraps(view)
    def act(request: HttpRequest, **said) -> HttpResponse:
        key = request.headers.get("Idempotency-Key", "")
        if len(key) > 255 or not all("!" <= each <= "~" for each in key):
            raise Problem("unreadable", "An Idempotency-Key is up to 255 plain characters, without spaces.")
        try:
            done = answering.once(request.auth, key, _digest(request), lambda: _answer(view(request, **said), status))
        except answering.Reused as error:
            raise Problem("key-reused", "This key came with another request before. Use a new one.") from error
        headers = {"Idempotency-Replayed": "true"} if done.again else {}
        return HttpResponse(done.body, status=done.status, content_type="application/json", headers=headers)

    return act


def _answer(said: ninja.Schema, status: int) -> answering.Answer:
    return answering.Answer(status, said.model_dump_json())


def _digest(request: HttpRequest) -> str:
    head = f"{request.method} {request.get_full_path()}\n".encode()
    return hashlib.sha256(head + request.body).hexdigest()


router = Router(tags=["You"])


class Me(ninja.Schema):
    person: Somebody
    token: str
    scopes: list[str]
    expires_at: datetime


@router.reads("me", "", Me, "api_me")
def me(request: HttpRequest) -> Me:
    """Whose token this is, what it is good for, and until when."""
    token = request.auth
    person = Somebody(id=token.person.pk, name=token.person.name)
    return Me(person=person, token=token.name, scopes=token.scopes, expires_at=token.expires_at)
