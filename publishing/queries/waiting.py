"""What waits for somebody, for Today and the rail."""

from dataclasses import replace
from datetime import datetime, timedelta

from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.urls import reverse

from accounts.models import Person
from channels_registry import permissions as channel_permissions
from channels_registry.models import Connection
from channels_registry.permissions import seen_by
from publishing.models import Approval, Post, Publication, Recurrence, Variant
from publishing.queries.agreeing import asked_of
from socialops.lib.waiting import Kind, Waiting

STALE = timedelta(days=7)  # so long after its moment an approved post is still asked for
NEEDS_SOMEBODY = ("needs_human", "held", "blocked", "missed", "failed")
TONES = {
    "scheduled": "plain", "sending": "wait", "unknown": "unsure", "needs_human": "unsure", "done": "ok",
    "failed": "risk", "held": "held", "blocked": "risk", "missed": "risk", "cancelled": "plain",
}  # fmt: skip
ACTIONS = {
    "needs_human": "Look and decide",
    "held": "Decide",
    "blocked": "Mend",
    "missed": "Give a new time",
    "failed": "Read why",
}
WORDS = {
    "unknown": "may or may not be out", "needs_human": "may or may not be out", "held": "is held",
    "blocked": "cannot go out", "missed": "missed its time", "failed": "was refused by the network",
}  # fmt: skip
MANY = {
    "unknown": Kind("posts may or may not be out", "They are being looked for.", "See them", "?state=unknown"),
    "needs_human": Kind("posts may or may not be out", "Look on the network, and say.", "See them", "?state=unknown"),
    "held": Kind("posts are held", "Nothing goes out by itself when a hold is lifted.", "See them", "?state=held"),
    "blocked": Kind("posts cannot go out", "Each says what keeps it.", "See them", "?state=blocked"),
    "missed": Kind("posts missed their time", "Each needs a new one.", "See them", "?state=missed"),
    "failed": Kind("posts were refused by the network", "Each says why.", "See them", "?state=blocked"),
}


def waiting_for(person: Person) -> list[Waiting]:
    """Approvals asked of them, their posts that came back, what needs a person or a time. Five queries."""
    mine = [*_approvals(person), *_returned(person), *_publications(person, NEEDS_SOMEBODY), *_without_time(person)]
    return [*mine, *_standing_still(person)]


def trouble(person: Person) -> list[Waiting]:
    """Publications that failed, were missed, are blocked or unknown, on channels this person sees. One query."""
    there = seen_by(person).values("pk")
    return _waiting_publications(Q(channel__in=there), ("unknown", *NEEDS_SOMEBODY))


def scheduled_from(moments: dict[int, datetime | None]) -> dict[int, tuple[int, datetime]]:
    """For each channel, from its moment on (None: whenever): how many publications are scheduled, and when the first
    is due. Channels without any are left out. One query.
    """
    if not moments:
        return {}
    after = Q()
    for channel, moment in moments.items():
        after |= Q(channel=channel, due_at__gte=moment) if moment else Q(channel=channel)
    found = Publication.objects.filter(after, state="scheduled").order_by().values_list("channel")
    return {channel: (count, first) for channel, count, first in found.annotate(Count("pk"), Min("due_at"))}


def failing_with(connection: Connection) -> QuerySet[Publication]:
    """What is scheduled for when this connection has ended, or waits because it has: with its answerable person."""
    after = Q(due_at__gte=connection.expires_at) if connection.state == Connection.State.LIVE else Q()
    if connection.state == Connection.State.LIVE and connection.expires_at is None:
        return Publication.objects.none()
    waiting = Publication.objects.filter(after, channel=connection.channel_id, state__in=["scheduled", "blocked"])
    return waiting.select_related("answerable", "variant__post", "channel").order_by("due_at", "pk")


def _approvals(person: Person) -> list[Waiting]:
    return [
        Waiting(
            f"Approve: “{ask.stage.approval.post.title}”",
            f"{ask.stage.approval.asked_by} asks you to confirm {QUESTION[ask.stage.remit]}.",
            reverse("approval", args=[ask.stage.approval_id]),
            "Read and decide",
            ask.stage.decide_by,
        )
        for ask in asked_of(person)
    ]


QUESTION = {"facts": "the facts", "legal": "that it is lawful", "brand": "that it sounds like us"}


def _returned(person: Person) -> list[Waiting]:
    posts = Post.objects.filter(author=person, state__in=("changes_requested", "rejected")).order_by("-updated_at")
    words = {"changes_requested": "Changes were asked for.", "rejected": "It was rejected."}
    return [
        Waiting(f"Returned: “{post.title}”", words[post.state], reverse("post", args=[post.pk]), "Read and change")
        for post in posts
    ]


def _publications(person: Person, states: tuple[str, ...]) -> list[Waiting]:
    there = channel_permissions.channels_with(person, "publish").values("pk")
    return _waiting_publications(Q(channel__in=there), states)


def _without_time(person: Person) -> list[Waiting]:
    """Approved for a moment, and nobody who may publish there has scheduled it: left alone it would not go out."""
    there = channel_permissions.channels_with(person, "publish").values("pk")
    idle = Variant.objects.current().filter(post=OuterRef("post"), channel__in=there, publications=None)
    agreed = Approval.objects.filter(
        Exists(idle), state="approved", wanted_at__gt=Now() - STALE, post__state="approved"
    )
    return [
        Waiting(
            f"Schedule: “{approval.post.title}”",
            "It is approved, and goes out only when somebody schedules it.",
            reverse("post", args=[approval.post_id]),
            "Choose a time",
            approval.wanted_at,
        )
        for approval in agreed.select_related("post").order_by("wanted_at", "id")[:20]
    ]


def standing_still(person: Person) -> QuerySet[Recurrence]:
    """What repeats no further until somebody like them takes it over: who answered left, or lost the right."""
    there = channel_permissions.channels_with(person, "publish").values("pk")
    found = Recurrence.objects.filter(stalled_at__isnull=False, ended_at=None, variant__removed_at=None)
    found = found.filter(variant__channel__in=there).exclude(answerable=person)
    return found.select_related("variant__post", "variant__channel", "answerable").order_by("stalled_at", "pk")


def _standing_still(person: Person) -> list[Waiting]:
    return [
        Waiting(
            f"“{each.variant.post.title}” repeats no further",
            f"{each.variant.channel.name}. {each.answerable} answers for it, and may not publish there any more.",
            reverse("repetition", args=[each.variant_id]), "Take it over or end it", tone="risk",
        )
        for each in standing_still(person)[:20]
    ]  # fmt: skip


def _waiting_publications(where: Q, states: tuple[str, ...], most: int = 200) -> list[Waiting]:
    found = Publication.objects.filter(where, state__in=states).select_related("variant__post", "channel")
    listed = reverse("publication_list")
    many = {state: replace(kind, url=f"{listed}{kind.url}") for state, kind in MANY.items()}
    return [
        Waiting(
            f"“{p.variant.post.title}” {WORDS[p.state]}", f"{p.channel.name}. {p.reason}".strip(),
            reverse("publication", args=[p.pk]), ACTIONS.get(p.state, "Look"), p.not_after, TONES[p.state],
            kind=many[p.state],
        )
        for p in found.order_by("due_at", "id")[:most]
    ]  # fmt: skip
