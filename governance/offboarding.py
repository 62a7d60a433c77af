"""Seeing a leaver out: every door they had becomes a revocation, and the case stays open until each is graded.

The departure itself is a fact of accounts and needs none of this to hold: from its minute on the leaver is out of
Socialops. This opens the case, shuts the doors over there, hands the work over, and keeps the proof.
"""

from collections.abc import Iterable
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now

from accounts import audit, notifying
from accounts.models import Departure, Person
from accounts.models.person import Role
from accounts.permissions import is_present, people_with_role
from channels_registry import requesting, transferring
from channels_registry.models import Proof, Revocation
from governance import queries
from governance.models import CaseDoor, OffboardingCase, RiskAcceptance
from governance.permissions import require_steerer
from inbox import triaging
from publishing import delegating
from socialops.lib import turns
from socialops.lib.turns import safely

audit.register("offboarding_case.opened", "opened the offboarding case")
audit.register("offboarding_case.swept", "began to shut every door of theirs")
audit.register("offboarding_case.withdrawn", "withdrew the offboarding case")
audit.register("offboarding_case.successor_named", "named who takes over the channels of somebody who leaves")
audit.register("offboarding_case.closed", "closed the offboarding case")
audit.register("offboarding_case.reopened", "found a door of the leaver open, so the case is open again")
audit.register("risk.acceptance_asked", "asked to accept the risk of a door that cannot be proven shut")
audit.register("risk.accepted", "accepted the risk of a door that cannot be proven shut")


PREPARED_AHEAD = timedelta(seconds=30)


def begin() -> None:
    """What is due at this second: a case for whoever leaves, and their doors. Costs two queries when nobody does."""
    with turns.only_one("begin offboarding") as mine:
        if not mine:
            return
        quietly = Departure.objects.filter(quiet=True, at__gt=Now())  # a case would tell of it before its minute
        without = Departure.objects.filter(withdrawn_at=None, case=None).exclude(pk__in=quietly.values("pk"))
        for departure in without:
            safely(open_case, departure)
        soon = OffboardingCase.objects.filter(state="open", swept_at=None, departure__withdrawn_at=None)
        for case in soon.filter(departure__at__lte=Now() + PREPARED_AHEAD).order_by("departure__at", "pk"):
            safely(shut_or_prepare, case)


def sweep() -> None:
    """Bring every case in line with the departures, whatever was missed before. Safe to run twice at once.

    One case that breaks is logged and costs the others nothing.
    """
    begin()
    for case in OffboardingCase.objects.filter(state="open", departure__withdrawn_at__isnull=False):
        safely(withdraw_case, case)
    for case in queries.closed_too_early():
        safely(reopen, case)
    for case in OffboardingCase.objects.filter(state="open", departure__at__lte=Now(), departure__withdrawn_at=None):
        safely(shut_doors, case)


@transaction.atomic
def open_case(departure: Departure, by: Person | None = None) -> OffboardingCase:
    """The case of a departure, made once. The departure may lie ahead; its doors are shut from its minute on."""
    departure = Departure.objects.select_for_update(of=("self",)).select_related("person").get(pk=departure.pk)
    case, made = OffboardingCase.objects.get_or_create(
        departure=departure, defaults={"person": departure.person, "owner": departure.recorded_by}
    )
    if made:
        audit.record(by, "offboarding_case.opened", departure.person, case=case.pk, at=departure.at.isoformat())
    return case


@transaction.atomic
def withdraw_case(case: OffboardingCase) -> None:
    """The departure was withdrawn: the case ends. What was revoked stays revoked; rights come back by new grants."""
    case = OffboardingCase.objects.select_for_update(of=("self",)).select_related("departure").get(pk=case.pk)
    if case.state != OffboardingCase.State.OPEN:
        return
    requesting.call_off(case.departure)
    case.state = OffboardingCase.State.WITHDRAWN
    case.save(update_fields=["state"])
    audit.record(None, "offboarding_case.withdrawn", case.person, case=case.pk)


