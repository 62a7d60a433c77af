"""What stands on every page: the rail with its counts, the hold band, the outbound light, unread notifications.

A context processor (settings.TEMPLATES), so no app imports it. Lazy: a fragment or a file costs none of its queries.
"""

from dataclasses import dataclass, field
from functools import cached_property

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

THEMES = ("system", "light", "dark")


@dataclass(frozen=True)
class Place:
    """One entry of the rail. `due` says that its count is what waits for this person."""

    name: str
    label: str
    icon: str
    url: str
    count: int = 0
    current: bool = False


@dataclass(frozen=True)
class Section:
    label: str
    places: list[Place] = field(default_factory=list)


# The rail, in order: URL name, label, icon. What has no address yet is not shown.
RAIL = {
    "": [
        ("today", "Today", "sun"),
        ("inbox", "Inbox", "inbox"),
        ("calendar", "Calendar", "calendar"),
        ("post_list", "Posts", "pen-line"),
        ("approval_list", "Approvals", "check"),
        ("channel_list", "Channels", "megaphone"),
        ("person_list", "People", "users"),
    ],
    "Governance": [
        ("case_list", "Offboarding", "door-open"),
        ("evidence_list", "Evidence", "file-archive"),
        ("audit_list", "Audit trail", "scroll-text"),
    ],
}
TABS = ("today", "inbox", "approval_list", "calendar")


class Frame:
    """Everything base.html asks for, each part read once and only when asked."""

    def __init__(self, request: HttpRequest):
        self._request = request

    @cached_property
    def person(self):
        return getattr(self._request.user, "person", None)

    @cached_property
    def theme(self) -> str:
        chosen = self._request.COOKIES.get("theme", "")
        return chosen if chosen in THEMES else "system"

    @cached_property
    def sections(self) -> list[Section]:
        here = self._request.path
        shown = [(section, name, label, icon, url) for section, name, label, icon, url in _addresses()]
        current = max((url for *_, url in shown if _inside(here, url)), key=len, default="")
        sections = {label: Section(label) for label in RAIL}
        for section, name, label, icon, url in shown:
            count = self._counts.get(name, 0)
            sections[section].places.append(Place(name, label, icon, url, count, url == current))
        return [section for section in sections.values() if section.places]

    @cached_property
    def tabs(self) -> list[Place]:
        """The bottom bar of a phone."""
        places = {place.name: place for section in self.sections for place in section.places}
        return [places[name] for name in TABS if name in places]

    @cached_property
    def _counts(self) -> dict[str, int]:
        return {}

    @cached_property
    def holds(self) -> list:
        return []

    @cached_property
    def unread(self) -> int:
        return 0


def _addresses() -> list[tuple[str, str, str, str, str]]:
    found = []
    for section, entries in RAIL.items():
        for name, label, icon in entries:
            try:
                found.append((section, name, label, icon, reverse(name)))
            except NoReverseMatch:
                continue
    return found


def _inside(path: str, url: str) -> bool:
    return path == url or (url != "/" and path.startswith(url))


def frame(request: HttpRequest) -> dict:
    return {"frame": Frame(request)}
