"""What a directory sends, as far as it can be kept, and the odd forms of Entra and Okta put right."""

import json
from typing import Any

from django.http import HttpRequest

from accounts.scim.answers import Answer
from accounts.scim.schema import MOST_BYTES
from socialops.lib.nul import NUL, WORDS

MOST_OPERATIONS = 1000
SPOKEN = {"true": True, "false": False}


def body(request: HttpRequest) -> dict[str, Any]:
    """The object in the body. Raises Answer for what is none, too large, too deep, or cannot be kept."""
    try:
        size = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        size = 0
    raw = b"" if size > MOST_BYTES else request.read(MOST_BYTES + 1)
    if size > MOST_BYTES or len(raw) > MOST_BYTES:
        raise Answer(413, "Send less than 1 MB at once.")
    try:
        said = json.loads(raw, parse_constant=_refuse)
        _refuse_unkept(said)
    except (ValueError, RecursionError) as error:
        words = str(error) if isinstance(error, Unkept) else "The body is not JSON, or is too deep."
        raise Answer(400, words, "invalidSyntax") from error
    if not isinstance(said, dict):
        raise Answer(400, "The body is not a JSON object.", "invalidSyntax")
    return said


class Unkept(ValueError):
    """Characters that no text column takes."""


def user(said: dict[str, Any], active: bool | None = None) -> dict[str, Any]:
    """A user as the standard has one: `active` true or false, and an e-mail where only the name is one."""
    found = {name.lower(): name for name in said if isinstance(name, str)}
    if (name := found.get("active")) is not None:
        said[name] = _spoken(said[name])
    if said.get(found.get("active", "")) is None and active is not None:
        said[found.get("active", "active")] = active
    mails, login = said.get(found.get("emails", "")), said.get(found.get("username", ""))
    if not mails and isinstance(login, str) and "@" in login:
        said[found.get("emails", "emails")] = [{"value": login, "type": "work", "primary": True}]
    return _without_read_only(said)


def group(said: dict[str, Any]) -> dict[str, Any]:
    return _without_read_only(said)


def patch(said: dict[str, Any]) -> dict[str, Any]:
    """A patch as the standard has it. Entra says `"active": "False"`, and `[{"value": "False"}]` at its path."""
    operations = said.get("Operations")
    if not isinstance(operations, list):
        return said
    if len(operations) > MOST_OPERATIONS:
        raise Answer(413, f"Send at most {MOST_OPERATIONS} operations at once.")
    for operation in operations:
        if not isinstance(operation, dict) or "value" not in operation:
            continue
        path, value = operation.get("path"), operation["value"]
        if isinstance(path, str) and path.rpartition(":")[2].lower() == "active":
            if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
                value = value[0].get("value")
            operation["value"] = _spoken(value)
        elif path is None and isinstance(value, dict):
            operation["value"] = {
                name: _spoken(each) if str(name).rpartition(":")[2].lower() == "active" else each
                for name, each in value.items()
            }
    return said


def _spoken(value: Any) -> Any:
    return SPOKEN.get(value.strip().lower(), value) if isinstance(value, str) else value


def _without_read_only(said: dict[str, Any]) -> dict[str, Any]:
    """What the server says of itself, and a client sends back with the rest."""
    return {name: value for name, value in said.items() if str(name).lower() not in ("id", "meta", "groups")}


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


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
