"""Tools: other people's programs that reach our channels, and who has a seat in them.

A seat is a door on each channel that the tool reaches, so that who could reach a channel, reviews and offboarding see
it. One deed in the tool shuts them all: what is attested of one of them is attested of the seat.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.db import IntegrityError, transaction

from accounts import audit
from accounts.models import Person, Role
from accounts.permissions import is_present, require_role
from channels_registry import access, revoking
from channels_registry.models import AccessGrant, Channel, Revocation, Tool
from channels_registry.models.access_grant import Door
from socialops.lib.secrecy import looks_secret

audit.register("tool.registered", "registered a tool")
audit.register("tool.changed", "changed what is on record of a tool")

NAMES = ("name", "vendor", "url", "owner", "purpose", "sign_in")


@transaction.atomic
def register_tool(by: Person, name: str, owner: Person, channels: Collection[Channel], **more: Any) -> Tool:
    """For administrators. More: vendor, url (where its seats are listed), purpose, sign_in."""
    require_role(by, Role.ADMIN)
    tool = _checked(Tool(name=name.strip(), owner=owner, **{key: more[key] for key in NAMES if key in more}))
    tool.reaches.set(channels)
    audit.record(by, "tool.registered", tool, owner=owner.pk, channels=[channel.pk for channel in channels])
    return tool


@transaction.atomic
def change_tool(tool: Tool, by: Person, channels: Collection[Channel] | None = None, **new: Any) -> Tool:
    """What is said anew. A channel that it reaches from now on is a door of everybody who has a seat."""
    require_role(by, Role.ADMIN)
    tool = _locked(tool)
    before = {key: str(getattr(tool, key)) for key in NAMES}
    for key in NAMES:
        setattr(tool, key, new.get(key, getattr(tool, key)))
    _checked(tool)
    changed = {key: [was, str(getattr(tool, key))] for key, was in before.items() if was != str(getattr(tool, key))}
    if channels is not None and (reached := _reach(tool, channels, by)):
        changed["channels"] = ["", ", ".join(map(str, reached))]
    if changed:
        audit.record(by, "tool.changed", tool, changed=changed)
    return tool


@transaction.atomic
def seat(
    tool: Tool, person: Person, level: str, by: Person | None, reason: str, expires_at: datetime | None = None
) -> list[AccessGrant]:
    """Somebody has a seat. `by=None`: the system, after approval."""
    tool = _locked(tool)
    channels = list(tool.reaches.order_by("pk"))
    if not channels:
        raise ValidationError("This tool reaches no channel yet. Say first what it reaches.")
    return [_sit(tool, channel, person, level, by, reason, expires_at) for channel in channels]


@transaction.atomic
def free(tool: Tool, person: Person, by: Person, reason: str) -> list[Revocation]:
    """Have a seat taken away, on every channel that it reaches."""
    seats = AccessGrant.objects.standing().filter(tool=_locked(tool), person=person).order_by("channel", "pk")
    if not seats:
        raise ValidationError(f"{person} has no seat in it, as far as is on record.")
    return [revoking.request_revocation(each, by, reason) for each in seats]


@transaction.atomic
def attest(revocation: Revocation, by: Person, note: str, file: File | None = None) -> None:
    """As revoking.attest; of a seat, all its doors at once."""
    for each in _seat_of(revocation):
        if file is not None:
            file.seek(0)
        revoking.attest(each, by, note, file)


@transaction.atomic
def confirm(revocation: Revocation, by: Person) -> None:
    """As revoking.confirm; of a seat, all its doors that were attested with it."""
    doors = _seat_of(revocation)
    by_whom = next((each.attested_by_id for each in doors if each.pk == revocation.pk), None)
    for each in doors:
        if each.pk == revocation.pk or (each.proof == "attested" and each.attested_by_id == by_whom):
            revoking.confirm(each, by)


def _seat_of(revocation: Revocation) -> list[Revocation]:
    """This one, and what else is to be shut of the same seat, in the order of the channels."""
    grant = revocation.grant
    if not grant.tool_id:
        return [revocation]
    rows = Revocation.objects.filter(grant__tool=grant.tool_id, grant__person=grant.person_id, guided=True)
    rows = rows.exclude(state="cancelled").exclude(stage=Revocation.Stage.VERIFIED)
    found = list(rows.select_related("grant__channel").order_by("grant__channel", "pk"))
    return found if revocation in found else [revocation]


def _reach(tool: Tool, channels: Collection[Channel], by: Person) -> list[Channel]:
    """The channels that are new, each with the doors that it gets."""
    wanted = {channel.pk: channel for channel in channels}
    had = set(tool.reaches.values_list("pk", flat=True))
    if had - wanted.keys():
        raise ValidationError({"channels": "What it reached stays on record while there are seats. Only add to it."})
    new = [wanted[pk] for pk in sorted(wanted.keys() - had)]
    tool.reaches.add(*new)
    seats = AccessGrant.objects.standing().filter(tool=tool).select_related("person").order_by("person", "-pk")
    for channel in new:
        for each in {row.person_id: row for row in seats}.values():
            if is_present(each.person):
                reason = f"{tool} reaches this channel from now on."
                _sit(tool, channel, each.person, each.entitlement, by, reason, each.expires_at)
    return new


def _sit(tool, channel, person, level, by, reason, expires_at) -> AccessGrant:
    more = {"door": Door.TOOL_SEAT, "label": tool.name, "tool": tool, "expires_at": expires_at}
    return access.grant(channel, person, level, by, reason, **more)


def _locked(tool: Tool) -> Tool:
    return Tool.objects.select_for_update(of=("self",)).select_related("owner").get(pk=tool.pk)


def _checked(tool: Tool) -> Tool:
    """Saved, if it may be so."""
    if not tool.name:
        raise ValidationError({"name": "Say what it is called."})
    for name in ("name", "vendor", "url", "purpose"):
        if looks_secret(getattr(tool, name)):
            raise ValidationError({name: access.NOT_HERE})
    if tool.url and not tool.url.startswith(("https://", "http://")):
        raise ValidationError({"url": "Begin with https://."})
    if not is_present(tool.owner):
        raise ValidationError({"owner": f"{tool.owner} has left. Choose somebody who is here."})
    tool.full_clean(validate_unique=False, validate_constraints=False)
    try:
        with transaction.atomic():
            tool.save()
    except IntegrityError as error:
        raise ValidationError({"name": "There is a tool of this name already."}) from error
    return tool
