"""Reads of offboarding: cases with their progress, doors with their proof, who could reach what at a moment."""

from collections import Counter
from datetime import datetime, timedelta

from django.db.models import CharField, Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Cast, JSONObject

from accounts.models import AuditEvent, Departure, Person, WebhookEndpoint
from accounts.queries import audible
from channels_registry.models import AccessGrant, Channel, Connection, Revocation
from channels_registry.models.access_grant import Door
from governance.models import CaseDoor, OffboardingCase
from governance.permissions import may_read
from inbox.models import Conversation
from publishing import queries as publishing_queries
from publishing.models import Publication, Recurrence
from socialops.lib.counting import count_of
from socialops.lib.waiting import Waiting

SHUT_WITHIN = timedelta(hours=24)  # what auditors expect from the departure to the last door
PROVEN = Q(doors__revocation__stage=Revocation.Stage.VERIFIED)


def cases() -> QuerySet[OffboardingCase]:
    return (
        OffboardingCase.objects.select_related("person", "departure", "owner", "batch")
        .annotate(doors_count=Count("doors"), proven_count=Count("doors", filter=PROVEN))
        .order_by(F("closed_at").asc(nulls_first=True), "departure__at")
    )


def doors(case: OffboardingCase) -> QuerySet[CaseDoor]:
    return case.doors.select_related(
        "revocation__grant__channel",
        "revocation__assigned_to",
        "revocation__attested_by",
        "revocation__confirmed_by",
        "acceptance__asked_by",
        "acceptance__accepted_by",
    ).order_by("revocation__order", "revocation__grant__channel__name", "pk")


def doors_outside(case: OffboardingCase) -> QuerySet[AccessGrant]:
    """The leaver's doors that stand open and that this case does not see to. Our own way in is nobody's door.

    Somebody who came back has new grants, and those are not this case's; a door that was left open to them on purpose
    (its revocation was withdrawn) is settled.
    """
    standing = AccessGrant.objects.standing().filter(person=case.person_id, ours=False)
    inside = CaseDoor.objects.filter(case=case, revocation__grant=OuterRef("pk"))
    if case.departure.returned_at:
        standing = standing.filter(starts_at__lt=case.departure.returned_at)
    else:
        inside = inside.exclude(revocation__state="cancelled")
    return standing.filter(~Exists(inside))


def closed_too_early() -> QuerySet[OffboardingCase]:
    """Closed cases of people who are away, and of whom a door stands open that the case does not see to."""
    inside = CaseDoor.objects.filter(case=OuterRef(OuterRef("pk")), revocation__grant=OuterRef("pk"))
    inside = inside.exclude(revocation__state="cancelled")
    standing = AccessGrant.objects.standing().filter(person=OuterRef("person"), ours=False)
    closed = OffboardingCase.objects.filter(
        state=OffboardingCase.State.CLOSED, departure__withdrawn_at=None, departure__returned_at=None
    )
    return closed.filter(Exists(standing.filter(~Exists(inside))))


def doors_before(person: Person) -> QuerySet[AccessGrant]:
    """The dry run: every door that stands open today, as the sweep would take it."""
    doors = AccessGrant.objects.standing().filter(person=person, ours=False)
    return doors.select_related("channel").order_by("channel__name", "channel", "door", "pk")


def channels_left(person: Person) -> QuerySet[Channel]:
    """Channels that are still theirs."""
    return Channel.objects.filter(owner=person).exclude(state=Channel.State.ARCHIVED).order_by("name", "pk")


def authorised_by(person: Person) -> QuerySet[Connection]:
    """Live connections that hang on this person's own access: the network lists no door of ours there."""
    listed = AccessGrant.objects.standing().filter(channel=OuterRef("channel"), ours=True, source="observed")
    live = Connection.objects.filter(authorised_by=person, state="live").exclude(channel__state="archived")
    return live.filter(~Exists(listed)).select_related("channel").defer("sealed_secrets", "sealed_webhook_secret")


