"""What waits for somebody, and what is broken, in one shape for all apps."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

MEANING = {"risk": "At risk", "held": "Held", "unsure": "Unknown", "ok": "Fine"}
FEW = 3  # of one kind, each on a line of its own


@dataclass(frozen=True)
class Kind:
    """What many of the same are folded into. `title` follows their number: "14" "channels have …"."""

    title: str
    detail: str
    action: str
    url: str = ""  # a list of just these, where there is one
    unread: int = 0  # how many more there are than were read


@dataclass(frozen=True)
class Waiting:
    """`due_at` is the clock that runs out (None: no clock). `url` is a path; `action` the verb on the button."""

    title: str
    detail: str
    url: str
    action: str
    due_at: datetime | None = None
    tone: str = "wait"  # ok, wait, risk, held, unsure
    word: str = ""  # what the tag says ("6 days", "One admin"); by default what its tone means
    channel: int | None = None  # the channel without a connection then, for what others have scheduled on it
    kind: Kind | None = None  # None: never folded
    parts: tuple["Waiting", ...] = ()  # what was folded into this line

    @property
    def tag(self) -> str:
        return self.word or MEANING.get(self.tone, "Waits")


def by_urgency(trouble: Iterable[Waiting], now: datetime) -> list[Waiting]:
    """What is broken already first, then what has a clock, then the rest, where many of one kind are one line.

    A clock that has run out is none any more: then only its kind counts.
    """
    first: list[Waiting] = []
    clocks: list[Waiting] = []
    rest: list[Waiting] = []
    kinds: dict[Kind, list[Waiting]] = {}
    for each in trouble:
        if each.due_at is not None and each.due_at > now:
            clocks.append(each)
        elif each.kind is not None:
            kinds.setdefault(each.kind, []).append(each)
        else:
            (first if each.tone == "risk" else rest).append(each)
    clocks.sort(key=lambda each: (each.due_at, each.title))
    return [*first, *clocks, *rest, *(line for kind, same in kinds.items() for line in _lines(kind, same))]


def _lines(kind: Kind, same: list[Waiting]) -> list[Waiting]:
    if len(same) <= FEW:
        return same
    title = f"{len(same) + kind.unread} {kind.title}"
    return [Waiting(title, kind.detail, kind.url, kind.action, None, same[0].tone, same[0].word, parts=tuple(same))]
