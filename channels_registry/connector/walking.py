"""Reading a list that stands newest first, page by page: down to where the last walk began, and an hour deeper, because
entries are dated by their author's clock and late ones appear below the newest.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from channels_registry.connector.looking import moment

OVERLAP = timedelta(hours=1)
OLDEST = timedelta(days=30)
REMEMBERED = 200


@dataclass(frozen=True)
class Walk:
    """Where a poll is. `high`: the newest time of the last finished walk, `top`: of this one; `walk`: the network's
    name for the page that comes next; `seen`: what was handed on lately.
    """

    high: str = ""
    top: str = ""
    walk: str = ""
    seen: Sequence[str] = ()

    @classmethod
    def at(cls, cursor: str) -> Self:
        """From the cursor of a poll. One that cannot be read begins anew."""
        try:
            value = json.loads(cursor)
        except ValueError:
            value = {}
        known = value.items() if isinstance(value, dict) else ()
        return cls(**{name: kept for name, kept in known if name in cls.__dataclass_fields__})

    def anew(self) -> str:
        """The cursor that begins this walk again: the network no longer knows the page."""
        return _cursor(high=self.high, seen=self.seen)

    def onwards(self, times: Sequence[str], fresh: Iterable[str], next_page: str) -> tuple[str, bool]:
        """(the cursor after a page with entries of these times, of which these were new; whether more comes now)."""
        seen = [*fresh, *self.seen][:REMEMBERED]
        top = self.top or max(times, default=self.high)
        floor = moment(self.high) - OVERLAP if self.high else datetime.now(UTC) - OLDEST
        more = bool(next_page and times and moment(min(times)) > floor)
        after = {"top": top, "walk": next_page, "high": self.high} if more else {"high": top}
        return _cursor(**after, seen=seen), more


def _cursor(**place: str | Sequence[str]) -> str:
    return json.dumps(place, separators=(",", ":"))
