"""Doors that wait for a person have a clock: at half of it that person is reminded, at its end everybody who could act.

24 hours from when the door was due to be shut, four on a high-risk channel. A second look has the same clock.
"""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Case, DateTimeField, DurationField, ExpressionWrapper, F, Q, QuerySet, Value, When
from django.db.models.functions import Now

from accounts import audit, notifying
from accounts.models import Person, Role
from accounts.permissions import people_with_role
from channels_registry.models import Channel, Proof, Revocation
from channels_registry.models.access_grant import AccessGrant

audit.register("revocation.reminded", "was reminded of a door to shut by hand")
audit.register("revocation.escalated", "told everybody who could shut a door that its time is up")

HOURS = {Channel.RiskTier.HIGH: 4}
HOURS_ELSE = 24
AT_ONCE = 200


def hours_for(channel: Channel) -> int:
    """How long a door of this channel may wait for a person."""
    return HOURS.get(Channel.RiskTier(channel.risk_tier), HOURS_ELSE)


def with_clock(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Each with `allowed` (a time span) and `late_at`, when its time is up."""
    spans = [When(grant__channel__risk_tier=tier, then=Value(timedelta(hours=hours))) for tier, hours in HOURS.items()]
    allowed = Case(*spans, default=Value(timedelta(hours=HOURS_ELSE)), output_field=DurationField())
    late_at = ExpressionWrapper(F("due_at") + F("allowed"), output_field=DateTimeField())
    return rows.annotate(allowed=allowed).annotate(late_at=late_at)


def waiting_for_people() -> QuerySet[Revocation]:
    """Doors that nothing but a person moves: to be shut by hand, stuck, or to be looked at by a second one."""
    by_hand = Q(guided=True, stage__in=["pending", "in_hand", "failed"]) & ~Q(proof=Proof.NOT_PROVABLE)
    stuck = Q(state__in=["blocked", "failed", "needs_human"], stage__in=["pending", "in_hand", "failed"])
    second = Q(stage="revoked", proof__in=[Proof.ATTESTED, ""])
    rows = Revocation.objects.filter(by_hand | stuck | second).exclude(state="cancelled")
    return rows.exclude(proof=Proof.NOT_PROVABLE)


def remind() -> int:
    """Whoever has the task at half of its time, everybody who could act at its end; each once. Returns how many."""
    waiting = with_clock(waiting_for_people())
    half = ExpressionWrapper(F("due_at") + F("allowed") / 2, output_field=DateTimeField())
    late = waiting.filter(escalated_at=None, late_at__lte=Now()).values_list("pk", flat=True)
    told = sum(_escalate(pk) for pk in late[:AT_ONCE])
    soon = waiting.annotate(half=half).filter(reminded_at=None, escalated_at=None, half__lte=Now(), late_at__gt=Now())
    return told + sum(_remind(pk) for pk in soon.exclude(assigned_to=None).values_list("pk", flat=True)[:AT_ONCE])


@transaction.atomic
def _remind(pk: int) -> bool:
    revocation = _taken(pk, reminded_at=None)
    if revocation is None or revocation.assigned_to is None:
        return False
    hours = int((revocation.late_at - revocation.due_at).total_seconds() // 3600)
    words = f"Half of the {hours} hours are gone, and it is not shut: {revocation.grant}."[:300]
    notifying.notify(revocation.assigned_to, "revocation.waits", words, f"/revocations/{pk}/", mail=True)
    Revocation.objects.filter(pk=pk).update(reminded_at=Now())
    audit.record(None, "revocation.reminded", revocation, person=revocation.assigned_to_id)
    return True


@transaction.atomic
def _escalate(pk: int) -> bool:
    revocation = _taken(pk, escalated_at=None)
    if revocation is None:
        return False
    words = f"Its time is up, and it is not proven shut: {revocation.grant}."[:300]
    people = _who_could(revocation.grant, revocation.assigned_to)
    for person in people:
        notifying.notify(person, "revocation.late", words, f"/revocations/{pk}/", mail=True)
    Revocation.objects.filter(pk=pk).update(escalated_at=Now())
    audit.record(None, "revocation.escalated", revocation, people=[person.pk for person in people])
    return True


def _taken(pk: int, **still: None) -> Any:
    """The row, ours until the end, if it still waits. Two workers tell nobody twice."""
    rows = with_clock(waiting_for_people().filter(pk=pk, **still))
    return rows.select_for_update(of=("self",), no_key=True, skip_locked=True).select_related("grant__channel").first()


def _who_could(grant: AccessGrant, assigned: Person | None) -> list[Person]:
    """In the order of their ids, as whoever tells them all takes their rows; never the one whose door it is."""
    near = {grant.channel.owner_id, grant.channel.backup_owner_id, assigned.pk if assigned else None}
    near |= set(people_with_role(Role.ADMIN).values_list("pk", flat=True))
    return list(Person.objects.present().filter(pk__in=near - {grant.person_id, None}).order_by("pk"))
