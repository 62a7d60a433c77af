"""What an approver needs to know, in plain words and from what is really known."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from accounts.models import Person
from channels_registry import permissions as channel_permissions
from channels_registry.models import Channel
from channels_registry.permissions import seen_by
from publishing.models import Decision, Post, Publication, Revision, Variant
from publishing.permissions import barred
from publishing.queries.checking import connector_of, problems
from publishing.queries.holds import holds_on

NEARBY = timedelta(hours=2)


@dataclass(frozen=True)
class Check:
    passed: bool
    words: str


@dataclass(frozen=True)
class Brief:
    """`audience` and `last_time` hold (channel, words); what is not known is said, never guessed."""

    audience: list[tuple[Channel, str]]
    why_now: str
    checks: list[Check]
    last_time: list[tuple[Channel, Publication | None]]

    @property
    def passed(self) -> list[Check]:
        return [check for check in self.checks if check.passed]

    @property
    def failed(self) -> list[Check]:
        return [check for check in self.checks if not check.passed]


def approvers_of(post: Post, channels: list[Channel]) -> QuerySet[Person]:
    """Who may be asked: they may approve on every channel, and neither wrote nor changed it."""
    able = Person.objects.none() if not channels else Person.objects.exclude(pk__in=barred(post))
    for channel in channels:
        able = able.filter(pk__in=channel_permissions.people_with(channel, "approve").values("pk"))
    return able.order_by("name")


def brief(post: Post, variants: list[Variant], wanted_at: datetime | None, reader: Person) -> Brief:
    """About seven queries, whatever the number of channels. Other posts are named where the reader sees the channel."""
    channels = [v.channel for v in variants]
    seen = seen_by(reader).filter(pk__in=[c.pk for c in channels]).values("pk")
    last = _last_published(seen)
    return Brief(
        audience=[(c, _audience(c)) for c in channels],
        why_now=post.why_now,
        checks=[*_lengths(variants), *_connections(channels), *_held(channels, post), *_clashes(post, seen, wanted_at)],
        last_time=[(c, last.get(c.pk)) for c in channels],
    )


def decisions_on(post: Post) -> list[Decision]:
    """Everything that was ever decided about the post, the latest first. One query."""
    found = Decision.objects.filter(approval__post=post).select_related("by", "external", "stage", "approval__revision")
    return list(found.order_by("-id"))


def seen_before(decisions: list[Decision], person: Person, now: Revision) -> tuple[Revision | None, str]:
    """The revision to compare with: the one this person decided on last, else the last that was approved."""
    others = [d for d in decisions if d.approval.revision_id != now.pk]
    if mine := next((d for d in others if d.by_id == person.pk), None):
        return mine.approval.revision, "since you last decided"
    agreed = next((d for d in others if d.verdict == "approved"), None)
    return (agreed.approval.revision, "since it was last approved") if agreed else (None, "")


def _audience(channel: Channel) -> str:
    connector = connector_of(channel)
    purpose = (connector.purpose if connector else "").strip()
    size = (
        f"{channel.audience_size:,} people follow {channel.name}."
        if channel.audience_size
        else "The number of followers is not known."
    )
    return " ".join(part for part in (size, purpose) if part)


def _lengths(variants: list[Variant]) -> list[Check]:
    wrong = problems(variants)
    if not wrong:
        return [Check(True, "The length fits every channel.")]
    return [Check(False, f"{v.channel.name}: {wrong[v.pk]}") for v in variants if v.pk in wrong]


def _connections(channels: list[Channel]) -> list[Check]:
    dead = [c for c in channels if getattr(c, "live_facts", None) is None]
    if not dead:
        return [Check(True, "Every channel is connected.")]
    return [Check(False, f"{c.name} is not connected, so nothing can go out there until it is.") for c in dead]


def _held(channels: list[Channel], post: Post) -> list[Check]:
    holds = list(holds_on(channels, post).select_related("channel", "campaign"))
    return [Check(False, f"Held now: {hold.scope}. {hold.reason}") for hold in holds] or [
        Check(True, "Nothing is held.")
    ]


def _clashes(post: Post, channels: QuerySet, wanted_at: datetime | None) -> list[Check]:
    if wanted_at is None:
        return []
    near = Publication.objects.filter(channel__in=channels, due_at__range=(wanted_at - NEARBY, wanted_at + NEARBY))
    near = near.exclude(variant__post=post).exclude(state="cancelled").select_related("channel", "variant__post")
    clashes = [
        Check(False, f"“{p.variant.post.title}” goes out on {p.channel.name} within two hours.") for p in near[:5]
    ]
    return clashes or [Check(True, "Nothing else goes out on the same channels within two hours.")]


def _last_published(channels: QuerySet) -> dict[int, Publication]:
    done = (
        Publication.objects.filter(channel__in=channels, state="done")
        .order_by("channel", "-due_at")
        .distinct("channel")
    )
    return {p.channel_id: p for p in done}
