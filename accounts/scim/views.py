"""The addresses under /scim/v2/."""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from scim2_models import Context, PatchOp, ResponseParameters

from accounts import grouping, provisioning
from accounts.models import DirectoryKey, Person, Team
from accounts.queries.directory import Known, known_people
from accounts.scim import groups, reading, schema, search, users
from accounts.scim.answers import Answer, listed, opened, resource, sent
from accounts.scim.schema import LENIENT, Group, User

Handler = Callable[..., HttpResponse]


def methods(**handlers: Handler) -> Handler:
    """One view for several methods; the others are answered 405."""

    @opened
    def view(request: HttpRequest, key: DirectoryKey, **kwargs: str) -> HttpResponse:
        method = "GET" if request.method == "HEAD" else request.method or ""
        if method not in handlers:
            allowed = ", ".join(handlers)
            raise Answer(405, f"Use {allowed} here.", headers={"Allow": allowed})
        with LENIENT:
            return handlers[method](request, key, **kwargs)

    return view


# What the server is


def _config(request: HttpRequest, key: DirectoryKey) -> HttpResponse:
    return resource(_described(schema.CONFIG, "ServiceProviderConfig", ""))


def _types(request: HttpRequest, key: DirectoryKey) -> HttpResponse:
    return _listed_whole([_described(each, "ResourceTypes", each.id or "") for each in schema.TYPES])


def _type(request: HttpRequest, key: DirectoryKey, name: str) -> HttpResponse:
    return _one_of([_described(each, "ResourceTypes", each.id or "") for each in schema.TYPES], name)


def _schemas(request: HttpRequest, key: DirectoryKey) -> HttpResponse:
    return _listed_whole([_described(each, "Schemas", str(each.id)) for each in schema.PROVIDER.schemas])


def _schema(request: HttpRequest, key: DirectoryKey, name: str) -> HttpResponse:
    return _one_of([_described(each, "Schemas", str(each.id)) for each in schema.PROVIDER.schemas], name)


def _listed_whole(found: list[dict[str, Any]]) -> HttpResponse:
    return listed(found, len(found), 1)


def _one_of(found: list[dict[str, Any]], name: str) -> HttpResponse:
    one = next((each for each in found if str(each["id"]).lower() == name.lower()), None)
    if one is None:
        raise Http404
    return sent(one)


def _described(model: Any, kind: str, pk: str) -> dict[str, Any]:
    said: dict[str, Any] = model.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    if said.get("name") == "PlainUser":
        said |= {"name": "User", "description": "A person"}
    name = {"ResourceTypes": "ResourceType", "Schemas": "Schema"}.get(kind, kind)
    return said | {"meta": {"resourceType": name, "location": users.address(kind, pk).rstrip("/")}}


# People


def _list_users(request: HttpRequest, key: DirectoryKey) -> HttpResponse:
    return _answer_search(search.asked(request, User), search.people)


def _search_users(request: HttpRequest, key: DirectoryKey) -> HttpResponse:
    return _answer_search(search.read(reading.body(request), User), search.people)


def _add_user(request: HttpRequest, key: DirectoryKey) -> HttpResponse:
    said = reading.user(reading.body(request), active=True)
    wanted = User.model_validate(said, scim_ctx=Context.RESOURCE_CREATION_REQUEST)
    known = provisioning.bring_in(key, users.as_wish(wanted))
    return _user(request, known, 201)


def _get_user(request: HttpRequest, key: DirectoryKey, pk: str) -> HttpResponse:
    known = _known(pk)
    if _names(request.headers.get("If-None-Match", ""), users.version_of(known)):
        return _unchanged(users.version_of(known))
    return _user(request, known)


def _put_user(request: HttpRequest, key: DirectoryKey, pk: str) -> HttpResponse:
    body = reading.body(request)

    def change(known: Known) -> provisioning.Wish:
        _check_user(request, known, pk)
        before = users.as_resource_alone(known)
        said = reading.user(body, active=known.active)
        wanted = User.model_validate(said, scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)
        wanted.replace(before)
        return users.as_wish(wanted)

    return _user(request, _revised(key, pk, change))


def _patch_user(request: HttpRequest, key: DirectoryKey, pk: str) -> HttpResponse:
    said = reading.patch(reading.body(request))
    patch = PatchOp[User].model_validate(said, scim_ctx=Context.RESOURCE_PATCH_REQUEST)

    def change(known: Known) -> provisioning.Wish:
        _check_user(request, known, pk)
        wanted = users.as_resource_alone(known)
        patch.patch(wanted)
        return users.as_wish(wanted)

    return _user(request, _revised(key, pk, change))


def _delete_user(request: HttpRequest, key: DirectoryKey, pk: str) -> HttpResponse:
    try:
        provisioning.remove(key, _number(pk), lambda known: _check_user(request, known, pk))
    except Person.DoesNotExist as error:
        raise Http404 from error
    return HttpResponse(status=204)


def _revised(key: DirectoryKey, pk: str, change: Callable[[Known], provisioning.Wish]) -> Known:
    try:
        return provisioning.revise(key, _number(pk), change)
    except Person.DoesNotExist as error:
        raise Http404 from error


def _known(pk: str) -> Known:
    known = known_people().filter(pk=_number(pk)).first()
    if known is None or users.id_of(known) != pk:
        raise Http404
    return known


