"""People as resources, and resources as what the verbs take."""

from typing import Any

from django.conf import settings
from scim2_models import Context, ResponseParameters

from accounts.models import TeamMembership
from accounts.provisioning import Wish
from accounts.queries.directory import Known, teams_of
from accounts.scim.schema import EnterpriseUser, User

USERS, EXTENSION = "Users", str(EnterpriseUser.__schema__)
OWN = ("schemas", "id", "meta", "groups", "externalId", "userName", "active")  # not kept in DirectoryEntry.said


def address(kind: str, pk: str | int) -> str:
    return f"{settings.BASE_URL}/scim/v2/{kind}/{pk}"


def id_of(known: Known) -> str:
    """Never used again: each time the directory deletes somebody and brings them back, it is another."""
    generation = known.entry.generation if known.entry else 0
    return f"{known.person.pk}-{generation}" if generation else f"{known.person.pk}"


def version_of(known: Known) -> str:
    return f'W/"{known.version}"'


def as_resource(known: Known, memberships: list[TeamMembership]) -> Any:
    """A User, with what the directory said of them, and with whether they are in as it is known here."""
    person, entry = known.person, known.entry
    said = entry.said if entry else _unsaid(known)
    whole = {
        **said,
        "id": id_of(known),
        "externalId": (entry.external_id or None) if entry else None,
        "userName": entry.user_name if entry else person.email,
        "active": known.active,
        "groups": [
            {"value": f"{each.team_id}", "$ref": address("Groups", each.team_id), "display": each.team.name}
            for each in memberships
        ] or None,
        "meta": {
            "resourceType": "User", "created": person.created_at, "location": address(USERS, id_of(known)),
            "lastModified": entry.changed_at if entry else person.created_at, "version": version_of(known),
        },
    }  # fmt: skip
    whole["schemas"] = [str(User.__schema__), *([EXTENSION] if EXTENSION in said else [])]
    return User.model_validate(whole)


def as_resources(found: list[Known]) -> list[Any]:
    """One query for the teams of all."""
    teams = teams_of([known.person for known in found])
    return [as_resource(known, teams.get(known.person.pk, [])) for known in found]


def as_resource_alone(known: Known) -> Any:
    return as_resources([known])[0]


def dumped(resource: Any, parameters: ResponseParameters | None = None) -> dict[str, Any]:
    said: dict[str, Any] = resource.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=parameters)
    return said


def as_wish(resource: Any) -> Wish:
    """What the verbs take. The primary address counts; else the one for work, else the first."""
    said = resource.model_dump(scim_ctx=Context.DEFAULT)
    said = {name: value for name, value in said.items() if name not in OWN and value is not None}
    name, extension = resource.name, resource[EnterpriseUser]
    whole = " ".join(filter(None, (name.given_name, name.family_name))) if name else ""
    manager = extension.manager.value if extension and extension.manager else ""
    return Wish(
        user_name=resource.user_name or "",
        email=_address(resource),
        addresses=tuple(each.value for each in resource.emails or [] if each.value),
        name=resource.display_name or (name and name.formatted) or whole or resource.user_name or "",
        title=resource.title or "",
        time_zone=resource.timezone or "",
        manager=manager or "",
        external_id=resource.external_id or "",
        active=resource.active,
        said=said,
    )


def _address(resource: Any) -> str:
    emails = [each for each in resource.emails or [] if each.value]
    primary = next((each for each in emails if each.primary), None)
    work = next((each for each in emails if (each.type or "").lower() == "work"), None)
    chosen = primary or work or (emails[0] if emails else None)
    return chosen.value if chosen else ""


def _unsaid(known: Known) -> dict[str, Any]:
    """Somebody of whom the directory has said nothing yet: as they are known here."""
    person = known.person
    said: dict[str, Any] = {
        "displayName": person.name, "timezone": person.time_zone,
        "emails": [{"value": person.email, "type": "work", "primary": True}],
    }  # fmt: skip
    return said | ({"title": person.title} if person.title else {})
