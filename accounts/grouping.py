"""Teams as the company’s directory says they are. What is open is open to people: a team alone opens nothing."""

from collections.abc import Callable
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now

from accounts import audit, entrusting
from accounts.models import DirectoryKey, Person, Team, TeamMembership
from accounts.provisioning import LONGEST_NAME, Taken, names_in_turn

MOST_MEMBERS = 20_000

audit.register("team.made", "made a team")
audit.register("team.renamed", "gave a team another name")
audit.register("team.removed", "removed a team")


@dataclass(frozen=True)
class Roll:
    """What the directory says of a team: its name, its id over there, and who is in it."""

    name: str
    external_id: str
    members: frozenset[int]


@transaction.atomic
def make_team(key: DirectoryKey, roll: Roll) -> Team:
    key = _begin(key)
    _refuse_taken(roll.name, None)
    team = Team.objects.create(name=_name(roll), external_id=_external(roll))
    audit.record(None, "team.made", team, **key.provenance())
    _fill(team, roll.members, key)
    return team


@transaction.atomic
def revise_team(key: DirectoryKey, pk: int, change: Callable[[Team], Roll]) -> Team:
    """`change` is asked with the row locked, and may refuse by raising."""
    key = _begin(key)
    team = Team.objects.select_for_update().get(pk=pk)
    roll = change(team)
    if _name(roll) != team.name:
        _refuse_taken(roll.name, team)
        audit.record(None, "team.renamed", team, name=_name(roll), **key.provenance())
    team.name, team.external_id = _name(roll), _external(roll)
    team.version, team.changed_at = team.version + 1, Now()
    team.save()
    _fill(team, roll.members, key)
    return team


@transaction.atomic
def remove_team(key: DirectoryKey, pk: int, check: Callable[[Team], object]) -> None:
    key = _begin(key)
    team = Team.objects.select_for_update().get(pk=pk)
    check(team)
    _fill(team, frozenset(), key)
    audit.record(None, "team.removed", team, **key.provenance())
    team.delete()


def _begin(key: DirectoryKey) -> DirectoryKey:
    names_in_turn()
    key = entrusting.locked_and_live(key)
    entrusting.require_answerable(key)
    return key


def _fill(team: Team, wanted: frozenset[int], key: DirectoryKey) -> None:
    if len(wanted) > MOST_MEMBERS:
        raise ValidationError(f"A team has at most {MOST_MEMBERS:,} members.")
    there = {each.person_id: each for each in team.memberships.select_related("person")}
    new = {each.pk: each for each in Person.objects.filter(pk__in=wanted - there.keys())}
    if unknown := wanted - there.keys() - new.keys():
        raise ValidationError(f"Nobody here has the id {min(unknown)}.")
    gone = [each for pk, each in there.items() if pk not in wanted]
    TeamMembership.objects.bulk_create([TeamMembership(team=team, person=each) for each in new.values()])
    TeamMembership.objects.filter(pk__in=[each.pk for each in gone]).delete()
    said = {"team": team.name, **key.provenance()}
    audit.record_many((None, "team.joined", each, said) for each in new.values())
    audit.record_many((None, "team.left", each.person, said) for each in gone)


def _refuse_taken(name: str, but: Team | None) -> None:
    others = Team.objects.filter(name__iexact=name.strip())
    if (others.exclude(pk=but.pk) if but else others).exists():
        raise Taken(f"There is a team called {name.strip()[:120]} already. Find it by a filter and change it.")


def _name(roll: Roll) -> str:
    name = roll.name.strip()
    if not 0 < len(name) <= 120:
        raise ValidationError("A team has a name of up to 120 characters.")
    return name


def _external(roll: Roll) -> str:
    if len(roll.external_id) > LONGEST_NAME:
        raise ValidationError(f"externalId has at most {LONGEST_NAME} characters.")
    return roll.external_id
