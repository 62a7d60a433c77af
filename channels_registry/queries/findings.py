"""Declared against observed: where the whole lists that networks gave do not agree with what is said here."""

from collections.abc import Iterator
from typing import Any

from django.db.models import BigIntegerField, Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Lower, Now

from accounts.models import Person, Role
from accounts.permissions import role_exists
from channels_registry.models import AccessGrant, Channel, Connection, Finding, Revocation
from channels_registry.models.access_grant import Door
from channels_registry.permissions import SEES_EVERYTHING, channels_with

LISTED = (Door.ROLE, Door.APP_PASSWORD, Door.APP, Door.INVITATION)  # what a network may list
Kind = Finding.Kind


def drift() -> Iterator[tuple[str, int, int, int | None]]:
    """(kind, channel, the door, what is declared where that is another row) of everything that does not agree now.

    Only whole lists are in the ledger: a network that fails halfway has changed nothing, so nothing drifts by it.
    Five queries, whatever the number of channels. What is being shut already is no finding.
    """
    for kind, doors in _kinds().items():
        doors = doors if kind in TWINS else doors.annotate(twin=Value(None, output_field=BigIntegerField()))
        for row in doors.values("channel", "pk", "twin"):
            yield kind, row["channel"], row["pk"], row["twin"]


def findings_for(person: Person) -> QuerySet[Finding]:
    """What is not settled on the channels that this person answers for, or reads by their role; the riskiest first."""
    return (
        Finding.objects.exclude(state=Finding.State.SETTLED)
        .filter(channel__in=read_by(person).values("pk"))
        .select_related("channel", "grant__person", "grant__identity", "declared", "decided_by", "asked_by")
        .order_by("found_at", "pk")
    )


def read_by(person: Person) -> QuerySet[Channel]:
    """The channels whose findings this person may look at."""
    own = Q(owner=person) | Q(backup_owner=person) | Q(pk__in=decided_by(person).values("pk"))
    return Channel.objects.filter(role_exists(person, *SEES_EVERYTHING) | own)


def decided_by(person: Person) -> QuerySet[Channel]:
    """The channels on which findings are this person's to decide: those that they manage, all for administrators."""
    managed = Q(pk__in=channels_with(person, "manage").values("pk"))
    return Channel.objects.filter(role_exists(person, Role.ADMIN) | managed)


def open_findings(person: Person) -> QuerySet[Finding]:
    """Those that wait for this person."""
    mine = Finding.objects.filter(state=Finding.State.OPEN, channel__in=decided_by(person).values("pk"))
    return mine.exclude(grant__person=person)


def _kinds() -> dict[str, Any]:
    standing = AccessGrant.objects.standing().filter(~Exists(_being_shut("pk")), ours=False)
    observed = standing.filter(source=AccessGrant.Source.OBSERVED)
    declared = standing.filter(source=AccessGrant.Source.DECLARED, door__in=LISTED)
    said = declared.filter(_same_door(), person=OuterRef("person")).order_by("-starts_at")
    over = AccessGrant.objects.filter(
        _same_door(), person=OuterRef("person"), source=AccessGrant.Source.DECLARED, expires_at__lte=Now(),
        expires_at__gt=OuterRef("starts_at"),
    )  # fmt: skip
    return {
        Kind.UNKNOWN: observed.filter(person=None, identity__matched_by=""),
        Kind.MISSING: declared.filter(_was_read(), ~Exists(_shown())),
        Kind.LEVEL: observed.filter(person__isnull=False)
        .annotate(twin=Subquery(said.values("pk")[:1]), said=Subquery(said.values(word=Lower("entitlement"))[:1]))
        .annotate(shown=Lower("entitlement"))
        .filter(said__isnull=False)
        .exclude(shown=F("said")),
        Kind.DEPARTED: observed.filter(person__in=Person.objects.departed().values("pk")),
        Kind.EXPIRED: observed.filter(person__isnull=False)
        .annotate(twin=Subquery(over.order_by("-expires_at").values("pk")[:1]))
        .filter(~Exists(said), twin__isnull=False),
    }


TWINS = {Kind.LEVEL, Kind.EXPIRED}


def _same_door() -> Q:
    return Q(channel=OuterRef("channel"), door=OuterRef("door"))


def _being_shut(of: str) -> QuerySet[Revocation]:
    asked = Revocation.objects.exclude(state="cancelled").exclude(stage=Revocation.Stage.VERIFIED)
    return asked.filter(grant=OuterRef(of))


def _was_read() -> Q:
    """The list was read whole since it was declared, and the network lists doors of this kind."""
    live = Connection.objects.filter(
        channel=OuterRef("channel"), state=Connection.State.LIVE, checked_at__gt=OuterRef("starts_at")
    )
    ever = AccessGrant.objects.filter(_same_door(), source=AccessGrant.Source.OBSERVED)
    return Q(Exists(live), Exists(ever))


def _shown() -> QuerySet[AccessGrant]:
    """The same door of the same person, or of nobody under the same name, on the network's list."""
    shown = AccessGrant.objects.standing().filter(_same_door(), source=AccessGrant.Source.OBSERVED)
    of_person = Q(person=OuterRef("person"))
    return shown.filter(of_person | Q(Q(label__iexact=OuterRef("label"), person=None), ~Q(label="")))
