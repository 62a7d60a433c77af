"""What somebody who leaves answers for goes to others first: channels they own, backup places, tasks given to them."""

from django.db import transaction
from django.db.models import Q

from accounts import audit, notifying
from accounts.models import Person, Role
from accounts.permissions import has_role, is_present
from channels_registry import access
from channels_registry.models import AccessGrant, Channel, Entitlement, Revocation
from channels_registry.models.access_grant import Door
from channels_registry.shutting import whose_turn

audit.register("channel.transferred", "gave a channel to another owner, because the owner left")
audit.register("channel.backup_left", "took the backup of a channel away, because they left")
audit.register("revocation.passed_on", "gave a door to shut to somebody else")


@transaction.atomic
def transfer_channels(leaver: Person, successor: Person | None, by: Person | None) -> int:
    """Their channels go to the backup owner, else to `successor`, if that one is here. Returns how many did.

    `by` vouches for the new owner's right to manage, where they have none; without anybody who may, they get none and
    are told. Again, it finds nothing left to do.
    """
    mine = Channel.objects.filter(Q(owner=leaver) | Q(backup_owner=leaver)).exclude(state=Channel.State.ARCHIVED)
    moved = 0
    for channel in mine.select_for_update(of=("self",)).select_related("owner", "backup_owner").order_by("pk"):
        if channel.owner_id != leaver.pk:
            _drop_backup(channel, leaver)
        elif new := next((each for each in (channel.backup_owner, successor) if _may_own(each, leaver)), None):
            _give(channel, leaver, new, by)
            moved += 1
    return moved


@transaction.atomic
def pass_tasks_on(leaver: Person) -> int:
    """Doors that they were to shut by hand go to whoever is next on the channel; once."""
    rows = Revocation.objects.filter(assigned_to=leaver, guided=True).exclude(stage="verified")
    rows = rows.exclude(state="cancelled").select_for_update(of=("self",), no_key=True)
    passed = list(rows.select_related("grant__channel").order_by("pk"))
    for revocation in passed:
        revocation.assigned_to = whose_turn(revocation.grant)
        revocation.save(update_fields=["assigned_to"])
        to = revocation.assigned_to
        audit.record(None, "revocation.passed_on", revocation, was=leaver.pk, to=to.pk if to else None)
        if to:
            words = f"{leaver} has left, so this is yours to shut by hand: {revocation.grant}."[:300]
            notifying.notify(to, "revocation.waits", words, f"/revocations/{revocation.pk}/", mail=True)
    return len(passed)


def _may_own(person: Person | None, leaver: Person) -> bool:
    return person is not None and person != leaver and is_present(person)


def _give(channel: Channel, leaver: Person, new: Person, by: Person | None) -> None:
    was_backup = channel.backup_owner_id == new.pk
    channel.owner = new
    channel.backup_owner = None if was_backup else channel.backup_owner
    channel.save(update_fields=["owner", "backup_owner"])
    audit.record(by, "channel.transferred", channel, was=leaver.pk, to=new.pk)
    managers = AccessGrant.objects.standing().filter(channel=channel, door=Door.RIGHT, entitlement=Entitlement.MANAGER)
    if not managers.filter(person=new).exists() and by is not None and by != new and has_role(by, Role.ADMIN):
        access.grant(channel, new, Entitlement.MANAGER, by, f"Owner of the channel since {leaver} left.")
    words = f"{leaver} has left. You are the owner of {channel.name} now"
    words += ", and it has no backup." if channel.backup_owner_id is None else "."
    notifying.notify(new, "channel.owner", words, f"/channels/{channel.pk}/", mail=True)


def _drop_backup(channel: Channel, leaver: Person) -> None:
    channel.backup_owner = None
    channel.save(update_fields=["backup_owner"])
    audit.record(None, "channel.backup_left", channel, was=leaver.pk)
    words = f"{leaver} has left, so {channel.name} has no backup. Name one."
    notifying.notify(channel.owner, "channel.owner", words, f"/channels/{channel.pk}/change/", mail=True)
