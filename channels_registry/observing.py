"""Reading who can get in over there: the network's list becomes identities and doors in the ledger, with history.

The list is whole or it is not used: an error changes nothing. A door that is no longer on it is stamped with the time
at which that was seen. Whose a door is, is decided by rule (channels_registry.matching) or by a person.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from accounts import audit
from accounts.models import Person, Role
from accounts.permissions import has_role
from channels_registry import access
from channels_registry.connecting import ask
from channels_registry.connector.capabilities import ListsDoors
from channels_registry.connector.errors import Disconnected, NetworkError
from channels_registry.connector.types import RemoteDoor
from channels_registry.following import follow
from channels_registry.matching import Known, match
from channels_registry.models import AccessGrant, Channel, Connection, NetworkIdentity
from channels_registry.models.access_grant import Door
from channels_registry.permissions import channels_with
from channels_registry.reaching import opened
from channels_registry.refreshing import refresh
from socialops.lib.wall_clock import database_now

audit.register("door.seen", "saw a way in on the network")
audit.register("door.gone", "saw that a way in is gone from the network")
audit.register("identity.matched", "said whose an account on the network is")

log = logging.getLogger(__name__)
EVERY = timedelta(hours=1)
AGAIN = timedelta(minutes=5)
MatchedBy = NetworkIdentity.MatchedBy


@dataclass
class Seen:
    """What one whole list changed."""

    doors: int
    appeared: list[AccessGrant] = field(default_factory=list)
    gone: list[AccessGrant] = field(default_factory=list)


def observe(channel: Channel) -> Seen | None:
    """Read the channel's doors now. None: it cannot be read at the moment, and nothing was changed. For workers."""
    connection = live_connection(channel)
    if connection is None or not can(connection, ListsDoors):
        return None
    asked_at = database_now()
    try:
        doors = read_doors(connection)
    except NetworkError as error:
        Connection.objects.filter(pk=connection.pk, state="live").update(
            trouble=f"Who has access could not be read. {error.reason}"[:400],
            next_check_at=Now() + AGAIN * settings.PACE,
        )
        return None
    return _write(channel, connection, doors, asked_at)


def read_doors(connection: Connection) -> list[RemoteDoor]:
    """The network's whole list. A token that ran out is renewed once. Raises NetworkError."""
    network = connection.channel.connector
    try:
        return ask(connection, lambda http: network.list_doors(opened(connection, http)))
    except Disconnected:
        if not refresh(connection, refused_us=True):
            raise
    connection.refresh_from_db()
    return ask(connection, lambda http: network.list_doors(opened(connection, http)))


def live_connection(channel: Channel) -> Connection | None:
    return Connection.objects.filter(channel=channel, state="live").select_related("channel").first()


def can(connection: Connection, capability: type) -> bool:
    """What the network's class offers, less what this connection lacks."""
    network = connection.channel.connector
    lacking = network.lacks(connection.facts, frozenset(connection.scopes))
    return isinstance(network, capability) and capability not in lacking


@transaction.atomic
def decide(identity: NetworkIdentity, person: Person | None, by: Person) -> NetworkIdentity:
    """Say whose this is; None: nobody's (a service). For administrators and managers of a channel it reaches."""
    identity = NetworkIdentity.objects.select_for_update().get(pk=identity.pk)
    if not may_decide(by, identity):
        raise PermissionDenied("Only an administrator, or a manager of a channel it reaches, may say whose it is.")
    identity.person, identity.matched_at, identity.decided_by = person, Now(), by
    identity.matched_by = MatchedBy.PERSON if person else MatchedBy.NOBODY
    identity.why, identity.candidates = "", []
    identity.save()
    AccessGrant.objects.filter(identity=identity, revoked_at=None, ours=False).update(person=person)
    audit.record(by, "identity.matched", identity, person=person.pk if person else None, network=identity.network)
    return identity


def may_decide(person: Person, identity: NetworkIdentity) -> bool:
    reached = channels_with(person, "manage").filter(grants__identity=identity, grants__revoked_at=None)
    return has_role(person, Role.ADMIN) or reached.exists()


@transaction.atomic
def _write(channel: Channel, connection: Connection, doors: Sequence[RemoteDoor], asked_at: datetime) -> Seen:
    """The list into the ledger. What was shut or read since it was asked for is newer than it, and stays as it is."""
    Channel.objects.select_for_update().get(pk=channel.pk)
    newer, standing = _newer(channel, asked_at), _standing(channel)
    identities = _identities(channel, doors)
    seen = Seen(len(doors))
    kept = []
    for door in doors:
        key, identity = _key(door), identities[_identity_key(channel, door)]
        known = standing.pop(key, None)
        if key in newer:
            continue
        if known and known.entitlement == door.entitlement[:80]:
            known.label, known.ours, known.identity = door.label[:200], door.ours, identity
            known.person = identity.person
            kept.append(known)
        else:
            seen.appeared.append(_opened(channel, door, identity, known, seen))
    for key in standing.keys() - newer:
        _end(standing[key], "It is no longer on the network’s list.", seen)
    _prove(kept)
    _ours_is_observed(channel, seen)
    _note(connection)
    audit.record_many((None, "door.seen", grant, access.told(grant)) for grant in seen.appeared)
    audit.record_many((None, "door.gone", grant, access.told(grant)) for grant in seen.gone)
    return seen


def _standing(channel: Channel) -> dict[tuple[str, str], AccessGrant]:
    rows = AccessGrant.objects.filter(channel=channel, source="observed", revoked_at=None)
    return {(grant.door, grant.remote_id): grant for grant in rows}


