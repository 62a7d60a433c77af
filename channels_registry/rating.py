"""How risky a channel is: by the arithmetic of models/risk.py, or by a person who says otherwise and until when.

rate              writes the tier that counts into the channel; every verb that changes a factor calls it
override          a tier instead of the arithmetic's
end_override      the arithmetic counts again
rate_due          all of them: doors open and close, and overrides end, without anybody touching the channel
"""

from datetime import date, timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts import audit
from accounts.models import Person, Role
from accounts.permissions import has_role
from channels_registry.models import Channel, RiskOverride
from channels_registry.permissions import require_administer
from channels_registry.queries.risk import holders_of, score_of, standing_overrides

audit.register("channel.rated", "rated a channel’s risk")
audit.register("channel.risk_overridden", "set a channel’s risk by hand")
audit.register("channel.risk_override_ended", "let the arithmetic rate a channel’s risk again")

ORDER = {"low": 0, "medium": 1, "high": 2}
LONGEST = timedelta(days=366)
AT_ONCE = 500


def rate(channel: Channel, by: Person | None, holders: int | None = None) -> str:
    """The tier that counts now, written if it is another. Needs a transaction that holds the channel's row."""
    computed = score_of(channel, holders)
    override = standing_overrides([channel.pk]).get(channel.pk)
    return _write(channel, by, override.tier if override else computed.tier, computed.points)


@transaction.atomic
def override(channel: Channel, tier: str, by: Person, reason: str, until: date) -> RiskOverride:
    """Say another tier than the arithmetic does. Upward: who manages it. Downward: an administrator, not its owner."""
    channel = Channel.objects.select_for_update().get(pk=channel.pk)
    computed = score_of(channel).tier
    _check(tier, reason, until)
    _require_weight(by, channel, downward=ORDER[tier] < max(ORDER[computed], ORDER[channel.risk_tier]))
    if tier == computed:
        raise ValidationError({"tier": "That is what the arithmetic says. Let it count again instead."})
    _end(channel, by)
    made = RiskOverride.objects.create(
        channel=channel, tier=tier, computed=computed, reason=reason.strip(), by=by, until=until
    )
    audit.record(
        by, "channel.risk_overridden", channel, tier=tier, computed=computed, until=until.isoformat(),
        reason=reason.strip(),
    )  # fmt: skip
    rate(channel, by)
    return made


@transaction.atomic
def end_override(channel: Channel, by: Person) -> Channel:
    """Back to the arithmetic. Where that lowers the tier, it takes who may lower it."""
    channel = Channel.objects.select_for_update().get(pk=channel.pk)
    computed = score_of(channel).tier
    _require_weight(by, channel, downward=ORDER[computed] < ORDER[channel.risk_tier])
    if not _end(channel, by):
        raise ValidationError("The arithmetic counts already.")
    audit.record(by, "channel.risk_override_ended", channel, computed=computed)
    rate(channel, by)
    return channel


def rate_due() -> int:
    """Every channel again, some at a time. Returns how many have another tier now."""
    changed, after = 0, 0
    while pks := list(
        Channel.objects.exclude(state="archived")
        .filter(pk__gt=after)
        .order_by("pk")
        .values_list("pk", flat=True)[:AT_ONCE]
    ):
        changed += _rate_some(pks)
        after = pks[-1]
    return changed


def _rate_some(pks: list[int]) -> int:
    """Read without a lock; only those that come out otherwise are locked, and looked at again."""
    holders, overrides = holders_of(pks), standing_overrides(pks)
    found = 0
    for channel in Channel.objects.filter(pk__in=pks):
        said = overrides[channel.pk].tier if channel.pk in overrides else None
        if (said or score_of(channel, holders.get(channel.pk, 0)).tier) != channel.risk_tier:
            with transaction.atomic():
                before, locked = channel.risk_tier, Channel.objects.select_for_update().get(pk=channel.pk)
                found += rate(locked, None) != before
    return found


def _write(channel: Channel, by: Person | None, tier: str, points: int) -> str:
    if channel.risk_tier != tier:
        before, channel.risk_tier = channel.risk_tier, tier
        Channel.objects.filter(pk=channel.pk).update(risk_tier=tier)
        audit.record(by, "channel.rated", channel, before=before, after=tier, points=points)
    return tier


def _check(tier: str, reason: str, until: date) -> None:
    if tier not in ORDER:
        raise ValidationError({"tier": "Choose one of: high, medium, low."})
    if not reason.strip():
        raise ValidationError({"reason": "Say why. The reason stands beside the tier."})
    today = timezone.now().date()
    if not today <= until <= today + LONGEST:
        raise ValidationError({"until": "Choose a day within the next year. Then the arithmetic counts again."})


def _require_weight(by: Person, channel: Channel, downward: bool) -> None:
    if not downward:
        require_administer(by, channel)
    elif not has_role(by, Role.ADMIN) or by.pk == channel.owner_id:
        raise PermissionDenied("Only an administrator who does not own the channel lowers its risk.")


def _end(channel: Channel, by: Person) -> int:
    return RiskOverride.objects.filter(channel=channel, ended_at=None).update(ended_at=Now(), ended_by=by)
