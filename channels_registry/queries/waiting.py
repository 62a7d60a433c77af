"""What waits for somebody here, and what is broken, for Today and the rail."""

from dataclasses import replace
from datetime import timedelta

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.urls import reverse

from accounts.models import Person, Role
from accounts.permissions import role_exists
from channels_registry.health import SOON_DAYS, day_words, days_left
from channels_registry.models import Channel, Connection, Proof, Revocation
from channels_registry.permissions import channels_with
from channels_registry.queries.doors import asked_of, identities_waiting
from channels_registry.queries.registered import register_waiting
from socialops.lib.waiting import Waiting

SHOWN = 50


def waiting_for(person: Person) -> list[Waiting]:
    """Doors to shut by hand, and doors to confirm. One query."""
    rows = Revocation.objects.filter(asked_of(person) | Q(pk__in=_to_confirm(person).values("pk")))
    return [
        _waiting(each, "Look as well", f"{each.attested_by} attests that it is shut.", "Confirm")
        if each.proof == Proof.ATTESTED
        else _waiting(each, "Shut by hand", each.reason or each.reason_for, "Take it")
        for each in _with_doors(rows)
    ]


def trouble(person: Person) -> list[Waiting]:
    """Dead connections, ending tokens, single administrators and overdue records on channels this person answers for;
    accounts that imitate us and proposed channels that wait for them; ways in that are nobody's. Three queries.
    """
    mine = answered_for(person).exclude(state="archived")
    return [*_connections(mine), *register_waiting(person, mine), *_identities(person)]


def answered_for(person: Person) -> QuerySet[Channel]:
    """The channels whose trouble is this person's: owned, backed up, managed; all of them for administrators."""
    managed = channels_with(person, "manage").values("pk")
    own = Q(owner=person) | Q(backup_owner=person) | Q(pk__in=managed)
    return Channel.objects.filter(role_exists(person, Role.ADMIN) | own)


def _to_confirm(person: Person) -> QuerySet[Revocation]:
    attested = Revocation.objects.filter(stage="revoked", proof=Proof.ATTESTED)
    mine = Q(grant__channel__owner=person) | Q(grant__channel__backup_owner=person)
    mine |= Q(grant__channel__in=channels_with(person, "manage").values("pk"))
    return attested.filter(mine).exclude(attested_by=person).exclude(grant__person=person)


def _with_doors(rows: QuerySet[Revocation]) -> list[Revocation]:
    return list(rows.select_related("grant__channel", "grant__person", "attested_by").order_by("due_at")[:SHOWN])


def _waiting(revocation: Revocation, verb: str, detail: str, action: str) -> Waiting:
    grant = revocation.grant
    whose = f"{grant.person}’s " if grant.person else ""
    title = f"{verb}: {whose}{grant.get_door_display().lower()} on {grant.channel.name}"
    return Waiting(title, detail, reverse("revocation", args=[revocation.pk]), action, revocation.due_at)


def _identities(person: Person) -> list[Waiting]:
    count = identities_waiting(person).count()
    if not count:
        return []
    title = "1 way in is nobody’s yet" if count == 1 else f"{count} ways in are nobody’s yet"
    return [
        Waiting(title, "Say whose each is, so that it is shut when they leave.", reverse("identity_list"), "Say whose")
    ]


def _connections(mine: QuerySet[Channel]) -> list[Waiting]:
    soon = Q(expires_at__lte=Now() + timedelta(days=SOON_DAYS), proven_at__lt=F("expires_at") - timedelta(days=2))
    bad = Connection.objects.filter(Q(state="disconnected") | Q(soon, state="live"), channel__in=mine)
    rows = bad.select_related("channel").defer("sealed_secrets", "sealed_webhook_secret").order_by("expires_at")
    return [_connection(row) for row in rows[:SHOWN] if row.state == "disconnected" or row.trouble]


def _connection(row: Connection) -> Waiting:
    name, connect, left = row.channel.name, reverse("connection_new", args=[row.channel_id]), days_left(row)
    dead = Waiting(
        f"{name} is disconnected", row.trouble, connect, "Connect again", tone="risk", channel=row.channel_id
    )
    if left is None:
        return dead
    tone = "risk" if left <= 7 else "wait"
    return replace(dead, title=f"{name}: the token ends", due_at=row.expires_at, tone=tone, word=day_words(left))
