"""A channel enters the register, or changes its description, or somebody has looked whether that is still right."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit, notifying
from accounts.models import Person, Role
from accounts.permissions import is_present, require_role
from channels_registry import access, networks
from channels_registry.models import Channel, Entitlement, RecordReview
from channels_registry.models.channel import REVIEW_DAYS
from channels_registry.permissions import may, may_administer, require_administer
from channels_registry.rating import rate
from socialops.lib.lookalikes import same_key

audit.register("channel.registered", "registered a channel")
audit.register("channel.changed", "changed a channel’s description")
audit.register("channel.reviewed", "looked whether a channel’s record is right")

DETAILS = {
    "url", "purpose", "brand", "region", "language", "legal_entity", "time_zone", "backup_owner", "audience_size",
    "kind", "regulated", "runs_ads", "crisis_voice", "verification", "verified_since", "verification_evidence",
    "closing_procedure", "review_due",
}  # fmt: skip
STATES_TO_BEGIN_IN = ("live", "dormant", "lost", "proposed")


@transaction.atomic
def register_channel(
    network: str,
    handle: str,
    name: str,
    by: Person,
    *,
    owner: Person | None = None,
    state: str = Channel.State.LIVE,
    **details: Any,
) -> Channel:
    """Enter a channel, as an administrator. Its owner (default: `by`) manages it at once, if that is somebody else.

    The handle may be the address of its page. Details: see DETAILS.
    """
    require_role(by, Role.ADMIN)
    owner = owner or by
    channel = enter(network, handle, name, owner, state, by, **details)
    if owner != by:
        access.grant(channel, owner, Entitlement.MANAGER, by, "Owner of the channel.")
    return channel


def enter(network: str, handle: str, name: str, owner: Person, state: str, by: Person, **details: Any) -> Channel:
    """Write the record, checked and rated. Needs a transaction, and a verb that has asked whether `by` may."""
    said = {"network": network, "handle": bare_handle(network, handle), "name": name.strip(), "state": state}
    channel = Channel(**said, owner=owner, **_known(details))
    if state not in STATES_TO_BEGIN_IN:
        raise ValidationError({"state": f"A channel enters the register as one of: {', '.join(STATES_TO_BEGIN_IN)}."})
    _check_people(channel, {"owner", "backup_owner"})
    channel.full_clean(validate_constraints=False)
    _check_said(channel)
    _save(channel)
    audit.record(by, "channel.registered", channel, network=network, handle=channel.handle, owner=owner.pk, state=state)
    tier = rate(channel, by)
    if "review_due" not in details:
        channel.review_due = timezone.now().date() + timedelta(days=REVIEW_DAYS[tier])
        channel.save(update_fields=["review_due"])
    return channel


@transaction.atomic
def change_channel(channel: Channel, by: Person, **details: Any) -> Channel:
    """Change its description (name, owner, and the details of register_channel).

    A new owner manages it at once, as one of a new channel does. Whoever owned it before keeps the access they have.
    """
    channel = Channel.objects.select_for_update().get(pk=channel.pk)
    require_administer(by, channel)
    own: dict[str, Any] = {key: details.pop(key) for key in ("name", "owner") if key in details}
    after = {**own, **_known(details)}
    before = {key: getattr(channel, key) for key in after}
    changed = {key: [str(before[key]), str(after[key])] for key in after if before[key] != after[key]}
    if not changed:
        return channel
    for key, value in after.items():
        setattr(channel, key, value)
    _check_people(channel, changed.keys())
    channel.full_clean(validate_constraints=False)
    _check_said(channel)
    _save(channel)
    audit.record(by, "channel.changed", channel, changed=changed)
    rate(channel, by)
    _hand_over(channel, by, changed.keys())
    return channel


@transaction.atomic
def say_reviewed(channel: Channel, by: Person, note: str = "", next_due: date | None = None) -> RecordReview:
    """What stands here is right. By default the next look is due when its risk says: 90, 180 or 365 days."""
    channel = Channel.objects.select_for_update().get(pk=channel.pk)
    if not may_review(by, channel):
        raise PermissionDenied(f"Only who answers for {channel.name} says that its record is right.")
    today = timezone.now().date()
    latest = today + timedelta(days=REVIEW_DAYS[channel.risk_tier])
    due = next_due or latest
    if not today < due <= latest:
        days = REVIEW_DAYS[channel.risk_tier]
        tier = channel.get_risk_tier_display().lower()
        raise ValidationError({"next_due": f"Choose a day within {days} days: this is a channel of {tier} risk."})
    channel.review_due = due
    channel.save(update_fields=["review_due"])
    made = RecordReview.objects.create(channel=channel, by=by, note=note.strip()[:300], next_due=due)
    audit.record(by, "channel.reviewed", channel, next_due=due.isoformat(), note=made.note)
    return made


def may_review(by: Person, channel: Channel) -> bool:
    """Its owner, its backup, its managers, and administrators."""
    near = by.pk in (channel.owner_id, channel.backup_owner_id) and is_present(by)
    return near or may_administer(by, channel)


def bare_handle(network: str, said: str) -> str:
    """The handle as it stands on the network, also where somebody gave the address of its page."""
    said = said.strip()
    if not said.lower().startswith(("https://", "http://")):
        return said
    found = networks.network(network).handle_at(said) if network in networks.slugs() else ""
    if not found:
        raise ValidationError(
            {"handle": "This address names no account. Write the handle as it stands on the network."}
        )
    return found


def _check_said(channel: Channel) -> None:
    """What two fields say must go together."""
    if channel.verified_since and channel.verification != Channel.Verification.YES:
        raise ValidationError({"verified_since": "It is not said to be verified. Say so, or leave the day empty."})
    if channel.url and not channel.url.lower().startswith(("https://", "http://")):
        raise ValidationError({"url": "An address begins with https://."})


def _check_people(channel: Channel, said: Collection[str]) -> None:
    """Of those who are said anew: here, and two."""
    new = [name for name in ("owner", "backup_owner") if name in said]
    for name in new:
        person = getattr(channel, name)
        if person and not is_present(person):
            raise ValidationError({name: f"{person} has left. Choose somebody who is here."})
    if new and channel.owner == channel.backup_owner:
        raise ValidationError({"backup_owner": "The owner cannot be the backup as well. Choose somebody else."})


def _hand_over(channel: Channel, by: Person, changed: Collection[str]) -> None:
    """Who answers for it now is told, and the owner can act on it. Nobody gives access to themselves, here neither."""
    url = f"/channels/{channel.pk}/"
    if "owner" in changed and channel.owner != by:
        if not may(channel.owner, "manage", channel):
            access.grant(channel, channel.owner, Entitlement.MANAGER, by, "Owner of the channel.")
        notifying.notify(channel.owner, "channel.owner", f"You are the owner of {channel.name} now.", url)
    if "backup_owner" in changed and channel.backup_owner and channel.backup_owner != by:
        notifying.notify(channel.backup_owner, "channel.owner", f"You are the backup of {channel.name} now.", url)


def _known(details: dict[str, Any]) -> dict[str, Any]:
    unknown = details.keys() - DETAILS
    if unknown:
        raise ValidationError(f"A channel has no {', '.join(sorted(unknown))}.")
    return details


def _save(channel: Channel) -> None:
    try:
        with transaction.atomic():
            channel.save()
    except IntegrityError as error:
        others = Channel.objects.filter(network=channel.network).exclude(state="archived").exclude(pk=channel.pk)
        same = next(
            (each.handle for each in others if same_key(each.handle) == same_key(channel.handle)), channel.handle
        )
        taken = f"{same} is registered already. Open it in the list of channels."
        raise ValidationError({"handle": taken}) from error
