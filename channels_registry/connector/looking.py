"""Looking for something that may or may not stand on a network, without changing anything."""

import functools
from collections.abc import Callable, Coroutine, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ParamSpec, TypeVar

from channels_registry.connector.errors import Disconnected, NetworkError
from channels_registry.connector.text import same
from channels_registry.connector.types import Published, Unsure

EARLY = timedelta(seconds=60)  # clocks differ: what stands there may be dated a little before it was due
AHEAD = timedelta(hours=15)  # or the clock that called it due was wrong: by a zone, or since a jump

P = ParamSpec("P")
T = TypeVar("T")


def look(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T | Unsure]]:
    """A look that fails proves nothing: the network's errors become Unsure. A dead credential stays an error."""

    @functools.wraps(method)
    async def looked(*args: P.args, **kwargs: P.kwargs) -> T | Unsure:
        try:
            return await method(*args, **kwargs)
        except Disconnected:
            raise
        except NetworkError as error:
            return Unsure(error.reason)

    return looked


def one_of(found: Iterable[Published], early: Sequence[Published] = ()) -> Published | Unsure | None:
    """The only one; Unsure when several fit, for taking the newest of them could bind another post.

    `early`: what would be ours if the clock that called it due was wrong (`long_before`). Then nothing is proven.
    """
    different = {each.remote_id: each for each in found}
    if len(different) > 1:
        return Unsure(f"{len(different)} posts with this text stand there. A person has to say which one is this.")
    if early and not different:
        return Unsure("The same words stand there, dated before this was due. A person has to say whether it is this.")
    return next(iter(different.values()), None)


def passed(dates: Sequence[datetime], since: datetime | None) -> bool:
    """Whether nothing further down a list can be ours. `dates`: those of what was read of it so far, the newest first.

    Where nothing of it is younger than our sending, the clock that called it due may have been ahead: then it is read
    on until nothing can be ours even so.
    """
    if since is None or not dates:
        return False
    end = since - EARLY
    return dates[-1] < end and (dates[0] >= end or dates[-1] < since - AHEAD)


def long_before(since: datetime | None) -> datetime | None:
    return None if since is None else since - AHEAD


def matches(text: str, since: datetime | None, item_text: str, item_at: datetime) -> bool:
    """Whether an item of a list is what we sent: the same words, not older than our sending."""
    return same(text, item_text) and (since is None or item_at >= since - EARLY)


def moment(value: Any) -> datetime:
    """An aware time from a number of seconds or an ISO text. Raises ValueError for anything else."""
    if isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, UTC)
    if not isinstance(value, str):
        raise ValueError(f"not a time: {value!r}")
    read = datetime.fromisoformat(value)
    return read if read.tzinfo else read.replace(tzinfo=UTC)
