"""What stops a page and is not our error: no room on a disk, or no database. Told by the error, said in plain words."""

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg2

from socialops.lib.files import NO_ROOM

AWAY = {"57P01", "57P02", "57P03", "53300"}  # shut down, crashed, starting, no connection left
DEPTH = 20


@dataclass(frozen=True)
class Outage:
    status: int
    title: str
    words: str


NO_SPACE = Outage(
    507,
    "There is no room left to save this",
    "The disk is full, so nothing was changed, and nothing is half saved. Everything can still be read. Tell your "
    "administrator: “manage.py doctor” names the disk. When there is room again, do it once more.",
)
NO_DATABASE = Outage(
    503,
    "The database cannot be reached",
    "Nothing was changed. It is often back within a minute: try again then. If it lasts, tell your administrator: "
    "“manage.py doctor” says what to mend. What is due meanwhile goes out when it is back.",
)


def outage(error: BaseException | None) -> Outage | None:
    """What this error says about the machines we run on; None when it is our own."""
    for each in _chain(error):
        if isinstance(each, OSError) and each.errno in NO_ROOM:
            return NO_SPACE
        if isinstance(each, psycopg2.Error):
            if isinstance(each, psycopg2.errors.DiskFull):
                return NO_SPACE
            if _away(each):
                return NO_DATABASE
    return None


def _away(error: psycopg2.Error) -> bool:
    if not isinstance(error, (psycopg2.OperationalError, psycopg2.InterfaceError)):
        return False
    return error.pgcode is None or error.pgcode.startswith("08") or error.pgcode in AWAY


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it came from."""
    for _ in range(DEPTH):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__
