"""Movers: another manager or another team. The fact is kept here; what it means for access is looked at above."""

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import audit
from accounts.models import DirectoryKey, Move, Person, Team, TeamMembership

audit.register("person.moved", "recorded that somebody has another manager or team")


@transaction.atomic
def move(person: Person, key: DirectoryKey, manager: Person | None = None, team: str = "") -> Move | None:
    """`manager` None and `team` "" leave that as it is. The teams of before are left. None: nothing changed."""
    person = Person.objects.select_for_update().get(pk=person.pk)
    if manager == person:
        raise ValidationError("Nobody is their own manager.")
    teams = list(TeamMembership.objects.filter(person=person).select_related("team").order_by("team__name"))
    names, team = [each.team.name for each in teams], team.strip()[:120]
    joins = team if team and [each.casefold() for each in names] != [team.casefold()] else ""
    managed_by = manager if manager and manager.pk != person.manager_id else None
    if not joins and managed_by is None:
        return None
    moved = Move.objects.create(
        person=person, manager_before_id=person.manager_id, manager=manager or person.manager, teams_before=names,
        team=joins, key=key,
    )  # fmt: skip
    if managed_by:
        person.manager = managed_by
        person.save(update_fields=["manager"])
    if joins:
        TeamMembership.objects.filter(person=person).delete()
        found = Team.objects.filter(name__iexact=joins).first() or Team.objects.create(name=joins)
        TeamMembership.objects.create(team=found, person=person)
    audit.record(
        None, "person.moved", person, manager=moved.manager_id, teams_before=names, team=joins, **key.provenance()
    )
    return moved


def note_manager(person: Person, before: int | None, key: DirectoryKey) -> None:
    """The directory changed somebody's manager (accounts.provisioning): the same fact."""
    if before is None or before == person.manager_id:
        return
    names = list(TeamMembership.objects.filter(person=person).values_list("team__name", flat=True))
    Move.objects.create(person=person, manager_before_id=before, manager=person.manager, teams_before=names, key=key)
