"""What is held, and by what."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.urls import reverse

from channels_registry.models import Channel
from publishing.models import Hold, Publication


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
    holds = Hold.objects.filter(lifted_at=None).select_related("placed_by", "channel")
    ordered = sorted(holds, key=lambda hold: (bool(hold.channel_id), bool(hold.network), hold.placed_at))
    return [
        StandingHold(h.scope, h.reason, str(h.placed_by), h.placed_at, reverse("hold_lifting", args=[h.pk]))
        for h in ordered
    ]


def holds_on(channels: list[Channel]) -> QuerySet[Hold]:
    """Standing holds that touch one of these channels."""
    by_network = Q(network__in={c.network for c in channels})
    everything = Q(network="", channel=None)
    return Hold.objects.filter(everything | by_network | Q(channel__in=channels), lifted_at=None)


def scope_of(network: str, channel: Channel | None) -> Q:
    """The publications in the scope of a hold."""
    if channel is not None:
        return Q(channel=channel)
    return Q(channel__network=network) if network else Q()


def held_by(hold: Hold) -> QuerySet[Publication]:
    """Everything still scheduled that this hold keeps from leaving."""
    return Publication.objects.filter(scope_of(hold.network, hold.channel), state="scheduled")
