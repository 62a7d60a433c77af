"""Somebody is away for a while: what stands still meanwhile, and who could step in."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, Subquery, Value
from django.db.models.functions import JSONObject

from accounts.models import Absence, Departure, Person, TeamMembership
from channels_registry.models import AccessGrant, Channel, Connection
from channels_registry.models.access_grant import RIGHTS, Door
from channels_registry.permissions import seen_by
from inbox.models import Conversation
from publishing.models import ApprovalStep, Publication, Rule
from socialops.lib.counting import count_of

ACTS = {"publish": "publish", "approve": "approve", "answer": "answer messages", "manage": "manage it"}
STRONG = [level for level, rights in RIGHTS.items() if set(rights) & ACTS.keys()]
FEW = 3  # who could step in, by name
Span = tuple[datetime, datetime]


@dataclass
class Stall:
    """What nobody else may do on a channel, and when: `gaps` within the period. `could` step in: who is there all the
    while, reaches the channel or answers for it, and lacks only this right.
    """

    channel: Channel
    act: str
    gaps: list[Span]
    whole: bool
    could: list[Person]


@dataclass
class Away:
    """`channels`: how many of theirs there are. `steps`: (step, how many of the needed would be left, needed)."""

    channels: int
    stalls: list[Stall]
    steps: list[tuple[ApprovalStep, int, int]]
    connections: list[tuple[Channel, datetime]]
    counts: dict[str, int] = field(default_factory=dict)


def next_absence(person: Person, now: datetime) -> Absence | None:
    return Absence.objects.filter(person=person, withdrawn_at=None, ends_at__gt=now).order_by("starts_at").first()


def away(person: Person, period: Span, reader: Person, knows_departures: bool) -> Away:
    """What the reader may see of it. A departure ahead counts for those only who may know of it. Five queries."""
    own = _rights_of(person, period, reader)
    channels = {grant.channel_id: grant.channel for grant in own}
    held: dict[int, list[tuple]] = {}
    for row in _held_by_others(person, channels, period):
        held.setdefault(row[0], []).append(row)
    steps = _steps(person)
    asked = {row[1] for rows in held.values() for row in rows} | {pk for step in steps for pk in _named(step)}
    asked |= {pk for channel in channels.values() for pk in (channel.owner_id, channel.backup_owner_id) if pk}
    absent = _absent(asked - {person.pk}, period, knows_departures)
    acts = {(grant.channel_id, act) for grant in own for act in RIGHTS[grant.entitlement] if act in ACTS}
    order = sorted(acts, key=lambda each: (channels[each[0]].name, each[0], list(ACTS).index(each[1])))
    stalls = [_stall(channels[pk], act, person, held.get(pk, []), absent, period) for pk, act in order]
    ending = {pk: channel for pk, channel in channels.items() if channel.ends}
    return Away(
        len(channels), [stall for stall in stalls if stall.gaps], list(_short(steps, person, absent, period)),
        [(channel, channel.ends) for channel in ending.values()], _counts(person, period),
    )  # fmt: skip


def gaps(period: Span, there: Iterable[Span]) -> list[Span]:
    """The parts of the period that none of the spans covers, in order."""
    begin, end = period
    found = []
    for start, stop in sorted(there):
        if start > begin:
            found.append((begin, min(start, end)))
        begin = max(begin, stop)
        if begin >= end:
            break
    if begin < end:
        found.append((begin, end))
    return found


def _rights_of(person: Person, period: Span, reader: Person) -> list[AccessGrant]:
    """Rights here that let them act, with their channel and `ends`: when the connection that they authorised does."""
    rights = AccessGrant.objects.filter(
        person=person, door=Door.RIGHT, entitlement__in=STRONG, revoked_at=None, starts_at__lt=period[1]
    )
    rights = rights.filter(Q(expires_at=None) | Q(expires_at__gt=period[0])).exclude(channel__state="archived")
    if reader != person:
        rights = rights.filter(channel__in=seen_by(reader).values("pk"))
    ends = Connection.objects.filter(
        channel=OuterRef("channel"), state="live", authorised_by=person, expires_at__gte=period[0],
        expires_at__lt=period[1],
    )  # fmt: skip
    found = rights.select_related("channel__owner", "channel__backup_owner")
    rows = list(found.annotate(ends=Subquery(ends.values("expires_at")[:1])))
    for row in rows:
        row.channel.ends = row.ends
    return rows


def _held_by_others(person: Person, channels: Iterable[int], period: Span) -> list[tuple]:
    """(channel, person, name, level, from, until) of everybody else's rights that reach into the period."""
    rights = AccessGrant.objects.filter(
        channel__in=list(channels), door=Door.RIGHT, entitlement__in=STRONG, revoked_at=None, starts_at__lt=period[1]
    )
    rights = rights.filter(Q(expires_at=None) | Q(expires_at__gt=period[0])).exclude(person=person)
    return list(rights.values_list("channel_id", "person_id", "person__name", "entitlement", "starts_at", "expires_at"))


