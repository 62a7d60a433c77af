"""Asking for doors to be shut: one of them, or all that somebody had.

A right in Socialops is shut and proven in the same commit. The rest is due at once: by the network's API where it has
one, else as a guided task of a person. What is known to end at a coming minute is asked for shortly before, and waits
in the lane until that minute: then nothing but the network's own answers takes time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from accounts import audit, notifying
from accounts.models import Departure, Person
from channels_registry import access
from channels_registry.connector.capabilities import RevokesDoors
from channels_registry.models import AccessGrant, Channel, ChannelUserPermission, Connection, Proof, Revocation
from channels_registry.models.access_grant import Door
from channels_registry.observing import can
from channels_registry.permissions import require_administer
from channels_registry.protecting import OURS, foreseen
from channels_registry.shutting import CALLED_OFF, whose_turn

audit.register("revocation.requested", "asked for a door to be shut")

SAFE_ORDER = {  # smaller first: what enters alone and unseen, before what others lean on
    Door.RIGHT: 10, Door.SESSION: 20, Door.APP_PASSWORD: 30, Door.INVITATION: 30, Door.APP: 40, Door.ROLE: 50,
    Door.TOOL_SEAT: 60, Door.RECOVERY: 70, Door.SHARED_LOGIN: 80,
}  # fmt: skip


@transaction.atomic
def request_revocation(grant: AccessGrant, by: Person | None, reason: str, order: int | None = None) -> Revocation:
    """Have this door shut and proven. Asked twice, it is the same revocation. `by=None` is the system.

    A door that may not be cut yet is asked for all the same, and waits as `blocked` with the reason in sight.
    """
    channel = Channel.objects.select_for_update().get(pk=grant.channel_id)
    grant = AccessGrant.objects.select_related("channel", "person__user", "identity").get(pk=grant.pk)
    if by is not None and not (by == grant.person and grant.door == Door.RIGHT):
        require_administer(by, channel)
    if not reason.strip():
        raise ValidationError({"reason": "Say why. The reason stays with the proof."})
    if standing := Revocation.objects.filter(grant=grant).exclude(state="cancelled").first():
        return standing
    if grant.ours:
        raise ValidationError(OURS)
    if grant.revoked_at:
        raise ValidationError("This door is shut already.")
    made = _wish(grant, by, reason, order)
    connections = _connections([grant])
    if grant.door == Door.RIGHT:
        _shut_right(made)
    elif by_api(grant, connections.get(grant.channel_id)):
        made.save()
    else:
        _give_to_a_person(made, whose_turn(grant))
    _told(by, [made], reason)
    return made


@transaction.atomic
def request_all(grants: Iterable[AccessGrant], reason: str) -> list[Revocation]:
    """The system asks for all of these doors in one go: a handful of queries for any number of them by API.

    Those that are shut meanwhile, or are our own way in, are left out; one that was asked for is returned as it is.
    """
    rows, known = _locked(grants)
    connections = _connections(rows)
    by_network = [row for row in rows if row.door != Door.RIGHT and by_api(row, connections.get(row.channel_id))]
    made = Revocation.objects.bulk_create([_wish(row, None, reason) for row in by_network])
    for row in rows:
        if row.door == Door.RIGHT:
            made.append(_shut_right(_wish(row, None, reason)))
        elif row not in by_network:
            made.append(_give_to_a_person(_wish(row, None, reason), whose_turn(row)))
    _told(None, made, reason)
    return [*known, *made]


@transaction.atomic
def prepare(grants: Iterable[AccessGrant], departure: Departure, reason: str) -> list[Revocation]:
    """Those of these doors that a network shuts by API, asked for ahead of the departure's minute. The lane takes none
    of them before it, and none if the departure was withdrawn. Nobody is told: that is done at the minute (`came_due`).
    """
    rows, _ = _locked(grants)
    connections = _connections(rows)
    wishes = [_wish(row, None, reason) for row in rows if row.door != Door.RIGHT]
    wishes = [wish for wish in wishes if by_api(wish.grant, connections.get(wish.grant.channel_id))]
    for wish in wishes:
        wish.upon, wish.due_at, wish.next_attempt_at = departure, departure.at, departure.at
    return Revocation.objects.bulk_create(wishes)


@transaction.atomic
def came_due(departure: Departure) -> int:
    """The minute has come: the trail is told what was prepared for it. Once; how many."""
    rows = Revocation.objects.filter(upon=departure, told_at=None).exclude(state="cancelled")
    due = list(rows.select_for_update(of=("self",), no_key=True).select_related("grant__channel"))
    Revocation.objects.filter(pk__in=[each.pk for each in due]).update(told_at=Now())
    _told(None, due, due[0].reason_for if due else "")
    return len(due)


@transaction.atomic
def call_off(departure: Departure) -> int:
    """The departure was withdrawn: what was prepared for its minute does not happen."""
    rows = Revocation.objects.filter(upon=departure, state="scheduled")
    pks = list(rows.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))
    return Revocation.objects.filter(pk__in=pks).update(state="cancelled", reason=CALLED_OFF.reason)


@dataclass(frozen=True)
class Planned:
    """What would become of a door: `how` is here, api or hand; `kept` why it could not be cut yet."""

    grant: AccessGrant
    how: str
    person: Person | None
    kept: str


def plan(grants: QuerySet[AccessGrant]) -> list[Planned]:
    """The dry run: what asking for all of these doors of one person would do, and to whom. Changes nothing."""
    rows = list(grants.select_related("channel__owner", "channel__backup_owner"))
    connections, kept = _connections(rows), foreseen(grants)
    near = {pk for row in rows for pk in (row.channel.owner_id, row.channel.backup_owner_id) if pk}
    present = Person.objects.present().in_bulk(near - {row.person_id for row in rows})

    def planned(row: AccessGrant) -> Planned:
        if row.door == Door.RIGHT:
            return Planned(row, "here", None, "")
        if by_api(row, connections.get(row.channel_id)):
            return Planned(row, "api", None, kept.get(row.pk, ""))
        turns = (present.get(pk) for pk in (row.channel.owner_id, row.channel.backup_owner_id) if pk)
        return Planned(row, "hand", next(filter(None, turns), None), kept.get(row.pk, ""))

    return [planned(row) for row in rows]


def by_api(grant: AccessGrant, connection: Connection | None) -> bool:
    """Whether the network shuts this door when we ask it, through the channel's live connection."""
    return bool(grant.remote_id) and connection is not None and can(connection, RevokesDoors)


