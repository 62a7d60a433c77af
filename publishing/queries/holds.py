"""What is held, and by what."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, Exists, Q, QuerySet
from django.urls import reverse

from channels_registry.models import Channel
from publishing.models import Hold, Post, Publication, Variant


@dataclass(frozen=True)
class StandingHold:
    """One line of the band on every page."""

    scope: str
    reason: str
    placed_by: str
    placed_at: datetime
    url: str
    action: str = "See what is held"


def standing_holds() -> list[StandingHold]:
    """The widest first. One query."""
    holds = Hold.objects.standing().select_related("placed_by", "channel", "campaign")
    ordered = sorted(holds, key=lambda hold: (hold.scope != "Everything", not hold.network, hold.placed_at))
    return [
        StandingHold(h.scope, h.reason, str(h.placed_by), h.placed_at, reverse("hold_lifting", args=[h.pk]))
        for h in ordered
    ]


def holds_on(channels: list[Channel], post: Post | None = None) -> QuerySet[Hold]:
    """Standing holds that touch one of these channels, or what the post belongs to."""
    touched = Q(network__in={c.network for c in channels}) | Q(channel__in=channels)
    if post and post.campaign_id:
        touched |= Q(campaign=post.campaign_id)
    if post and post.tags:
        touched |= Q(tag__in=post.tags)
    standing = Hold.objects.standing()
    return standing.filter(touched) | standing.of_everything()


def scope_of(hold: Hold) -> Q:
    """The publications in the scope of a hold, saved or not."""
    if hold.channel_id:
        return Q(channel=hold.channel_id)
    if hold.campaign_id:
        return Q(variant__post__campaign=hold.campaign_id)
    if hold.tag:
        return Q(variant__post__tags__contains=[hold.tag])
    return Q(channel__network=hold.network) if hold.network else Q()


def is_held() -> Q:
    """The publications that a standing hold stops. For the claim: with none standing it costs next to nothing, and a
    campaign or a tag is looked up once a statement, never once a row.
    """
    standing = Hold.objects.standing()
    networks = standing.exclude(network="").values("network")
    campaigns = standing.exclude(campaign=None).values("campaign")
    tags = ArraySubquery(standing.exclude(tag="").values("tag"))
    return (
        Q(Exists(standing.of_everything()))
        | Q(channel__in=standing.exclude(channel=None).values("channel"))
        | Q(channel__in=Channel.objects.filter(network__in=networks).values("pk"))
        | Q(variant__in=Variant.objects.filter(post__campaign__in=campaigns).values("pk"))
        | Q(variant__in=Variant.objects.filter(post__tags__overlap=tags).values("pk"))
    )


def held_by(hold: Hold) -> QuerySet[Publication]:
    """Everything still scheduled that this hold keeps from leaving."""
    return Publication.objects.filter(scope_of(hold), state="scheduled")


@dataclass(frozen=True)
class Stops:
    """What a hold stops."""

    scheduled: int
    channels: int
    in_flight: int


def stops(hold: Hold) -> Stops:
    """One query."""
    there = Publication.objects.filter(scope_of(hold), state__in=("scheduled", "sending"))
    counted = there.aggregate(
        scheduled=Count("pk", filter=Q(state="scheduled")),
        channels=Count("channel", distinct=True),
        in_flight=Count("pk", filter=Q(state="sending")),
    )
    return Stops(**counted)


def channels_in(hold: Hold) -> QuerySet[Channel]:
    """Where the scope of a hold reaches: for a campaign or a tag, wherever one of its posts goes."""
    channels = Channel.objects.exclude(state="archived")
    if hold.channel_id:
        return channels.filter(pk=hold.channel_id)
    if hold.network:
        return channels.filter(network=hold.network)
    variants = Variant.objects.current()
    if hold.campaign_id:
        return channels.filter(pk__in=variants.filter(post__campaign=hold.campaign_id).values("channel"))
    if hold.tag:
        return channels.filter(pk__in=variants.filter(post__tags__contains=[hold.tag]).values("channel"))
    return channels


def undecided(hold: Hold) -> QuerySet[Publication]:
    """What lies held in its scope, and waits for a person."""
    return Publication.objects.filter(scope_of(hold), state="held")
