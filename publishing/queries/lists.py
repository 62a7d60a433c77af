"""The lists: posts, and publications by what has become of them. Paged by key, so that a page never shifts."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Prefetch, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from accounts.models import Person
from publishing.models import Approval, Ask, Decision, ExternalApprover, Post, Publication, Variant
from publishing.queries.agreeing import asked_of
from publishing.queries.comments import unresolved
from publishing.queries.deciding import decisions_on
from socialops.lib.cursors import cursor_after, place_of

LATE = Q(state="scheduled", due_at__lt=Now() - timedelta(minutes=1))
SHELVES: dict[str, tuple[str, Q]] = {
    "due": ("Due", Q(state="scheduled") & ~LATE),
    "late": ("Late", LATE),
    "unknown": ("Unknown", Q(state__in=("sending", "unknown", "needs_human"))),
    "blocked": ("Blocked or failed", Q(state__in=("blocked", "failed"))),
    "held": ("Held", Q(state="held")),
    "missed": ("Missed", Q(state="missed")),
    "out": ("Published", Q(state="done")),
    "cancelled": ("Cancelled", Q(state="cancelled")),
}
URGENT = ("unknown", "blocked", "missed", "held", "late")
SOON = timedelta(minutes=1)
LATEST_FIRST = ("out", "cancelled")
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Wanted:
    """A wall time to offer, with its zone."""

    wall: datetime | None
    zone: str
    fold: int = 0


def post_page(posts: QuerySet[Post], before: str, size: int) -> tuple[list[Post], str]:
    """The newest first, from the cursor on, with the cursor of the next page ("" at the end)."""
    if place := place_of(before):
        when, pk = place
        posts = posts.filter(Q(updated_at__lt=when) | Q(updated_at=when, pk__lt=pk))
    current = Variant.objects.current().select_related("channel")
    posts = (
        posts.select_related("author")
        .annotate(unresolved=unresolved())
        .prefetch_related(Prefetch("variants", current, to_attr="shown"))
    )
    return _cut(list(posts.order_by("-updated_at", "-id")[: size + 1]), size, "updated_at")


def asked_page(person: Person, before: str, size: int) -> tuple[list[Ask], str]:
    """What waits for their decision from the cursor on: the clock that runs out first on top, those without one last.
    With the cursor of the next page ("" at the end).
    """
    asks = asked_of(person).annotate(clock=Coalesce("stage__decide_by", Value(NEVER)))
    if place := place_of(before):
        when, pk = place
        asks = asks.filter(Q(clock__gt=when) | Q(clock=when, pk__gt=pk))
    asks = asks.select_related("stage__approval__revision")
    return _cut(list(asks.order_by("clock", "id")[: size + 1]), size, "clock")


def shelf_counts(publications: QuerySet[Publication]) -> dict[str, int]:
    """How many stand on each shelf. One query."""
    return publications.aggregate(**{name: Count("pk", filter=which) for name, (_, which) in SHELVES.items()})


def publication_page(
    publications: QuerySet[Publication], shelf: str, before: str, size: int
) -> tuple[list[Publication], str]:
    """What is ahead in order of time; what is over with the latest first."""
    latest_first = shelf in LATEST_FIRST
    publications = publications.filter(SHELVES[shelf][1]).select_related("variant__post", "channel", "answerable")
    if place := place_of(before):
        when, pk = place
        side = "lt" if latest_first else "gt"
        beyond = Q(**{f"due_at__{side}": when}) | Q(**{"due_at": when, f"pk__{side}": pk})
        publications = publications.filter(beyond)
    order = ("-due_at", "-id") if latest_first else ("due_at", "id")
    return _cut(list(publications.order_by(*order)[: size + 1]), size, "due_at")


@dataclass(frozen=True)
class ChannelRow:
    """Where and when a variant goes out. `before`: the time it had until it was taken back."""

    variant: Variant
    publication: Publication | None
    before: Publication | None
    may_publish: bool

    @property
    def moves(self) -> bool:
        """Whether its state is about to change by itself, so that a page should go on."""
        if self.publication is None:
            return False
        soon = self.publication.state == "scheduled" and self.publication.due_at < timezone.now() + SOON
        return soon or self.publication.state in ("sending", "unknown")


def progress(rows: list[ChannelRow]) -> str:
    """How far a post is in words: “Published”, “Published on 1 of 3”, “Scheduled”; "" if nothing is planned."""
    states = [row.publication.state for row in rows if row.publication]
    if done := states.count("done"):
        return "Published" if done == len(rows) else f"Published on {done} of {len(rows)}"
    return "Scheduled" if "scheduled" in states else ""


def rows_of(post: Post, variants: list[Variant], may_publish: set[int]) -> list[ChannelRow]:
    """One query. `may_publish` are the ids of the channels on which the reader may."""
    live: dict[int, Publication] = {}
    taken_back: dict[int, Publication] = {}
    now = timezone.now()
    for publication in Publication.objects.filter(variant__post=post).select_related("answerable").order_by("id"):
        if publication.part:
            continue
        rows = taken_back if publication.state == "cancelled" else live
        there = rows.get(publication.variant_id)
        if there and there.occurrence and now < there.due_at:  # of what repeats the next one ahead
            continue
        rows[publication.variant_id] = publication
    return [ChannelRow(v, live.get(v.pk), taken_back.get(v.pk), v.channel_id in may_publish) for v in variants]


def approvals_of(post: Post) -> list[Approval]:
    """Who was asked (`places`) and what they said (`said`), the latest first. Two queries."""
    asks = Ask.objects.filter(stage__approval__post=post, ended_at=None).order_by("stage__position", "stage", "id")
    approvals: dict[int, Approval] = {}
    for ask in asks.select_related("person", "external", "stage__approval__asked_by", "stage__approval__revision"):
        approval = approvals.setdefault(ask.stage.approval_id, ask.stage.approval)
        approval.places = [*getattr(approval, "places", []), ask]
    said: dict[int, list[Decision]] = {}
    for decision in decisions_on(post) if approvals else ():
        said.setdefault(decision.approval_id, []).append(decision)
    for approval in approvals.values():
        approval.said = said.get(approval.pk, [])
    return sorted(approvals.values(), key=lambda each: -each.pk)[:20]


def asked_now(approval: Approval | None) -> list[Person | ExternalApprover]:
    """Who is asked and has not decided, of one of approvals_of."""
    if approval is None:
        return []
    decided = {decision.ask_id for decision in approval.said}
    open_ = [ask for ask in approval.places if ask.stage.state == "pending" and ask.carried_from_id is None]
    return [ask.who for ask in open_ if ask.pk not in decided]


def decided_by(person: Person) -> QuerySet[Decision]:
    return Decision.objects.filter(by=person).select_related("approval__post").order_by("-id")


def wanted_time(variants: list[Variant], zone: str) -> Wanted:
    """The time these variants of a post had before they were taken back, else the one its author wants; if ahead."""
    cancelled = Publication.objects.filter(variant__in=variants, state="cancelled", due_at__gt=Now())
    if last := cancelled.order_by("-id").first():
        return Wanted(last.wall_time.replace(tzinfo=None), last.time_zone, last.fold)
    asked = Approval.objects.filter(post__variants__in=variants, wanted_at__gt=Now()).order_by("-id").first()
    wanted_at = asked.wanted_at if asked else _wanted_by_file(variants)
    if wanted_at is None:
        return Wanted(None, zone)
    return Wanted(wanted_at.astimezone(ZoneInfo(zone)).replace(tzinfo=None), zone)


def _wanted_by_file(variants: list[Variant]) -> datetime | None:
    wanted_at = variants[0].post.wanted_at if variants else None
    return wanted_at if wanted_at and wanted_at > timezone.now() else None


def _cut(rows: list, size: int, field: str) -> tuple[list, str]:
    if len(rows) <= size:
        return rows, ""
    last = rows[size - 1]
    return rows[:size], cursor_after(getattr(last, field), last.pk)