def _locked(grants: Iterable[AccessGrant]) -> tuple[list[AccessGrant], list[Revocation]]:
    """Their channels are locked in order. (Doors that stand open and nobody asked about, revocations of the others)"""
    wanted = [grant.pk for grant in grants]
    channels = AccessGrant.objects.filter(pk__in=wanted).values("channel")
    list(Channel.objects.select_for_update().filter(pk__in=channels).order_by("pk"))
    known = list(Revocation.objects.filter(grant__in=wanted).exclude(state="cancelled"))
    rows = AccessGrant.objects.filter(pk__in=wanted, revoked_at=None, ours=False)
    rows = rows.exclude(pk__in=[each.grant_id for each in known]).select_related("channel", "person__user", "identity")
    return list(rows.order_by("channel", "pk")), known


def _connections(grants: Sequence[AccessGrant]) -> Mapping[int, Connection]:
    live = Connection.objects.filter(channel__in={grant.channel_id for grant in grants}, state="live")
    return {each.channel_id: each for each in live.select_related("channel").defer("sealed_secrets")}


def _wish(grant: AccessGrant, by: Person | None, reason: str, order: int | None = None) -> Revocation:
    return Revocation(
        grant=grant, requested_by=by, reason_for=reason.strip()[:200], due_at=Now(), next_attempt_at=Now(),
        order=SAFE_ORDER[Door(grant.door)] if order is None else order,
    )  # fmt: skip


def _shut_right(wish: Revocation) -> Revocation:
    """A right in Socialops: ended here, and read back from guardian's own table."""
    grant = wish.grant
    access.end(grant, wish.requested_by, wish.reason_for)
    left = ChannelUserPermission.objects.filter(grant=grant).count()
    if left:
        raise RuntimeError(f"grant {grant.pk} ended, and {left} of its rights stand")
    wish.proof_detail = f"Read back from the table of rights: none of this grant is left for {grant.person}."
    wish.state, wish.stage, wish.proof = "done", "verified", Proof.API
    wish.verified_at = wish.settled_at = wish.shut_at = Now()
    wish.save()
    return wish


def _give_to_a_person(wish: Revocation, person: Person | None) -> Revocation:
    wish.state, wish.guided, wish.assigned_to = "needs_human", True, person
    wish.save()
    if person:
        text = f"{wish.grant} has to be shut by hand."[:300]
        notifying.notify(person, "revocation.waits", text, f"/revocations/{wish.pk}/", mail=True)
    return wish


def _told(by: Person | None, made: Sequence[Revocation], reason: str) -> None:
    def data(each: Revocation) -> dict[str, Any]:
        return {**access.told(each.grant), "grant": each.grant_id, "reason": reason}

    audit.record_many((by, "revocation.requested", each, data(each)) for each in made)
