"""What stands on every page: the rail with its counts, the hold band, the outbound light, unread notifications.

A context processor (settings.TEMPLATES), so no app imports it. Two queries; a fragment, which asks nothing, costs none.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from accounts.models import Notification, Person, Role, RoleAssignment
from channels_registry import permissions as channel_permissions
from channels_registry.queries.findings import open_findings
from channels_registry.queries.kept import rotations_due
from governance.models import OffboardingCase
from governance.queries import glasses_waiting, to_approve, to_give
from governance.queries import reviews as review_queries
from inbox.models import Conversation
from publishing import queries as publishing_queries
from socialops.lib.counting import count_of
from socialops.lib.prepared import prepared
from socialops.lib.waiting import Waiting
from socialops.stylesheet import composed

THEMES = ("system", "light", "dark")
CONTROL = frozenset({Role.ADMIN, Role.AUDITOR})
READERS = CONTROL | {Role.SOCIAL_LEAD}  # of every access review


@dataclass(frozen=True)
class Place:
    """One entry of the rail; `count` is what waits for this person there."""

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


# The rail, in order: URL name, label, icon, the roles it is for (empty: everybody). What has no address is not shown.
RAIL: dict[str, list[tuple[str, str, str, frozenset]]] = {
    "": [
        ("today", "Today", "sun", frozenset()),
        ("inbox", "Inbox", "inbox", frozenset()),
        ("calendar", "Calendar", "calendar", frozenset()),
        ("post_list", "Posts", "pen-line", frozenset()),
        ("campaign_list", "Campaigns", "flag", frozenset()),
        ("asset_list", "Library", "images", frozenset()),
        ("approval_list", "Approvals", "check", frozenset()),
        ("channel_list", "Channels", "megaphone", frozenset()),
        ("person_list", "People", "users", frozenset()),
        ("access_request_list", "Access requests", "key", frozenset()),
    ],
    "Governance": [
        ("review_list", "Access reviews", "list-checks", READERS),
        ("matrix", "Access matrix", "table", CONTROL),
        ("single_points", "Single points", "target", CONTROL),
        ("finding_list", "Findings", "git-compare", CONTROL),
        ("login_list", "Shared logins", "key-round", CONTROL),
        ("tool_list", "Tools", "package", CONTROL),
        ("case_list", "Offboarding", "door-open", CONTROL),
        ("evidence_list", "Evidence", "file-archive", CONTROL),
        ("legal_hold_list", "Legal holds", "shield-check", CONTROL),
        ("audit_list", "Audit trail", "scroll-text", CONTROL),
    ],
}
TABS = ("today", "inbox", "approval_list", "calendar")
WHO_IS_ASKED = frozenset(
    {"review_list"}
)  # in the rail of everybody for whom something waits there, whatever their role
COUNTED = (
    "held",
    "unread",
    "inbox",
    "approval_list",
    "review_list",
    "case_list",
    "finding_list",
    "login_list",
    "access_request_list",
    "break_glass_list",
)  # roles, and what waits, by its place in the rail


@lru_cache(maxsize=512)  # a page names two dozen
def address(name: str, *args) -> str:
    """The path of a page, or nothing while there is none."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


class Frame:
    """Everything base.html asks for, each part read once and only when asked."""

    def __init__(self, request: HttpRequest):
        self._request = request

    @cached_property
    def person(self) -> Person | None:
        return getattr(getattr(self._request, "user", None), "person", None)

    @cached_property
    def theme(self) -> str:
        chosen = self._request.COOKIES.get("theme", "")
        return chosen if chosen in THEMES else "system"

    @cached_property
    def stylesheet(self) -> str:
        return reverse("stylesheet", args=[composed()[1]])

    @cached_property
    def sections(self) -> list[Section]:
        here = self._request.path
        current = max((url for url in map(address, _names()) if _inside(here, url)), key=len, default="")
        sections = [Section(label, list(self._places(entries, current))) for label, entries in RAIL.items()]
        return [section for section in sections if section.places]

    @cached_property
    def tabs(self) -> list[Place]:
        """The bottom bar of a phone."""
        places = {place.name: place for section in self.sections for place in section.places}
        return [places[name] for name in TABS if name in places]

    @cached_property
    def roles(self) -> frozenset[str]:
        return frozenset(self._waits.get("held", ()))

    @cached_property
    def unread(self) -> int:
        return self._waits.get("unread", 0)

    def waits(self, place: str) -> int:
        """How much waits for this person in a place of the rail."""
        return self._waits.get(place, 0)

    @cached_property
    def reviews(self) -> list[Waiting]:
        """Access reviews that wait for this person, read with the counts."""
        return self._waits.get("reviews", [])

    @cached_property
    def holds(self) -> list:
        return publishing_queries.standing_holds() if self.person else []

    def _places(self, entries, current: str) -> Iterator[Place]:
        for name, label, icon, roles in entries:
            url = address(name)
            count = self.waits(name)
            asked = count and name in WHO_IS_ASKED
            if url and (not roles or roles & self.roles or asked or (name in WHO_IS_ASKED and url == current)):
                yield Place(name, label, icon, url, count, url == current)

    @cached_property
    def _waits(self) -> dict:
        """Roles and all counts of this person, in one query."""
        if not self.person:
            return {}
        found = dict(zip(COUNTED, _waits_for(pk=self.person.pk)[0], strict=True))
        packed = found["review_list"] or []
        return found | {"review_list": review_queries.how_many(packed), "reviews": review_queries.waiting(packed)}

    search_url = property(lambda self: address("search"))
    notifications_url = property(lambda self: address("notification_list"))
    holds_url = property(lambda self: address("hold_list"))
    settings_url = property(lambda self: address("settings") or address("mfa_index"))
    profile_url = property(lambda self: address("person", self.person.pk) if self.person else "")


def _counted(pk: int) -> QuerySet:
    person = Person(pk=pk)
    mine = Conversation.objects.filter(
        assigned_to=person, state=Conversation.State.OPEN, waiting_since__isnull=False,
        channel__in=channel_permissions.seen_by(person).values("pk"),
    )  # fmt: skip
    cases = OffboardingCase.objects.filter(state=OffboardingCase.State.OPEN).exclude(person=person)
    roles = RoleAssignment.objects.filter(person=OuterRef("pk"), ended_at=None)
    counts = {
        "held": ArraySubquery(roles.values("role")),
        "unread": count_of(Notification.objects.filter(person=person, read_at=None)),
        "inbox": count_of(mine),
        "approval_list": count_of(publishing_queries.asked_of(person)),
        "review_list": ArraySubquery(review_queries.waits(person)),
        "case_list": count_of(cases),
        "finding_list": count_of(open_findings(person)),
        "login_list": count_of(rotations_due(person)),
        "access_request_list": count_of(to_approve(person)) + count_of(to_give(person)),
        "break_glass_list": count_of(glasses_waiting(person)),
    }
    return Person.objects.filter(pk=pk).annotate(**counts).values_list(*COUNTED)


_waits_for = prepared(_counted)  # for every page of everybody


def _names() -> list[str]:
    return [name for entries in RAIL.values() for name, *_ in entries]


def _inside(path: str, url: str) -> bool:
    return bool(url) and (path == url or (url != "/" and path.startswith(url)))


def frame(request: HttpRequest) -> dict:
    return {"frame": Frame(request)}
