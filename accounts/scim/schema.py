"""What is kept of users and groups, as SCIM describes it. What a directory says beyond that is let fall."""

from typing import Annotated, Any

from pydantic import Field
from scim2_models import (
    URN,
    CaseExact,
    ComplexAttribute,
    Extension,
    Mutability,
    Reference,
    Required,
    Resource,
    ResourceType,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Uniqueness,
)

MOST_RESULTS = 200  # on a page
MOST_BYTES = 1_048_576
ABOUT_TOKENS = "A token that an administrator makes under Settings, Directory."


class Name(ComplexAttribute):
    formatted: str | None = None
    family_name: str | None = None
    given_name: str | None = None


class Email(ComplexAttribute):
    value: Annotated[str | None, Required.true] = None
    type: Annotated[str | None, Field(examples=["work", "home", "other"])] = None
    primary: bool | None = None


class GroupOfUser(ComplexAttribute):
    value: Annotated[str | None, Mutability.read_only] = None
    ref: Annotated[Reference["Group"] | None, Mutability.read_only] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    display: Annotated[str | None, Mutability.read_only] = None


class Manager(ComplexAttribute):
    value: Annotated[str | None, CaseExact.true] = None
    ref: Reference["User"] | None = Field(None, serialization_alias="$ref", validation_alias="$ref")


class EnterpriseUser(Extension):
    __schema__ = URN("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User")

    employee_number: str | None = None
    department: str | None = None
    manager: Manager | None = None


class PlainUser(Resource):
    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    name: Name | None = None
    display_name: str | None = None
    title: str | None = None
    timezone: str | None = None
    active: Annotated[bool | None, Required.true] = None
    emails: Annotated[list[Email] | None, Required.true] = None
    groups: Annotated[list[GroupOfUser] | None, Mutability.read_only] = None


class GroupMember(ComplexAttribute):
    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    ref: Annotated[Reference["User"] | None, Mutability.immutable] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    type: Annotated[str | None, Mutability.immutable, Field(examples=["User"])] = None


class Group(Resource):
    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    members: list[GroupMember] | None = None


User: Any = PlainUser.__class_getitem__(EnterpriseUser)
NOT_SUPPORTED, SUPPORTED = {"supported": False}, {"supported": True}
CONFIG = ServiceProviderConfig.model_validate({
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
    "patch": SUPPORTED,
    "bulk": NOT_SUPPORTED | {"maxOperations": 0, "maxPayloadSize": 0},
    "filter": SUPPORTED | {"maxResults": MOST_RESULTS},
    "changePassword": NOT_SUPPORTED,
    "sort": SUPPORTED,
    "etag": SUPPORTED,
    "pagination": {
        "cursor": False, "index": True, "defaultPaginationMethod": "index", "defaultPageSize": MOST_RESULTS,
        "maxPageSize": MOST_RESULTS,
    },
    "authenticationSchemes": [
        {
            "type": "oauthbearertoken", "name": "Bearer token", "primary": True, "description": ABOUT_TOKENS,
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
        }
    ],
})  # fmt: skip
# What directories send that the standard has otherwise: attributes nobody asked for, entries that a filter describes
# and that are not there yet, and what to remove as a value.
LENIENT = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore, remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)  # fmt: skip
TYPES = [
    ResourceType.model_validate({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"], "id": name, "name": name,
        "endpoint": endpoint, "description": words, "schema": str(model.__schema__),
        "schemaExtensions": [{"schema": str(each.__schema__), "required": False} for each in extensions],
    })
    for name, endpoint, words, model, extensions in (
        ("User", "/Users", "People", PlainUser, [EnterpriseUser]), ("Group", "/Groups", "Teams", Group, []),
    )
]  # fmt: skip
PROVIDER = ScimProvider(models=[PlainUser, Group, EnterpriseUser], resource_types=TYPES, config=CONFIG, policy=LENIENT)