def _absent(people: set[int], period: Span, knows_departures: bool) -> dict[int, list[Span]]:
    """When each of them is away or gone within the period. One query."""
    begin, end = period
    absences = Absence.objects.filter(person__in=people, withdrawn_at=None, starts_at__lt=end, ends_at__gt=begin)
    gone = Departure.objects.filter(person__in=people, withdrawn_at=None, returned_at=None, at__lt=end)
    if not knows_departures:
        gone = gone.filter(pk__in=Departure.objects.filter(person__in=Person.objects.departed()).values("pk"))
    both = absences.values_list("person", "starts_at", "ends_at").union(
        gone.values_list("person", "at", Value(end)), all=True
    )
    found: dict[int, list[Span]] = {}
    for pk, start, stop in both:
        found.setdefault(pk, []).append((start, stop))
    return found


def _stall(channel: Channel, act: str, person: Person, held: list[tuple], absent: dict, period: Span) -> Stall:
    there: list[Span] = []
    able: set[int] = set()
    known: dict[int, str] = {}
    for _, who, name, level, start, stop in held:
        known[who] = name
        if act in RIGHTS[level]:
            able.add(who)
            within = max(start, period[0]), min(stop or period[1], period[1])
            if within[0] < within[1]:
                there += gaps(within, absent.get(who, []))
    left = gaps(period, there)
    if not left:
        return Stall(channel, act, [], False, [])
    first = {each.pk: each.name for each in (channel.backup_owner, channel.owner) if each}
    could = [pk for pk in first | known if pk != person.pk and pk not in able and not absent.get(pk)]
    named = [Person(pk=pk, name=(first | known)[pk]) for pk in could[:FEW]]
    return Stall(channel, act, left, left == [period], named)


def _steps(person: Person) -> list[ApprovalStep]:
    """The steps in use that name them, or a team of theirs, with `persons` and `of_teams`: ids of people."""
    named = ApprovalStep.people.through.objects.filter(approvalstep=OuterRef("pk")).values("person")
    teams = ApprovalStep.teams.through.objects.filter(approvalstep=OuterRef(OuterRef("pk"))).values("team")
    members = TeamMembership.objects.filter(team__in=teams).values("person")
    mine = ApprovalStep.people.through.objects.filter(person=person).values("approvalstep")
    my_teams = TeamMembership.objects.filter(person=person).values("team")
    by_team = ApprovalStep.teams.through.objects.filter(team__in=my_teams).values("approvalstep")
    of_theirs = Q(pk__in=mine) | Q(pk__in=by_team)
    found = ApprovalStep.objects.filter(of_theirs, workflow__archived_at=None, anyone=False, externals=None)
    return list(
        found.annotate(persons=ArraySubquery(named), of_teams=ArraySubquery(members))
        .select_related("workflow")
        .order_by("workflow__position", "position", "pk")
    )


def _named(step: ApprovalStep) -> set[int]:
    return {*step.persons, *step.of_teams}


def _short(steps: list[ApprovalStep], person: Person, absent: dict, period: Span) -> Iterator[tuple]:
    """Those that too few are left for, for some part of the period."""
    for step in steps:
        others = _named(step) - {person.pk}
        left = sum(not absent.get(pk) for pk in others)
        needed = len(others) + 1 if step.rule == Rule.ALL else step.needed if step.rule != Rule.ANY else 1
        if left < needed:
            yield step, left, needed


def _counts(person: Person, period: Span) -> dict[str, int]:
    """Work that has their name on it. One query."""
    due = Publication.objects.filter(
        answerable=person, state__in=("scheduled", "held", "blocked"), due_at__gte=period[0], due_at__lt=period[1]
    )
    talks = Conversation.objects.filter(assigned_to=person).exclude(state=Conversation.State.RESOLVED)
    counts = JSONObject(publications=count_of(due), conversations=count_of(talks))
    return Person.objects.filter(pk=person.pk).values_list(counts, flat=True).get()
