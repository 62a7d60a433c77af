"""One post on one channel at one time, as a calendar and Today show it."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from django.urls import reverse

from publishing.models import Publication
from publishing.queries.waiting import TONES

STATE_WORDS = Publication.WORDS | {"needs_approval": "Needs approval"}
STATE_WORDS |= {"native": "Not approved here", "native_gone": "Not approved here, and taken down there"}
ENTRY_TONES = TONES | {"scheduled": "sched", "needs_approval": "wait", "native": "plain", "native_gone": "plain"}
ICONS = {
    "scheduled": "clock", "needs_approval": "hourglass", "sending": "send", "unknown": "circle-question-mark",
    "needs_human": "circle-question-mark", "done": "check", "failed": "triangle-alert", "held": "hand",
    "blocked": "ban", "missed": "timer-off", "native": "globe", "native_gone": "globe",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One post on one channel at one time. `pk` is the publication's or, while it needs approval, the post's."""

    at: datetime
    network: str
    channel: str
    title: str
    pk: int
    state: str = "needs_approval"
    movable: bool = False  # by this reader
    occurrence: str = ""  # of what repeats
    crowded: bool = False  # another stands on its channel within ten minutes; a list of entries does not ask
    address: str = ""  # on the network, of one that was made there

    @property
    def url(self) -> str:
        if self.state.startswith("native"):
            return self.address
        return f"{_path('post' if self.state == 'needs_approval' else 'publication')}{self.pk}/"

    @property
    def tone(self) -> str:
        return ENTRY_TONES[self.state]

    @property
    def words(self) -> str:
        return STATE_WORDS[self.state]

    @property
    def icon(self) -> str:
        return ICONS[self.state]


@cache
def _path(name: str) -> str:
    """Where these stand by their ids. A month names more than a hundred."""
    return reverse(name, args=[0]).removesuffix("0/")


@dataclass
class Day:
    """The first few entries of a day (or an hour), and how many there are."""

    entries: list[Entry] = field(default_factory=list)
    total: int = 0

    @property
    def more(self) -> int:
        return self.total - len(self.entries)


NOTHING = Day()
