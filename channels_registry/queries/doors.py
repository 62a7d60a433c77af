"""Who can reach what, now and at any moment: the ledger of doors, read."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Count, Exists, OuterRef, Prefetch, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, Lower, Now
from django.http import Http404

from accounts.models import Departure, Person, Role, User
from accounts.permissions import role_exists
from channels_registry.models import AccessGrant, Channel, NetworkIdentity, Revocation
from channels_registry.models.access_grant import Door
from channels_registry.permissions import channels_with, may_see, seen_by
from channels_registry.queries.administrators import ADMIN_WORDS
from socialops.lib.numbers import number

LIVE_REVOCATIONS = Prefetch(
    "revocations", Revocation.objects.known().exclude(state="cancelled").order_by("-pk"), to_attr="asked"
)


PAGE = 40


def open_at(at: datetime | None = None) -> QuerySet[AccessGrant]:
    """Every door that stood open at that moment (default: now).

    A right here ends at the minute of its holder's departure: every permission reads the departure, and the sweep, when
    it comes by, stamps that minute on the row. One that was recorded late ends it when it was recorded. Doors over
    there stand until they are shut.
    """
    then = at or Now()
    gone = Departure.objects.filter(person=OuterRef("person"), withdrawn_at=None, at__lte=then, recorded_at__lte=then)
    gone = gone.filter(Q(returned_at=None) | Q(returned_at__gt=then))
    return AccessGrant.objects.standing(at).exclude(Q(door=Door.RIGHT) & Exists(gone))


def who_could_reach(channel: Channel, at: datetime | None = None) -> QuerySet[AccessGrant]:
    """Every door of this channel that stood open at that moment (default: now), with its holder. One query."""
    return _ordered(open_at(at).filter(channel=channel))


def what_can_reach(person: Person, at: datetime | None = None) -> QuerySet[AccessGrant]:
    """Every door this person had at that moment, over all channels. One query."""
    return _ordered(open_at(at).filter(person=person))


@dataclass
class DoorsPage:
    """Doors with `asked`: their revocation, if one is under way. `next`: where the next page begins, "" at the end."""

    doors: list[AccessGrant]
    total: int
    next: str


def doors_page(
    channel: Channel, at: datetime | None = None, after: str = "", words: str = "", most: int = PAGE
) -> DoorsPage:
    """Of a channel, by the name of who holds them, those that are nobody's first. Three queries."""
    doors = open_at(at).filter(channel=channel)
    for word in words.split():
        doors = doors.filter(
            Q(person__name__icontains=word) | Q(person__email__icontains=word) | Q(label__icontains=word)
            | Q(entitlement__icontains=word) | Q(identity__handle__icontains=word)
        )  # fmt: skip
    return _page(doors.annotate(sort=Coalesce(Lower("person__name"), Value(""))), after, most)


def doors_of_person(
    person: Person,
    by: Person,
    at: datetime | None = None,
    after: str = "",
    channel: int | None = None,
    most: int = PAGE,
) -> DoorsPage:
    """Of a person, by channel, on the channels that the reader sees; one's own are all one's own. Three queries."""
    doors = open_at(at).filter(person=person)
    if person != by:
        doors = doors.filter(channel__in=seen_by(by).values("pk"))
    if channel:
        doors = doors.filter(channel=channel)
    return _page(doors.annotate(sort=Lower("channel__name")), after, most)


@dataclass
class DoorCounts:
    """`administrators`: people known to be that over there, None where the network lists no roles."""

    managers: int
    administrators: int | None
    nobodys: int


def door_counts(channel: Channel) -> DoorCounts:
    """What the warnings of a channel are about. One query."""
    roles = Q(door=Door.ROLE, source=AccessGrant.Source.OBSERVED)
    decided = NetworkIdentity.objects.filter(pk=OuterRef("identity")).values("matched_by")[:1]
    doors = open_at().filter(channel=channel)
    nobodys = Q(person=None, source=AccessGrant.Source.OBSERVED, ours=False)
    whose = Coalesce(Case(When(person=None, then=Subquery(decided))), Value(""))
    found = doors.annotate(matched=whose).aggregate(
        managers=Count("pk", filter=Q(door=Door.RIGHT, entitlement="manager")),
        roles=Count("pk", filter=roles),
        administrators=Count("person", filter=roles & Q(entitlement__iregex=ADMIN_WORDS), distinct=True),
        nobodys=Count("pk", filter=nobodys & ~Q(matched="nobody")),
    )  # fmt: skip
    return DoorCounts(found["managers"], found["administrators"] if found["roles"] else None, found["nobodys"])


def _page(doors: QuerySet, after: str, most: int) -> DoorsPage:
    total = doors.count()
    value, _, last = after.rpartition("|")
    if (pk := number(last)) is not None:
        doors = doors.filter(Q(sort__gt=value) | Q(sort=value, pk__gt=pk))
    doors = doors.select_related("channel", "person", "identity").prefetch_related(LIVE_REVOCATIONS)
    rows = list(doors.order_by("sort", "pk")[: most + 1])
    return DoorsPage(rows[:most], total, f"{rows[most - 1].sort}|{rows[most - 1].pk}" if len(rows) > most else "")


def identities_waiting(by: Person, channel: int | None = None) -> QuerySet[NetworkIdentity]:
    """Holders of open doors over there of whom nobody has said who they are, where this person may say it."""
    nobodys = AccessGrant.objects.standing().filter(person=None, revoked_at=None, ours=False)  # by an index of its own
    doors = nobodys.filter(identity=OuterRef("pk"))
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
