"""Who can reach what, now and at any moment: the ledger of doors, read."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.http import Http404

from accounts.models import Person, Role, User
from accounts.permissions import role_exists
from channels_registry.models import AccessGrant, Channel, NetworkIdentity, Revocation
from channels_registry.models.access_grant import Door
from channels_registry.permissions import channels_with, may_see, seen_by

LIVE_REVOCATIONS = Prefetch(
    "revocations", Revocation.objects.known().exclude(state="cancelled").order_by("-pk"), to_attr="asked"
)


def who_could_reach(channel: Channel, at: datetime | None = None) -> QuerySet[AccessGrant]:
    """Every door of this channel that stood open at that moment (default: now), with its holder. One query."""
    return _ordered(AccessGrant.objects.standing(at).filter(channel=channel))


def what_can_reach(person: Person, at: datetime | None = None) -> QuerySet[AccessGrant]:
    """Every door this person had at that moment, over all channels. One query."""
    return _ordered(AccessGrant.objects.standing(at).filter(person=person))


def doors_of(channel: Channel, at: datetime | None = None) -> list[AccessGrant]:
    """As who_could_reach, each with `asked`: its revocation, if one is under way. Two queries."""
    return list(who_could_reach(channel, at).prefetch_related(LIVE_REVOCATIONS))


def doors_of_person(person: Person, by: Person) -> list[AccessGrant]:
    """The doors of a person on the channels that the reader sees; one's own are all one's own. Three queries."""
    doors = what_can_reach(person).prefetch_related(LIVE_REVOCATIONS)
    if person != by:
        doors = doors.filter(channel__in=seen_by(by).values("pk"))
    return list(doors)


def identities_waiting(by: Person, channel: int | None = None) -> QuerySet[NetworkIdentity]:
    """Holders of open doors over there of whom nobody has said who they are, where this person may say it."""
    doors = AccessGrant.objects.standing().filter(identity=OuterRef("pk"), ours=False)
    doors = doors.filter(role_exists(by, Role.ADMIN) | Q(channel__in=channels_with(by, "manage").values("pk")))
    if channel:
        doors = doors.filter(channel=channel)
    reaching = AccessGrant.objects.standing().filter(ours=False).select_related("channel")
    return (
        NetworkIdentity.objects.filter(Exists(doors), matched_by="")
        .prefetch_related(Prefetch("grants", reaching, to_attr="doors"))
        .order_by("network", "handle", "pk")
    )


def revocation_for(user: User, pk: int) -> Revocation:
    """Fetching is authorising: for who sees the channel, and for who was given the task. One to three queries."""
    revocation = (
        Revocation.objects.known().select_related(
            "grant__channel__owner", "grant__channel__backup_owner", "grant__person", "grant__identity",
            "requested_by", "assigned_to", "attested_by", "confirmed_by",
        )
        .filter(pk=pk)
        .first()
    )  # fmt: skip
    person = user.person
    if revocation is None or not (revocation.assigned_to_id == person.pk or may_see(person, revocation.grant.channel)):
        raise Http404("There is no such revocation, or it is not yours to see.")
    return revocation


def administrators_over_there(doors: list[AccessGrant], words) -> int | None:
    """How many people are known to be administrators over there; None where the network lists no roles."""
    roles = [door for door in doors if door.door == Door.ROLE and door.source == "observed"]
    if not roles:
        return None
    return len({door.person_id for door in roles if door.person_id and words.match(door.entitlement.lower())})


def _ordered(doors: QuerySet[AccessGrant]) -> QuerySet[AccessGrant]:
    return doors.select_related("channel", "person", "identity").order_by(
        "channel__name", "channel_id", "door", "person__name", "label", "pk"
    )


def asked_of(person: Person) -> Q:
    """Revocations that wait for this person's hands."""
    stuck = Q(state__in=["needs_human", "blocked", "failed"]) | Q(
        state="done", stage__in=["revoked", "failed"], proof=""
    )
    return Q(assigned_to=person) & stuck
