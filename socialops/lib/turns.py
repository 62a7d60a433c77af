"""Work on what is due, one row at a time, as the only one at it.

What talks to networks may hang for as long as its deadlines let it. An advisory lock a kind of work keeps that to one
process, so that the nudges in between do not take every other process with them; and a row is taken when its turn has
come, never a batch ahead, so that a lease covers one conversation.
"""

import logging
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from django.db import Error, connection

from socialops.lib.clock import steady

log = logging.getLogger(__name__)
T = TypeVar("T")
R = TypeVar("R")
SECONDS = 20.0  # in which a run begins something new; what it has begun ends by its own deadline


def in_turn(name: str, take: Callable[[], T | None], work: Callable[[T], Any], seconds: float = SECONDS) -> int:
    """Take and work until nothing is due or the time is up. Returns how many; 0 at once if somebody else is at it."""
    with only_one(name) as mine:
        end, done = steady() + seconds, 0
        while mine and steady() < end and (row := take()) is not None:
            safely(work, row)
            done += 1
        return done


@contextmanager
def only_one(name: str) -> Iterator[bool]:
    """Whether this connection is the one that may do what is called `name`. The database frees it if we die."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, 0)", [key(name)])
        mine = cursor.fetchone()[0]
    try:
        yield mine
    finally:
        if mine:
            with suppress(Error), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, 0)", [key(name)])


def safely(work: Callable[[T], R], subject: T) -> R | None:
    """One that breaks costs the others nothing, and comes back at the next sweep or when its lease ends."""
    try:
        return work(subject)
    except Exception:
        log.exception("%s failed for %s", getattr(work, "__name__", work), subject)
        return None


def key(name: str) -> int:
    """A name as the first half of an advisory lock."""
    return zlib.crc32(name.encode()) - 2**31