def _newer(channel: Channel, asked_at: datetime) -> set[tuple[str, str]]:
    """Doors that a worker shut, or another reading found, while the network was putting its list together."""
    since = Q(revoked_at__gte=asked_at) | Q(last_proven_at__gte=asked_at)
    return set(AccessGrant.objects.filter(since, channel=channel, source="observed").values_list("door", "remote_id"))


KINDS = {
    "role": Door.ROLE,
    "app_password": Door.APP_PASSWORD,
    "app": Door.APP,
    "invitation": Door.INVITATION,
    "session": Door.SESSION,
}


def _key(door: RemoteDoor) -> tuple[str, str]:
    return KINDS.get(door.kind, Door.ROLE), door.remote_id


def _identity_key(channel: Channel, door: RemoteDoor) -> str:
    """Who is behind it over there; a door that names nobody is somebody of its own on this channel."""
    return (door.holder_id or f"channel/{channel.pk}/{door.kind}/{door.label or door.remote_id}")[:300]


def _identities(channel: Channel, doors: Iterable[RemoteDoor]) -> dict[str, NetworkIdentity]:
    """The identity behind each door, made and matched where that is new. Decisions of people are never touched.

    Locked until the commit: what a person decides at this moment comes before this or after it, and is never undone.
    """
    wanted = {_identity_key(channel, door): door for door in doors}
    rows = NetworkIdentity.objects.filter(network=channel.network, remote_id__in=wanted)
    new = sorted(wanted.keys() - set(rows.values_list("remote_id", flat=True)))
    made = [NetworkIdentity(network=channel.network, remote_id=key) for key in new]
    NetworkIdentity.objects.bulk_create(made, ignore_conflicts=True)
    locked = rows.select_related("person").select_for_update(of=("self",), no_key=True).order_by("pk")
    known = {each.remote_id: each for each in locked}
    undecided = [key for key, identity in known.items() if identity.matched_by == MatchedBy.NOT_YET]
    people = _known_people(channel.network) if undecided else []
    for key in undecided:
        _match(known[key], wanted[key], people)
    return known


def _match(identity: NetworkIdentity, door: RemoteDoor, people: list[Known]) -> None:
    found = match(door, people)
    identity.handle = (door.holder_handle or door.label)[:200]
    identity.name = door.holder_name[:200]
    identity.candidates = list(found.candidates)
    if found.person and not door.ours:
        identity.person_id, identity.why = found.person, found.why
        identity.matched_by, identity.matched_at = MatchedBy.RULE, Now()
    identity.save(update_fields=["handle", "name", "candidates", "person", "why", "matched_by", "matched_at"])


def _known_people(network: str) -> list[Known]:
    """Everybody, those who left included: their doors are what we look for."""
    handles: dict[int, set[str]] = {}
    decided = NetworkIdentity.objects.filter(network=network, person__isnull=False, matched_by="person")
    for person, handle in decided.exclude(remote_id__startswith="channel/").values_list("person_id", "handle"):
        handles.setdefault(person, set()).add(handle.removeprefix("@").casefold())
    return [
        Known(pk, name, email, frozenset(handles.get(pk, set()) - {""}))
        for pk, name, email in Person.objects.values_list("pk", "name", "email")
    ]


def _opened(channel, door: RemoteDoor, identity: NetworkIdentity, before: AccessGrant | None, seen: Seen):
    """A door that is new, or stands at another level than `before`: whoever wants that one shut wants this one shut."""
    if before is None:
        return _insert(channel, _key(door), door, identity, changed=False)
    _end(before, f"Its level became {door.entitlement}.", seen)
    made = _insert(channel, _key(door), door, identity, changed=True)
    follow(before, made)
    return made


def _insert(channel, key, door: RemoteDoor, identity: NetworkIdentity, *, changed: bool) -> AccessGrant:
    made = AccessGrant.objects.create(
        channel=channel,
        person=None if door.ours else identity.person,
        identity=identity,
        door=key[0],
        entitlement=door.entitlement[:80] or "unknown",
        label=door.label[:200],
        remote_id=door.remote_id[:300],
        source=AccessGrant.Source.OBSERVED,
        ours=door.ours,
        reason="Read from the network.",
        starts_at=Now() if changed else _since(channel, key, door.created_at),
        last_proven_at=Now(),
    )
    made.refresh_from_db()
    return made


def _since(channel: Channel, key: tuple[str, str], created_at: datetime | None):
    """The network's own word for when it was opened, unless our history knows this door already."""
    if created_at is None or created_at > database_now():
        return Now()
    earlier = AccessGrant.objects.filter(channel=channel, source="observed", door=key[0], remote_id=key[1])
    return Now() if earlier.exists() else created_at


def _end(grant: AccessGrant, reason: str, seen: Seen) -> None:
    AccessGrant.objects.filter(pk=grant.pk, revoked_at=None).update(revoked_at=Now(), revoked_reason=reason[:300])
    seen.gone.append(grant)


def _prove(kept: list[AccessGrant]) -> None:
    for grant in kept:
        grant.last_proven_at = Now()
        if grant.ours:
            grant.person = None
    AccessGrant.objects.bulk_update(kept, ["label", "ours", "identity", "person", "last_proven_at"])


def _ours_is_observed(channel: Channel, seen: Seen) -> None:
    """Once the network lists our own door, the one that we declared when connecting has done its work."""
    doors = AccessGrant.objects.filter(channel=channel, ours=True, revoked_at=None)
    if doors.filter(source="observed").exists():
        for declared in doors.filter(source="declared"):
            _end(declared, "The network’s own list shows it.", seen)


def _note(connection: Connection) -> None:
    Connection.objects.filter(pk=connection.pk, state="live").update(
        checked_at=Now(), next_check_at=Now() + EVERY * settings.PACE, trouble=""
    )
