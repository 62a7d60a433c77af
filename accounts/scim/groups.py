"""Teams as resources, and resources as what the verbs take."""

from typing import Any

from django.db.models import Prefetch, Q
from scim2_models import Context, ResponseParameters

from accounts.grouping import Roll
from accounts.models import Team, TeamMembership
from accounts.scim.answers import Answer
from accounts.scim.schema import Group
from accounts.scim.users import address

GROUPS = "Groups"


def all_teams(narrowed: Q | None = None) -> list[Team]:
    """With their members. Two queries."""
    members = TeamMembership.objects.select_related("person__entry").order_by("person_id")
    found = Team.objects.filter(narrowed) if narrowed is not None else Team.objects.all()
    return list(found.order_by("pk").prefetch_related(Prefetch("memberships", members, to_attr="those_in")))


def version_of(team: Team) -> str:
    return f'W/"{team.version}"'


def as_resources(found: list[Team]) -> list[Any]:
    return [_as_resource(team) for team in found]


def _as_resource(team: Any) -> Any:
    return Group.model_validate({
        "schemas": [str(Group.__schema__)],
        "id": f"{team.pk}",
        "externalId": team.external_id or None,
        "displayName": team.name,
        "members": [_member(each) for each in team.those_in if not _is_deleted(each)] or None,
        "meta": {
            "resourceType": "Group", "created": team.created_at, "lastModified": team.changed_at,
            "location": address(GROUPS, team.pk), "version": version_of(team),
        },
    })  # fmt: skip


def dumped(resource: Any, parameters: ResponseParameters | None = None) -> dict[str, Any]:
    said: dict[str, Any] = resource.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=parameters)
    return said


def as_roll(resource: Any) -> Roll:
    """What the verbs take. A member is known by the id of its user."""
    return Roll(
        name=resource.display_name or "", external_id=resource.external_id or "",
        members=frozenset(person_of(each.value or "") for each in resource.members or []),
    )  # fmt: skip


def person_of(said: str) -> int:
    """The person that the id of a user means, as far as its writing goes."""
    pk, dash, generation = said.partition("-")
    numbers = [pk, generation] if dash else [pk]
    if not all(each.isascii() and each.isdecimal() and len(each) < 19 for each in numbers):
        raise Answer(400, f"“{said[:80]}” is not the id of a user here.", "invalidValue")
    return int(pk)


def _member(membership: TeamMembership) -> dict[str, str]:
    entry = getattr(membership.person, "entry", None)
    generation = entry.generation if entry else 0
    pk = f"{membership.person_id}-{generation}" if generation else f"{membership.person_id}"
    return {"value": pk, "$ref": address("Users", pk), "type": "User"}


def _is_deleted(membership: TeamMembership) -> bool:
    entry = getattr(membership.person, "entry", None)
    return entry is not None and entry.deleted_at is not None
