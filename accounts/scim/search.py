"""Filters, order and pages (RFC 7644, section 3.4.2).

A filter is parsed into a tree and matched against the resources themselves, so nothing of it ever becomes SQL. What it
asks to be equal narrows the rows that are read first, by columns that stand here; all others are read and matched.
"""

from collections.abc import Callable
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from scim2_models import ScimFilter, SearchRequest
from scim2_models.path import CompareOperator, Comparison, LogicalExpr, LogicalOperator

from accounts.queries.directory import known_people
from accounts.scim import groups, users
from accounts.scim.answers import Answer
from accounts.scim.schema import MOST_RESULTS
from socialops.lib.lookalikes import key

LONGEST = 4000  # characters of a filter
NAMES = ("filter", "sortBy", "sortOrder", "startIndex", "count", "attributes", "excludedAttributes")


def asked(request: HttpRequest, model: Any) -> Any:
    """What the address asks for, as a SearchRequest."""
    said = {name: request.GET[name] for name in NAMES if request.GET.get(name, "") != ""}
    return read(said, model)


def read(said: dict[str, Any], model: Any) -> Any:
    text = said.get("filter")
    if isinstance(text, str) and len(text) > LONGEST:
        raise Answer(400, f"A filter has at most {LONGEST} characters.", "invalidFilter")
    try:
        return SearchRequest[model].model_validate(said)
    except RecursionError as error:
        raise Answer(400, "The filter is too deep.", "invalidFilter") from error


def page_of(request: Any, total: int) -> tuple[int, int]:
    """Where the page begins (from 0) and how many it holds at most."""
    count = MOST_RESULTS if request.count is None else min(request.count, MOST_RESULTS)
    return min((request.start_index or 1) - 1, total), count


def people(request: Any) -> tuple[list[Any], int, int]:
    """One page of users, how many there are in all, and where the page begins (from 1)."""
    rows = known_people()
    if request.filter is None and request.sort_by is None:
        total = rows.count()
        start, count = page_of(request, total)
        return users.as_resources(rows.page(start, count)) if count else [], total, start + 1
    narrowed = _narrowed(request.filter, _USER_COLUMNS)
    found = users.as_resources((rows.filter(narrowed) if narrowed is not None else rows).all())
    return _matched(request, found)


def teams(request: Any) -> tuple[list[Any], int, int]:
    narrowed = _narrowed(request.filter, _GROUP_COLUMNS)
    return _matched(request, groups.as_resources(groups.all_teams(narrowed)))


def everything(request: Any) -> tuple[list[Any], int, int]:
    """Users, then groups."""
    return _matched(request, [*users.as_resources(known_people().all()), *groups.as_resources(groups.all_teams())])


def _matched(request: Any, found: list[Any]) -> tuple[list[Any], int, int]:
    try:
        kept = [each for each in found if request.filter.match(each)] if request.filter is not None else found
        kept = request.sort(kept)
    except RecursionError as error:
        raise Answer(400, "The filter is too deep.", "invalidFilter") from error
    start, count = page_of(request, len(kept))
    return kept[start : start + count], len(kept), start + 1


def _narrowed(scim_filter: ScimFilter | None, columns: dict[str, Callable[[str], Q]]) -> Q | None:
    """What must hold of a row for the filter to match it; None where that cannot be said by columns."""
    return _necessary(scim_filter.ast, columns) if scim_filter is not None else None


def _necessary(node: Any, columns: dict[str, Callable[[str], Q]]) -> Q | None:
    if isinstance(node, Comparison) and node.op == CompareOperator.eq and isinstance(node.value, str):
        path = node.attr_path
        column = columns.get(".".join(filter(None, (path.attr, path.sub_attr))).lower())
        return column(node.value) if column else None
    if isinstance(node, LogicalExpr):
        terms = [_necessary(term, columns) for term in node.terms]
        if node.op == LogicalOperator.and_:
            known = [term for term in terms if term is not None]
            return _all(known) if known else None
        if all(term is not None for term in terms):
            return _any([term for term in terms if term is not None])
    return None


def _all(terms: list[Q]) -> Q:
    whole = Q()
    for term in terms:
        whole &= term
    return whole


def _any(terms: list[Q]) -> Q:
    whole = terms[0]
    for term in terms[1:]:
        whole |= term
    return whole


def of_id(value: str) -> Q:
    pk = value.partition("-")[0]
    return Q(pk=int(pk)) if pk.isascii() and pk.isdecimal() and len(pk) < 19 else Q(pk=None)


# Each at least as wide as the comparison it stands for: what is read by it is matched once more.
_USER_COLUMNS: dict[str, Callable[[str], Q]] = {
    "id": of_id,
    "username": lambda value: Q(entry__user_name_key=key(value)) | Q(entry=None, email__iexact=value),
    "externalid": lambda value: Q(entry__external_id=value),
    "emails": lambda value: Q(entry__addresses__contains=[key(value)]) | Q(entry=None, email__iexact=value),
    "emails.value": lambda value: Q(entry__addresses__contains=[key(value)]) | Q(entry=None, email__iexact=value),
}
_GROUP_COLUMNS: dict[str, Callable[[str], Q]] = {
    "id": of_id,
    "displayname": lambda value: Q(name__iexact=value),
    "externalid": lambda value: Q(external_id=value),
}
