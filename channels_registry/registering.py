"""A channel enters the register, or changes its description."""

from collections.abc import Collection
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts import audit, notifying
from accounts.models import Person, Role
from accounts.permissions import is_present, require_role
from channels_registry import access
from channels_registry.models import Channel, Entitlement
from channels_registry.permissions import may, require_administer

audit.register("channel.registered", "registered a channel")
audit.register("channel.changed", "changed a channel’s description")

DETAILS = {
    "url", "purpose", "brand", "region", "language", "time_zone", "risk_tier", "state", "backup_owner", "audience_size",
}  # fmt: skip


@transaction.atomic
def register_channel(
    network: str, handle: str, name: str, by: Person, *, owner: Person | None = None, **details: Any
) -> Channel:
    """Enter a channel, as an administrator. Its owner (default: `by`) manages it at once, if that is somebody else.

    Details: url, purpose, brand, region, language, time_zone, risk_tier, backup_owner, audience_size, state.
    """
    require_role(by, Role.ADMIN)
    owner = owner or by
    channel = Channel(network=network, handle=handle.strip(), name=name.strip(), owner=owner, **_known(details))
    _check_people(channel, {"owner", "backup_owner"})
    channel.full_clean(validate_constraints=False)
    _save(channel)
    audit.record(by, "channel.registered", channel, network=network, handle=channel.handle, owner=owner.pk)
    if owner != by:
        access.grant(channel, owner, Entitlement.MANAGER, by, "Owner of the channel.")
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
    _save(channel)
    audit.record(by, "channel.changed", channel, changed=changed)
    _hand_over(channel, by, changed.keys())
    return channel


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
        taken = f"{channel.handle} is registered already. Open it in the list of channels."
        raise ValidationError({"handle": taken}) from error
