"""What a channel's risk is made of."""

from collections.abc import Iterable

from django.db.models import Count
from django.db.models.functions import Now
from django.utils import timezone

from channels_registry.models import AccessGrant, Channel, RiskOverride
from channels_registry.models.risk import Score, score


def holders_of(channels: Iterable[int]) -> dict[int, int]:
    """channel: how many people can act through some door. Who may only look counts for nothing. One query."""
    doors = AccessGrant.objects.standing().filter(channel__in=channels, person__isnull=False)
    doors = doors.exclude(door="right", entitlement="viewer")
    return dict(doors.order_by().values_list("channel").annotate(Count("person", distinct=True)))


def score_of(channel: Channel, holders: int | None = None) -> Score:
    """The arithmetic of this moment. One query, unless the number of holders is given."""
    if holders is None:
        holders = holders_of([channel.pk]).get(channel.pk, 0) if channel.pk else 0
    return score(
        audience=channel.audience_size, kind=channel.kind, regulated=channel.regulated, ads=channel.runs_ads,
        crisis=channel.crisis_voice, verified=channel.verification == Channel.Verification.YES, holders=holders,
    )  # fmt: skip


def overrides_of(channel: Channel) -> list[RiskOverride]:
    """All there ever were, the newest first. One query."""
    return list(channel.risk_overrides.select_related("by", "ended_by").order_by("-pk"))


def standing_overrides(channels: Iterable[int]) -> dict[int, RiskOverride]:
    """channel: the override that counts today (by UTC). One query."""
    found = RiskOverride.objects.filter(channel__in=channels, ended_at=None, until__gte=timezone.now().date())
    return {each.channel_id: each for each in found.filter(at__lte=Now())}
