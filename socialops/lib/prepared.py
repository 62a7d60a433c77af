"""Questions that are asked at every page and differ only by their values. Writing the SQL of one takes Django longer
than answering it takes the database, so it is written once a process.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BigIntegerField, BooleanField, F, Func, Q, QuerySet, Value

# What stands in the SQL for the n-th value of this type while it is written. Nobody has such an id.
MARKS: dict[type, Callable[[int], Any]] = {
    int: lambda n: -987_654_321 - n,
    list: lambda n: [-987_654_321 - n],
    datetime: lambda n: datetime(1900, 1, 1, microsecond=987_654 + n, tzinfo=UTC),
}
SOME_IDS = range(-987_654_321 - 1000, -987_654_321 + 1000)


def prepared(make: Callable[..., QuerySet]) -> Callable[..., list[tuple[Any, ...]]]:
    """`make(*of, **values)` builds rows by values_list. `of` says which question it is, and can be hashed. `values` are
    ids, lists of ids and moments; it compares columns with them, lists by among(), and makes nothing else of them.

    Returns `ask(*of, **values)`. Only columns that the database gives as they are meant: no JSON, no UUID.
    """

    @lru_cache(maxsize=256)
    def written(of: tuple, kinds: tuple[tuple[str, type], ...]) -> tuple[str, list[tuple[str, Any]]]:
        marks = {name: MARKS[kind](n) for n, (name, kind) in enumerate(kinds)}
        sql, params = make(*of, **marks).query.sql_with_params()
        named = [(_name(param, marks), param) for param in params]
        if missing := marks.keys() - {name for name, _ in named}:
            raise ValueError(f"the question does not ask by {', '.join(sorted(missing))}")
        if any(not name and _near_a_mark(param) for name, param in named):
            raise ValueError("the question makes something of a value, or asks by a list without among()")
        return sql, named

    def ask(*of: Any, **values: Any) -> list[tuple[Any, ...]]:
        try:
            sql, named = written(of, tuple((name, type(value)) for name, value in values.items()))
        except EmptyResultSet:
            return []
        with connection.cursor() as cursor:
            cursor.execute(sql, [values[name] if name else param for name, param in named])
            return cursor.fetchall()

    return ask


def _name(param: Any, marks: dict[str, Any]) -> str:
    return next((name for name, mark in marks.items() if type(mark) is type(param) and mark == param), "")


def _near_a_mark(param: Any) -> bool:
    """Whether it is made of a mark, and so would stay the same whatever is asked."""
    if isinstance(param, datetime):
        return param.year in (1899, 1900)
    return param in SOME_IDS if isinstance(param, int) else False


class _Among(Func):
    template, arg_joiner, output_field = "%(expressions)s)", " = ANY(", BooleanField()


def among(name: str, ids: list[int] | QuerySet) -> Q | Func:
    """What Q(name__in=ids) says, with the list as one value however many are in it."""
    if isinstance(ids, QuerySet):
        return Q(**{f"{name}__in": ids})
    return _Among(F(name), Value(ids, ArrayField(BigIntegerField())))
