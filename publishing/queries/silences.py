"""What keeps a post from a time, the next time that is free, and what stands close to another on its channel."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q, QuerySet

from channels_registry.models import Channel
from publishing.models import Blackout, Embargo, Post, Publication
from socialops.lib.prepared import among

CLOSE = timedelta(minutes=10)
LIVE = ("scheduled", "held", "blocked", "missed", "failed", "sending", "unknown", "needs_human", "done")


@dataclass(frozen=True)
class Silence:
    """Why not then, and from when on nothing stands against it."""

    reason: str
    free_from: datetime

    def words(self, time_zone: str) -> str:
        """For whoever asked for the time."""
        free = self.free_from.astimezone(ZoneInfo(time_zone))
        return f"{self.reason} The next free time is {free:%-d %B, %H:%M} in {time_zone}."


def silence_at(channel: Channel, post: Post, instant: datetime) -> Silence | None:
    """Two queries. None if the post may be scheduled then."""
    embargo = Embargo.objects.filter(post=post).first()
    over = list(blackouts_over(channel, post).filter(ends_at__gt=instant).order_by("starts_at"))
    return silence_of(embargo, over, instant)


def silence_of(embargo: Embargo | None, over: Sequence[Blackout], instant: datetime) -> Silence | None:
    """What these, in order of time, have against that instant. No query."""
    reason, free = "", instant
    if embargo and instant < embargo.until:
        reason, free = f"This post is under embargo: {embargo.reason}.", embargo.until
    while found := next((one for one in over if one.starts_at <= free < one.ends_at), None):
        reason = reason or f"Nothing is to go out then: {found.reason}."
        free = found.ends_at
    return Silence(reason, free) if reason else None


def blackouts_over(channel: Channel, post: Post) -> QuerySet[Blackout]:
    """Standing ones that cover what this post says on this channel, whenever."""
    everything = Q(network="", channel=None, campaign=None)
    scoped = everything | Q(network=channel.network) | Q(channel=channel)
    if post.campaign_id:
        scoped |= Q(campaign=post.campaign_id)
    return Blackout.objects.filter(scoped, ended_at=None)


def blackouts_between(
    channels: list[int], start: datetime, end: datetime, channel: int | None = None, network: str = ""
) -> list[Blackout]:
    """Standing ones that somebody who sees these channels may know of, in order of time. One query."""
    seen = Q(channel=None) | among("channel", channels)
    found = Blackout.objects.filter(seen, ended_at=None, starts_at__lt=end, ends_at__gt=start)
    if channel:
        found = found.filter(Q(channel=channel) | Q(channel=None))
    if network:
        found = found.filter(Q(network="") | Q(network=network))
    return list(found.select_related("channel", "campaign").order_by("starts_at", "pk"))


def inside(blackout: Blackout) -> QuerySet[Publication]:
    """What is scheduled in its time and scope, and is not out."""
    waiting = Publication.objects.filter(
        state__in=("scheduled", "held", "blocked"), due_at__gte=blackout.starts_at, due_at__lt=blackout.ends_at
    )
    if blackout.network:
        waiting = waiting.filter(channel__network=blackout.network)
    if blackout.channel_id:
        waiting = waiting.filter(channel=blackout.channel_id)
    if blackout.campaign_id:
        waiting = waiting.filter(variant__post__campaign=blackout.campaign_id)
    return waiting.select_related("variant__post", "channel", "answerable").order_by("due_at", "pk")


def close_to(publication: Publication) -> list[Publication]:
    """Others on the same channel within ten minutes, in order of time. One query."""
    when = publication.due_at
    there = Publication.objects.filter(
        channel=publication.channel_id, state__in=LIVE, due_at__gt=when - CLOSE, due_at__lt=when + CLOSE
    )
    others = there.exclude(variant=publication.variant_id)
    return list(others.select_related("variant__post").order_by("due_at", "pk")[:5])


def is_crowded() -> Exists:
    """Of a publication: whether another stands on its channel within ten minutes."""
    others = Publication.objects.filter(
        channel=OuterRef("channel"), state__in=LIVE,
        due_at__gt=OuterRef("due_at") - CLOSE, due_at__lt=OuterRef("due_at") + CLOSE,
    )  # fmt: skip
    return Exists(others.exclude(variant=OuterRef("variant")))