@transaction.atomic
def reopen(case: OffboardingCase) -> None:
    """A door of the leaver stands open that the case did not know when it was closed. Its people are told."""
    case = _locked(case)
    if case.state != OffboardingCase.State.CLOSED or not (doors := queries.doors_outside(case).count()):
        return
    case.state, case.closed_by, case.closed_at = OffboardingCase.State.OPEN, None, None
    case.save(update_fields=["state", "closed_by", "closed_at"])
    audit.record(None, "offboarding_case.reopened", case.person, case=case.pk, doors=doors)
    text = f"{_doors(doors)} open that {case.person.name} had, so the case is open again. See it shut."
    for person in _steerers(case):
        notifying.notify(person, "offboarding.reopened", text, f"/offboarding/{case.pk}/", mail=True)


def shut_or_prepare(case: OffboardingCase) -> int:
    """At its minute or after it the doors are shut; shortly before, what networks shut by API is made ready."""
    come = Departure.objects.filter(pk=case.departure_id, at__lte=Now()).exists()
    return shut_doors(case) if come else prepare_doors(case)


@transaction.atomic
def prepare_doors(case: OffboardingCase) -> int:
    """Revocations that wait in their lane for the minute, so that then nothing stands between it and the network."""
    case = _locked(case)
    if case.state != OffboardingCase.State.OPEN or case.departure.withdrawn_at:
        return 0
    doors = queries.doors_outside(case).exclude(door="right").exclude(remote_id="")
    return _take_in(case, requesting.prepare(doors, case.departure, _why(case))) if doors.exists() else 0


@transaction.atomic
def shut_doors(case: OffboardingCase) -> int:
    """A revocation for each door that stands open and is not in the case yet; how many were new.

    Runs again at every sweep, so a door that is discovered later joins the case.
    """
    case = _locked(case)
    if case.state != OffboardingCase.State.OPEN:
        return 0
    prepared = requesting.came_due(case.departure) if case.swept_at is None else 0
    doors = prepared + _take_in(case, requesting.request_all(queries.doors_outside(case), _why(case)))
    transferring.transfer_channels(case.person, case.successor, _voucher(case))
    transferring.pass_tasks_on(case.person)
    if case.swept_at is None:
        _hand_over_work(case)
        case.swept_at = Now()
        case.save(update_fields=["swept_at"])
    if doors:
        audit.record(None, "offboarding_case.swept", case.person, case=case.pk, doors=doors)
    return doors


@transaction.atomic
def name_successor(case: OffboardingCase, successor: Person, by: Person) -> OffboardingCase:
    """Who gets the channels of theirs that have no backup owner. Where they have left already, at once."""
    case = _locked(case)
    require_steerer(by, case)
    if case.state != OffboardingCase.State.OPEN:
        raise ValidationError(f"This case is {case.get_state_display().lower()} already.")
    if successor == case.person or not is_present(successor):
        raise ValidationError({"successor": f"{successor} leaves or has left. Name somebody who stays."})
    case.successor = successor
    case.save(update_fields=["successor"])
    audit.record(by, "offboarding_case.successor_named", case.person, case=case.pk, successor=successor.pk)
    if case.swept_at is not None:
        transferring.transfer_channels(case.person, successor, by)
    return case


def _voucher(case: OffboardingCase) -> Person | None:
    return case.owner if case.owner and is_present(case.owner) else None


def _take_in(case: OffboardingCase, revocations: Iterable[Revocation]) -> int:
    rows = [CaseDoor(case=case, revocation=revocation) for revocation in revocations]
    CaseDoor.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _why(case: OffboardingCase) -> str:
    return f"{case.person.name} left"


def _locked(case: OffboardingCase) -> OffboardingCase:
    rows = OffboardingCase.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("person", "departure", "owner", "successor").get(pk=case.pk)


def _steerers(case: OffboardingCase) -> list[Person]:
    """The case's owner; every other administrator where there is none, or the owner has left as well."""
    if case.owner and is_present(case.owner):
        return [case.owner]
    return list(people_with_role(Role.ADMIN).exclude(pk=case.person_id))


def _hand_over_work(case: OffboardingCase) -> None:
    """Conversations and approvals go to the backups. Publications wait: somebody has to adopt each by name."""
    triaging.hand_over(case.person, by=None)
    delegating.hand_over(case.person, by=None)
    if case.owner:
        notifying.notify(
            case.owner,
            "offboarding.swept",
            f"{case.person.name} has left. Follow the doors until each is proven shut.",
            f"/offboarding/{case.pk}/",
            mail=True,
        )


