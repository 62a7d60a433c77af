"""A question that differs only by whom it is asked for. Writing its SQL takes Django longer than answering it takes
the database, so it is written once a process.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import QuerySet

SOMEBODY = -987_654_321  # stands in the SQL for whom it is asked for; nobody has this id


def for_one(make: Callable[[int], QuerySet]) -> Callable[[int], list[tuple[Any, ...]]]:
    """`make(pk)` builds the rows (values_list or values) for the person with this id, and uses it only as a value.

    Returns `ask(pk)`. Only columns that the database gives as they are meant: no JSON, no UUID.
    """

    @cache
    def statement() -> tuple[str, tuple[Any, ...]]:
        sql, params = make(SOMEBODY).query.sql_with_params()
        if SOMEBODY not in params:
            raise ValueError("the question names nobody")
        return sql, params

    def ask(pk: int) -> list[tuple[Any, ...]]:
        sql, params = statement()
        with connection.cursor() as cursor:
            cursor.execute(sql, [pk if value == SOMEBODY else value for value in params])
            return cursor.fetchall()

    return ask
