"""What tools are told about the API: the document, and the same as a page that people read."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from accounts.models import Scope
from socialops import api
from socialops.lib.problems import KINDS


@dataclass(frozen=True)
class Field:
    name: str
    where: str
    kind: str
    needed: bool
    words: str


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    group: str
    words: str
    scope: str
    fields: list[Field]
    answer: list[Field]


def openapi(request: HttpRequest) -> JsonResponse:
    return JsonResponse(api.document())


def reference(request: HttpRequest) -> HttpResponse:
    groups = [(label, list(each)) for label, each in groupby(operations(), lambda operation: operation.group)]
    problems = [(name, status, title) for name, (status, title) in KINDS.items()]
    context = {"groups": groups, "problems": problems, "scopes": Scope.choices, "base": f"{settings.BASE_URL}/api/v1"}
    return render(request, "reference.html", context)


def operations() -> Iterator[Operation]:
    """Those of the document, in its order."""
    document = api.document()
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            fields = list(_fields(said, document["components"]["schemas"]))
            scope, words = "".join(said["security"][0]["Token"]), said.get("description", "")
            answer = list(_answer(said, document["components"]["schemas"]))
            yield Operation(method.upper(), path, said["tags"][0], words, scope, fields, answer)


def _fields(said: dict[str, Any], known: dict[str, Any]) -> Iterator[Field]:
    for each in said["parameters"]:
        if each["in"] == "query":
            words = each["schema"].get("description", "")
            yield Field(each["name"], "address", _kind(each["schema"]), each["required"], words)
    body = said.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    yield from _shape(body, known)


def _answer(said: dict[str, Any], known: dict[str, Any]) -> Iterator[Field]:
    """Of a list what each item is."""
    done = next(each for status, each in said["responses"].items() if status < "300")
    schema = done["content"]["application/json"]["schema"]
    items = known[_name(schema)]["properties"].get("items")
    return _shape(items["items"] if items else schema, known)


def _shape(schema: dict[str, Any], known: dict[str, Any]) -> Iterator[Field]:
    shape = known[_name(schema)] if "$ref" in schema else {}
    for name, each in shape.get("properties", {}).items():
        yield Field(name, "body", _kind(each), name in shape.get("required", ()), each.get("description", ""))


def _name(schema: dict[str, Any]) -> str:
    return schema["$ref"].rpartition("/")[2]


def _kind(schema: dict[str, Any]) -> str:
    """“whole number”, “draft, in_approval or …”, “list of text”: what stands there, in words."""
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(str(each) for each in schema["enum"])
    if "$ref" in schema:
        return _name(schema)
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    if schema.get("format") == "date-time":
        return "time with its zone"
    return WORDS.get(schema.get("type", ""), schema.get("type", "anything"))


WORDS = {"string": "text", "integer": "whole number", "boolean": "true or false", "null": "null", "object": "object"}
