"""What goes out when: publications, and posts that want a time but still need approval."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse

from accounts.models import Person
from publishing.models import Approval, Publication
from publishing.permissions import visible_channels
from publishing.queries.checking import now
from publishing.queries.waiting import TONES

STATE_WORDS = {
    "scheduled": "Scheduled", "sending": "Sending", "unknown": "Unknown", "needs_human": "Needs a person",
    "done": "Published", "failed": "Failed", "held": "Held", "blocked": "Blocked", "missed": "Missed",
    "cancelled": "Cancelled", "needs_approval": "Needs approval",
}  # fmt: skip
ENTRY_TONES = TONES | {"scheduled": "sched", "needs_approval": "wait"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One post on one channel at one time."""

    at: datetime
    network: str
    channel: str
    title: str
    state: str
    url: str

    @property
    def tone(self) -> str:
        return ENTRY_TONES[self.state]

    @property
    def words(self) -> str:
        return STATE_WORDS[self.state]


def entries(person: Person, start: datetime, end: datetime, filters: dict[str, Any] | None = None) -> list[Entry]:
    """Between two instants, in order of time. Two queries and that of the role. `filters`: network, channel."""
    where = {
        f"channel__{'pk' if name == 'channel' else name}": value for name, value in (filters or {}).items() if value
    }
    channels = visible_channels(person).values("pk")
    publications = (
        Publication.objects.filter(due_at__gte=start, due_at__lt=end, channel__in=channels, **where)
        .exclude(state="cancelled")
        .values_list("due_at", "channel__network", "channel__name", "variant__post__title", "state", "pk")
    )
    found = [Entry(*row[:5], reverse("publication", args=row[5:])) for row in publications]
    return sorted([*found, *_wanted(channels, start, end, where)], key=lambda entry: (entry.at, entry.channel))


def going_out(person: Person, hours: int = 24) -> list[Entry]:
    """The next hours, for Today. Published ones are left out."""
    start = now()
    return [e for e in entries(person, start, start + timedelta(hours=hours)) if e.state != "done"]


def _wanted(channels, start: datetime, end: datetime, where: dict[str, Any]) -> Iterable[Entry]:
    """Posts that somebody still has to agree to, at the time their author wants, once a channel."""
    where = {f"post__variants__{name}": value for name, value in where.items()}
    rows = Approval.objects.filter(
        state="pending", wanted_at__gte=start, wanted_at__lt=end, post__variants__removed_at=None,
        post__variants__channel__in=channels, **where,
    ).values_list(
        "wanted_at", "post__variants__channel__network", "post__variants__channel__name", "post__title", "post_id"
    )  # fmt: skip
    return [Entry(*row[:4], "needs_approval", reverse("post", args=row[4:])) for row in rows]
