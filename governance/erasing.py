"""Erasing the data of somebody who has left: two people decide, a worker does it, what has to be kept is told first."""

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models.functions import Now

from accounts import audit, chaining, redacting
from accounts.models import Departure, Person
from accounts.models.person import Role
from accounts.permissions import has_role, is_present
from governance import preserving
from governance.models import Erasure, EvidenceBundle, OffboardingCase
from governance.queries.erasures import What, stays
from socialops.lib import turns

audit.register("erasure.asked", "asked to erase a person’s data")
audit.register("erasure.confirmed", "confirmed that a person’s data is erased")
audit.register("erasure.withdrawn", "withdrew the erasure of a person’s data")
audit.register("erasure.done", "erased a person’s data")


@dataclass(frozen=True)
class Plan:
    """The dry run: what goes, what stays and why, and why it may not be done yet."""

    goes: list[What]
    stays: list[What]
    refusals: list[str]


def plan(person: Person) -> Plan:
    words = redacting.names_of(person)
    return Plan(
        goes=[
            What("Name, e-mail address and title", 1, "Wherever they stood, “Erased person” stands."),
            What("Ways to sign in, sessions, notifications, mails, absences", redacting.count_of(person), "Deleted."),
            What("Events of the audit trail that name them", redacting.events_of(person, words).count(),
                 "The name and what is said of them go, the event and its seal stay."),
        ],
        stays=stays(person),
        refusals=_refusals(person),
    )  # fmt: skip


@transaction.atomic
def ask(person: Person, by: Person, reason: str) -> Erasure:
    """A first administrator asks. Raises where it may not be done."""
    _require(by, person)
    if not reason.strip():
        raise ValidationError({"reason": "Say who asked for it and when, such as “their letter of 3 May”."})
    person = Person.objects.select_for_update().get(pk=person.pk)
    if refusals := _refusals(person):
        raise ValidationError(refusals)
    if Erasure.objects.filter(person=person, state__in=("asked", "confirmed")).exists():
        raise ValidationError("This was asked for already. Another administrator has to confirm it.")
    erasure = Erasure.objects.create(person=person, reason=reason.strip(), asked_by=by)
    audit.record(by, "erasure.asked", erasure, person=person.pk, reason=erasure.reason)
    return erasure


@transaction.atomic
def confirm(erasure: Erasure, by: Person) -> Erasure:
    """A second administrator. From then on a worker does it; nothing of it can be undone."""
    erasure = _locked(erasure)
    _require(by, erasure.person)
    if erasure.state != Erasure.State.ASKED:
        raise ValidationError(f"This is decided already: {erasure.get_state_display().lower()}.")
    if erasure.asked_by_id == by.pk:
        raise ValidationError("You asked for this yourself. Another administrator has to confirm it.")
    if refusals := _refusals(erasure.person):
        raise ValidationError(refusals)
    erasure.state, erasure.confirmed_by, erasure.confirmed_at = Erasure.State.CONFIRMED, by, Now()
    erasure.save(update_fields=["state", "confirmed_by", "confirmed_at"])
    audit.record(by, "erasure.confirmed", erasure, person=erasure.person_id)
    return erasure


@transaction.atomic
def withdraw(erasure: Erasure, by: Person) -> Erasure:
    erasure = _locked(erasure)
    _require(by, erasure.person)
    if erasure.state not in (Erasure.State.ASKED, Erasure.State.CONFIRMED):
        raise ValidationError(f"This is over already: {erasure.get_state_display().lower()}.")
    erasure.state, erasure.ended_at = Erasure.State.WITHDRAWN, Now()
    erasure.save(update_fields=["state", "ended_at"])
    audit.record(by, "erasure.withdrawn", erasure, person=erasure.person_id)
    return erasure


def work_due() -> int:
    """Carry out what two people have decided. One that a new legal hold forbids waits, and says so."""
    return turns.in_turn("erasures", _next, _carry_out, seconds=1.0)


def _next() -> Erasure | None:
    return Erasure.objects.filter(state=Erasure.State.CONFIRMED, problem="").order_by("pk").first()


def _carry_out(erasure: Erasure) -> None:
    chaining.seal(thoroughly=True)  # what has no seal yet is not erased, so that its seal is of what it said
    with transaction.atomic():
        erasure = _locked(erasure)
        if erasure.state != Erasure.State.CONFIRMED:
            return
        if refusals := _refusals(erasure.person):
            erasure.problem = " ".join(refusals)[:300]
            erasure.save(update_fields=["problem"])
            return
        words = redacting.names_of(erasure.person)
        gone = redacting.forget_person(erasure.person)
        erasure.person.refresh_from_db()
        events = redacting.redact(erasure.person, words)
        erasure.gone = {"events": events, **gone}
        EvidenceBundle.objects.filter(kind="person", scope__person=erasure.person_id).update(
            title=f"Access of erased person {erasure.person_id}"
        )
        erasure.state, erasure.ended_at = Erasure.State.DONE, Now()
        erasure.save(update_fields=["gone", "state", "ended_at"])
        audit.record(None, "erasure.done", erasure, person=erasure.person_id, events=events)


def _refusals(person: Person) -> list[str]:
    said = []
    if is_present(person) or not Departure.objects.filter(person=person, withdrawn_at=None, returned_at=None).exists():
        said.append(f"{person.name} has not left. Record their departure first.")
    if OffboardingCase.objects.filter(person=person, state=OffboardingCase.State.OPEN).exists():
        said.append("Their offboarding is open. Close it first: each door has to be graded while their name is known.")
    kept = preserving.kept()
    if kept.everything or kept.periods or person.pk in kept.people:
        said.append("A legal hold covers them. Nothing is erased until it is lifted.")
    elif kept.channels & set(person.grants.values_list("channel_id", flat=True)):
        said.append("A legal hold covers a channel that they could reach. Nothing is erased until it is lifted.")
    return said


def _locked(erasure: Erasure) -> Erasure:
    return Erasure.objects.select_for_update(of=("self",)).select_related("person", "asked_by").get(pk=erasure.pk)


def _require(by: Person, person: Person) -> None:
    if not has_role(by, Role.ADMIN):
        raise PermissionDenied("Only administrators erase a person’s data, two of them together.")
    if by.pk == person.pk:
        raise PermissionDenied("This is about you. Two other administrators have to do this.")