def _check_user(request: HttpRequest, known: Known, pk: str) -> None:
    if users.id_of(known) != pk or (known.entry and known.entry.deleted_at):
        raise Http404
    _check_version(request, users.version_of(known))


def _user(request: HttpRequest, known: Known, status: int = 200) -> HttpResponse:
    return resource(users.dumped(users.as_resource_alone(known), _shown(request, User)), status)


# Teams


def _list_groups(request: HttpRequest, key: DirectoryKey) -> HttpResponse:
    return _answer_search(search.asked(request, Group), search.teams)


def _search_groups(request: HttpRequest, key: DirectoryKey) -> HttpResponse:
    return _answer_search(search.read(reading.body(request), Group), search.teams)


def _add_group(request: HttpRequest, key: DirectoryKey) -> HttpResponse:
    wanted = Group.model_validate(reading.group(reading.body(request)), scim_ctx=Context.RESOURCE_CREATION_REQUEST)
    return _group(request, grouping.make_team(key, groups.as_roll(wanted)).pk, 201)


def _get_group(request: HttpRequest, key: DirectoryKey, pk: str) -> HttpResponse:
    team = _team(_number(pk))
    if _names(request.headers.get("If-None-Match", ""), groups.version_of(team)):
        return _unchanged(groups.version_of(team))
    return _group(request, team.pk)


def _put_group(request: HttpRequest, key: DirectoryKey, pk: str) -> HttpResponse:
    wanted = Group.model_validate(reading.group(reading.body(request)), scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)

    def change(team: Team) -> grouping.Roll:
        _check_version(request, groups.version_of(team))
        return groups.as_roll(wanted)

    return _revised_group(request, key, pk, change)


def _patch_group(request: HttpRequest, key: DirectoryKey, pk: str) -> HttpResponse:
    said = reading.patch(reading.body(request))
    patch = PatchOp[Group].model_validate(said, scim_ctx=Context.RESOURCE_PATCH_REQUEST)

    def change(team: Team) -> grouping.Roll:
        _check_version(request, groups.version_of(team))
        wanted = groups.as_resources([_team(team.pk)])[0]
        patch.patch(wanted)
        return groups.as_roll(wanted)

    return _revised_group(request, key, pk, change)


def _delete_group(request: HttpRequest, key: DirectoryKey, pk: str) -> HttpResponse:
    try:
        grouping.remove_team(key, _number(pk), lambda team: _check_version(request, groups.version_of(team)))
    except Team.DoesNotExist as error:
        raise Http404 from error
    return HttpResponse(status=204)


def _revised_group(
    request: HttpRequest, key: DirectoryKey, pk: str, change: Callable[[Team], grouping.Roll]
) -> HttpResponse:
    try:
        team = grouping.revise_team(key, _number(pk), change)
    except Team.DoesNotExist as error:
        raise Http404 from error
    return _group(request, team.pk)


def _team(pk: int) -> Team:
    found = groups.all_teams(search.of_id(f"{pk}"))
    if not found:
        raise Http404
    return found[0]


def _group(request: HttpRequest, pk: int, status: int = 200) -> HttpResponse:
    made = groups.as_resources([_team(pk)])[0]
    return resource(groups.dumped(made, _shown(request, Group)), status)


# Both


def _search_all(request: HttpRequest, key: DirectoryKey) -> HttpResponse:
    return _answer_search(search.read(reading.body(request), User | Group), search.everything)


def _nothing(request: HttpRequest, key: DirectoryKey, **_: str) -> HttpResponse:
    raise Http404


def _answer_search(asked: Any, find: Callable[[Any], tuple[list[Any], int, int]]) -> HttpResponse:
    found, total, start = find(asked)
    return listed((users.dumped(each, asked) for each in found), total, start)


def _shown(request: HttpRequest, model: Any) -> ResponseParameters | None:
    names = ("attributes", "excludedAttributes")
    said = {name: request.GET[name] for name in names if request.GET.get(name)}
    return ResponseParameters[model].model_validate(said) if said else None


def _check_version(request: HttpRequest, version: str) -> None:
    """412 for what was meant for another version: it was decided before somebody changed it."""
    asked = request.headers.get("If-Match", "")
    if asked and not _names(asked, version):
        raise Answer(412, f"This has changed since. It is version {version} now: read it again, then decide.")


def _names(asked: str, version: str) -> bool:
    tags = {tag.strip().removeprefix("W/") for tag in asked.split(",")}
    return "*" in tags or version.removeprefix("W/") in tags


def _unchanged(version: str) -> HttpResponse:
    answer = HttpResponseNotModified()
    answer["ETag"] = version
    return answer


def _number(pk: str) -> int:
    number = pk.partition("-")[0]
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise Http404
    return int(number)


config, types, type_ = methods(GET=_config), methods(GET=_types), methods(GET=_type)
schemas, schema_ = methods(GET=_schemas), methods(GET=_schema)
user_list = methods(GET=_list_users, POST=_add_user)
user = methods(GET=_get_user, PUT=_put_user, PATCH=_patch_user, DELETE=_delete_user)
user_search = methods(POST=_search_users)
group_list = methods(GET=_list_groups, POST=_add_group)
group = methods(GET=_get_group, PUT=_put_group, PATCH=_patch_group, DELETE=_delete_group)
group_search = methods(POST=_search_groups)
search_all = methods(POST=_search_all)
nothing = opened(_nothing)