def work_left(person: Person) -> dict[str, QuerySet]:
    """What the leaver leaves behind in this application, apart from access."""
    return {
        "publications": Publication.objects.filter(
            answerable=person, state__in=["scheduled", "blocked", "held", "unknown", "needs_human"]
        ),
        "recurrences": Recurrence.objects.filter(answerable=person, ended_at=None, variant__removed_at=None),
        "approvals": publishing_queries.asked_of(person),
        "conversations": Conversation.objects.filter(assigned_to=person).exclude(state=Conversation.State.RESOLVED),
        "endpoints": WebhookEndpoint.objects.filter(answerable=person, ended_at=None),
    }


def work_counts(person: Person) -> dict[str, int]:
    """How much of each there is, and what went out in their name after they left (there should be none). One query."""
    left = Departure.objects.filter(person=person, withdrawn_at=None).order_by("-at").values("at")[:1]
    out = Publication.objects.filter(answerable=person, state="done", settled_at__gt=left)
    custody = {"channels": channels_left(person), "connections": authorised_by(person)}
    counts = {name: count_of(rows) for name, rows in {**work_left(person), **custody, "went_out": out}.items()}
    return Person.objects.filter(pk=person.pk).values_list(JSONObject(**counts), flat=True).get()


def reach(at: datetime) -> QuerySet[AccessGrant]:
    """Who could reach what at that moment, through every door that the ledger knows.

    A right here ends at the minute of its holder's departure: every permission reads the departure, and the sweep, when
    it comes by, stamps that minute on the row. One that was recorded late ends it when it was recorded: until then
    nothing here knew of it, and the person could reach. Doors over there stand until they are shut.
    """
    gone = Departure.objects.filter(person=OuterRef("person"), withdrawn_at=None, at__lte=at, recorded_at__lte=at)
    gone = gone.filter(Q(returned_at=None) | Q(returned_at__gt=at))
    return (
        AccessGrant.objects.standing(at)
        .exclude(Q(door=Door.RIGHT) & Exists(gone))
        .select_related("channel", "person", "identity", "granted_by", "revoked_by")
        .order_by("channel__name", "channel__handle", "person__name", "door", "pk")
    )


def population(at: datetime) -> dict[str, int]:
    """How many channels and people the export speaks of, so that a missing row can be told from a missing door."""
    return {
        "channels": Channel.objects.filter(created_at__lte=at).count(),
        "people": Person.objects.filter(created_at__lte=at).count(),
    }


def trail(case: OffboardingCase) -> QuerySet[AuditEvent]:
    """What the audit trail holds about this departure: the person, their doors, and the case."""
    revocations = case.doors.values(key=Cast("revocation_id", CharField()))
    grants = case.doors.values(key=Cast("revocation__grant_id", CharField()))
    return audible(
        AuditEvent.objects.filter(
            Q(subject_type="person", subject_id=str(case.person_id))
            | Q(subject_type="revocation", subject_id__in=revocations)
            | Q(subject_type="accessgrant", subject_id__in=grants)
        )
        .select_related("seal")
        .order_by("pk")
    )


def grades(case: OffboardingCase) -> Counter:
    """How many doors carry each grade of proof; "" counts those without one."""
    return Counter(case.doors.values_list("revocation__proof", flat=True))


def _how_far(case: OffboardingCase) -> str:
    if case.swept_at is None:
        return "Nothing is shut yet: everything is at the minute they leave"
    return f"{case.proven_count} of {case.doors_count} doors proven shut"


def waiting_for(person: Person) -> list[Waiting]:
    """Open cases that this administrator can move, the earliest departure first."""
    if not may_read(person):
        return []
    rows = cases().filter(state=OffboardingCase.State.OPEN).exclude(person=person)[:10]
    return [
        Waiting(
            title=f"See {case.person.name} out",
            detail=_how_far(case),
            url=f"/offboarding/{case.pk}/",
            action="Open case",
            due_at=case.departure.at + SHUT_WITHIN,
        )
        for case in rows
    ]
