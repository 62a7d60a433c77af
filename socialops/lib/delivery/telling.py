"""The lane's `settled` hook, so called that one row it cannot take costs no other row anything."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from django.db import InterfaceError, OperationalError, transaction

from socialops.lib.delivery.lane import Lane, Settled

log = logging.getLogger(__name__)
TOO_LARGE = "54"  # the class of PostgreSQL's "program limit exceeded": an OperationalError that waiting does not mend
IDLE_IN_TRANSACTION = "25P03"  # the database let go of a process that was frozen; Django calls it an InternalError
T = TypeVar("T")
Tell = Callable[[Sequence[Settled]], None]


def away(error: BaseException) -> bool:
    """Whether it is the database that failed, so that the same may work later, and not the row."""
    code = getattr(error.__cause__, "pgcode", None) or ""
    gone = isinstance(error, (OperationalError, InterfaceError)) and not code.startswith(TOO_LARGE)
    return gone or code == IDLE_IN_TRANSACTION


def moved(lane: Lane, move: Callable[[Tell], T]) -> T:
    """`move(tell)` moves rows in one transaction and tells the lane. Where telling fails, once more, row by row."""
    try:
        return move(lane.settled)
    except Exception as error:
        if away(error):
            raise
        log.exception("%s: telling failed; now row by row", lane.name)
        return move(partial(tell_each, lane))


def tell_each(lane: Lane, rows: Sequence[Settled]) -> None:
    """Each by itself, in the transaction that moved them. What fails is logged, and its row stays where it is now."""
    for row in rows:
        try:
            with transaction.atomic():
                lane.settled([row])
        except Exception as error:
            if away(error):
                raise
            log.exception("%s: delivery %s is %s now, and that could not be told", lane.name, row.id, row.state)
