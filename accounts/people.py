"""People and their roles: who is known here, and what they may do company-wide."""

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from accounts import audit, inviting
from accounts.departing import mark_departed, sweep_departed, withdraw_departure
from accounts.inviting import accept, invite
from accounts.models import Person, Role, RoleAssignment, Team, TeamMembership
from accounts.permissions import administrators_in_turn, is_present, people_with_role, require_role
from accounts.queries import another_administrator

__all__ = [
    "accept", "add_first_administrator", "add_person", "change_person", "end_role", "give_role", "invite",
    "join_team", "leave_team", "mark_departed", "sweep_departed", "welcome", "withdraw_departure",
]  # fmt: skip

audit.register("person.added", "added a person")
audit.register("person.changed", "changed a person’s details")
audit.register("role.given", "gave a role")
audit.register("role.ended", "took a role away")
audit.register("team.joined", "added somebody to a team")
audit.register("team.left", "took somebody out of a team")


@transaction.atomic
def add_first_administrator(name: str, email: str) -> Person:
    """The one person nobody has to allow. Refused as soon as there is an administrator."""
    administrators_in_turn()
    if people_with_role(Role.ADMIN).exists():
        raise ValidationError("There is an administrator already. Ask them for an invitation.")
    person = _add(name, email, by=None)
    _give(person, Role.ADMIN, by=None)
    return person


@transaction.atomic
def add_person(name: str, email: str, by: Person, **details) -> Person:
    """A human of record, without a login until they accept an invitation. Details: title, time_zone, manager."""
    require_role(by, Role.ADMIN)
    return _add(name, email, by, **details)


@transaction.atomic
def welcome(name: str, email: str, by: Person, role: str = "", invite: bool = False, **details) -> Person:
    """Somebody new, with a role and an invitation if they are to have them: all of it or nothing."""
    person = add_person(name, email, by, **details)
    if role:
        give_role(person, role, by)
    if invite:
        inviting.invite(person, by)
    return person


@transaction.atomic
def change_person(person: Person, by: Person, **details: str) -> Person:
    """Their own details by themselves (time zone), or any by an administrator: name, title, time_zone."""
    if person != by or details.keys() - {"time_zone"}:
        require_role(by, Role.ADMIN)
    person = Person.objects.select_for_update().get(pk=person.pk)
    before = {name: getattr(person, name) for name in details}
    for name, value in details.items():
        setattr(person, name, value)
    person.full_clean()
    person.save(update_fields=list(details))
    audit.record(by, "person.changed", person, before=before, after=details)
    return person


@transaction.atomic
def give_role(person: Person, role: str, by: Person) -> RoleAssignment:
    """An administrator gives a role to somebody else, never to themselves."""
    require_role(by, Role.ADMIN)
    if person == by:
        raise ValidationError("Nobody gives themselves a role. Ask another administrator.")
    _check_role(role)
    person = Person.objects.select_for_update().get(pk=person.pk)
    if not is_present(person):
        raise ValidationError(f"{person} has left, so no role can be given to them.")
    held = RoleAssignment.objects.filter(person=person, role=role, ended_at=None).first()
    return held or _give(person, Role(role), by)


@transaction.atomic
def end_role(person: Person, role: str, by: Person) -> None:
    administrators_in_turn()
    require_role(by, Role.ADMIN)
    _check_role(role)
    held = RoleAssignment.objects.select_for_update().filter(person=person, role=role, ended_at=None).first()
    if held is None:
        raise ValidationError(f"{person} does not have the role {Role(role).label.lower()}.")
    if role == Role.ADMIN and not another_administrator(person):
        raise ValidationError(f"{person} is the only administrator. Make somebody else administrator first.")
    held.ended_at = Now()
    held.save(update_fields=["ended_at"])
    audit.record(by, "role.ended", person, role=str(role))


@transaction.atomic
def join_team(person: Person, team: str, by: Person) -> TeamMembership:
    require_role(by, Role.ADMIN)
    found, _ = Team.objects.get_or_create(name=team.strip())
    membership, made = TeamMembership.objects.get_or_create(team=found, person=person)
    if made:
        audit.record(by, "team.joined", person, team=found.name)
    return membership


@transaction.atomic
def leave_team(membership: TeamMembership, by: Person) -> None:
    require_role(by, Role.ADMIN)
    audit.record(by, "team.left", membership.person, team=membership.team.name)
    membership.delete()


def _add(name: str, email: str, by: Person | None, **details) -> Person:
    person = Person(name=name.strip(), email=email.strip().lower(), **details)
    person.full_clean(validate_unique=False)
    try:
        with transaction.atomic():
            person.save()
    except IntegrityError as error:
        raise ValidationError({"email": f"{person.email} belongs to somebody who is here already."}) from error
    audit.record(by, "person.added", person, email=person.email)
    return person


def _check_role(role: str) -> None:
    if role not in Role.values:
        raise ValidationError({"role": f"“{role}” is not a role. Use one of: {', '.join(Role.values)}."})


def _give(person: Person, role: Role, by: Person | None) -> RoleAssignment:
    given = RoleAssignment.objects.create(person=person, role=role, given_by=by)
    audit.record(by, "role.given", person, role=str(role))
    return given
