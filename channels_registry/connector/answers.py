"""Reading an answer: what the network wants to tell us, and how long it wants us to wait."""

import base64
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from channels_registry.connector.errors import NetworkError, OutcomeUnknown, TryLater

T = TypeVar("T")

LONGEST_WAIT = 24 * 3600.0
REQUEST_ID_HEADERS = ("x-request-id", "x-trace-id", "x-amzn-requestid", "cf-ray")


@dataclass(frozen=True)
class Response:
    """An answer with a status below 300. `headers` are read by their lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    host: str = ""
    creates: bool = False

    @property
    def request_id(self) -> str:
        return next((self.headers[name] for name in REQUEST_ID_HEADERS if name in self.headers), "")

    def json(self) -> Any:
        """The parsed body. A body that cannot be read proves nothing about what was done: OutcomeUnknown after a
        create.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise self.unreadable(f"not JSON: {self.body[:120]!r}") from error

    def read(self, parse: Callable[[Any], T]) -> T:
        """What `parse` makes of the parsed body. Whatever it misses there makes this an unreadable answer."""
        value = self.json()
        try:
            return parse(value)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
            raise self.unreadable(f"{error!r} in {self.body[:120]!r}") from error

    def unreadable(self, detail: str) -> NetworkError:
        """What to raise when this answer does not say what it should."""
        kind = OutcomeUnknown if self.creates else TryLater
        return kind(
            f"{self.host or 'The network'} gave an answer that cannot be read.",
            detail=detail,
            status=self.status,
            request_id=self.request_id,
        )


def message_in(body: bytes) -> tuple[str, str]:
    """(the network's error code, its message for people), as far as its error body has them, cut to a line."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    if isinstance(value, dict) and isinstance(value.get("error"), dict):
        value = value["error"]
    if not isinstance(value, dict):
        return "", ""
    code = _text(value, "error", "code", "type")
    said = _text(value, "error_description", "message", "detail", "title")
    return code, said or code


def count_in(value: Mapping[str, Any], name: str) -> int | None:
    """How many it tells; None where it tells nothing that is a number of things."""
    said = value.get(name)
    return said if isinstance(said, int) and not isinstance(said, bool) and 0 <= said < 2**63 else None


def wait_in(headers: Mapping[str, str]) -> float | None:
    """Seconds the network asks us to wait: Retry-After or a RateLimit-Reset in any of its dialects. None: it did not
    say.
    """
    reference = _time(headers.get("date", "")) or time.time()
    for name in ("retry-after", "ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"):
        if name in headers and (wait := _seconds(headers[name].strip(), reference)) is not None:
            return min(max(wait, 0.0), LONGEST_WAIT)
    return None


def claims(token: str) -> dict[str, Any]:
    """What a JSON web token says of itself, {} if it is none. Not verified: it is to plan by, not to trust."""
    try:
        part = token.split(".")[1]
        said = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return said if isinstance(said, dict) else {}
    except (IndexError, ValueError):
        return {}


def _seconds(value: str, reference: float) -> float | None:
    try:
        number = float(value)
    except ValueError:
        moment = _time(value)
        return None if moment is None else moment - reference
    if not math.isfinite(number):
        return None
    return number - reference if number > 1_000_000_000 else number


def _time(value: str) -> float | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = read(value)
        except (ValueError, TypeError):
            continue
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return None


def _text(value: Mapping[str, Any], *names: str) -> str:
    found = next((value[n] for n in names if isinstance(value.get(n), (str, int)) and value[n] != ""), "")
    return " ".join(str(found).split())[:300]