@transaction.atomic
def ask_acceptance(door: CaseDoor, by: Person, reason: str) -> RiskAcceptance:
    """Say why a door cannot be proven shut. Somebody else has to accept it by name. Asked again, it is the same."""
    door = CaseDoor.objects.select_for_update(of=("self",)).select_related("case__person", "revocation").get(pk=door.pk)
    require_steerer(by, door.case)
    if not reason.strip():
        raise ValidationError({"reason": "Say what was tried and why it cannot be proven."})
    if door.revocation.proof != Proof.NOT_PROVABLE:
        raise ValidationError("Only a door graded “not provable” needs its risk accepted.")
    if accepted := RiskAcceptance.objects.filter(door=door, accepted_by__isnull=False).first():
        raise ValidationError(f"{accepted.accepted_by} has accepted this already.")
    acceptance, _ = RiskAcceptance.objects.update_or_create(
        door=door, defaults={"asked_by": by, "reason": reason.strip()}
    )
    audit.record(by, "risk.acceptance_asked", door.case.person, door=door.pk, reason=acceptance.reason)
    return acceptance


@transaction.atomic
def accept_risk(acceptance: RiskAcceptance, by: Person) -> None:
    """Take the named responsibility for a door that stays unproven. Never the person who asked."""
    acceptance = (
        RiskAcceptance.objects.select_for_update(of=("self",))
        .select_related("door__case__person", "door__revocation")
        .get(pk=acceptance.pk)
    )
    require_steerer(by, acceptance.door.case)
    if acceptance.asked_by_id == by.pk:
        raise ValidationError("You asked for this yourself. Somebody else has to accept the risk.")
    if acceptance.door.revocation.attested_by_id == by.pk:
        raise ValidationError("You said yourself that it cannot be shown. Somebody else has to accept the risk.")
    if acceptance.accepted_by_id:
        raise ValidationError(f"{acceptance.accepted_by} has accepted this already.")
    acceptance.accepted_by, acceptance.accepted_at = by, Now()
    acceptance.save(update_fields=["accepted_by", "accepted_at"])
    audit.record(by, "risk.accepted", acceptance.door.case.person, door=acceptance.door_id, reason=acceptance.reason)


@transaction.atomic
def close(case: OffboardingCase, by: Person) -> None:
    """Close the case when every door is graded and every unprovable one accepted. Otherwise says what is missing."""
    case = _locked(case)
    require_steerer(by, case)
    if case.state != OffboardingCase.State.OPEN:
        raise ValidationError(f"This case is {case.get_state_display().lower()} already.")
    if missing := what_is_missing(case):
        raise ValidationError(missing)
    case.state, case.closed_by, case.closed_at = OffboardingCase.State.CLOSED, by, Now()
    case.save(update_fields=["state", "closed_by", "closed_at"])
    audit.record(by, "offboarding_case.closed", case.person, case=case.pk)


def what_is_missing(case: OffboardingCase) -> list[str]:
    """Why the case cannot be closed yet, in plain words; empty when it can."""
    if case.swept_at is None:
        return [f"{case.person.name} has not left yet. The doors are shut at the minute of the departure."]
    missing = []
    if count := queries.doors_outside(case).count():
        missing.append(f"{_doors(count)} open and not in this case yet; the next sweep takes care of it.")
    if count := queries.channels_left(case.person).count():
        missing.append(f"{_channels(count)} still theirs. Name who takes over.")
    if count := queries.authorised_by(case.person).count():
        missing.append(f"{_channels(count)} still connected through them. Connect again through somebody who stays.")
    ungraded = case.doors.exclude(revocation__stage=Revocation.Stage.VERIFIED)
    ungraded = ungraded.exclude(revocation__proof=Proof.NOT_PROVABLE).exclude(revocation__state="cancelled")
    if count := ungraded.count():
        missing.append(f"{_doors(count)} not proven shut yet.")
    unaccepted = case.doors.filter(revocation__proof=Proof.NOT_PROVABLE, acceptance__accepted_by=None)
    if count := unaccepted.count():
        missing.append(f"{_doors(count)} not provable; a second person has to accept the risk by name.")
    return missing


def _channels(count: int) -> str:
    return "1 channel is" if count == 1 else f"{count} channels are"


def _doors(count: int) -> str:
    return "1 door is" if count == 1 else f"{count} doors are"
