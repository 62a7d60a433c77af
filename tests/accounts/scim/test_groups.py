"""Teams as the directory says they are."""

import pytest

from accounts.models import AuditEvent, Person, Team, TeamMembership
from tests.accounts.scim.client import GROUP, Directory, said
from tests.factories import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def directory():
    return Directory()


def made(directory, name="Press", *members):
    body = {"schemas": [GROUP], "displayName": name, "members": [{"value": str(each.pk)} for each in members]}
    return said(directory.ask("POST", "Groups", body), 201)


def members(pk) -> set[str]:
    return set(TeamMembership.objects.filter(team=pk).values_list("person__name", flat=True))


def test_a_group_is_a_team_with_those_people(directory):
    dana = person("dana")
    body = made(directory, "Press", dana)
    assert [each["value"] for each in body["members"]] == [str(dana.pk)] and members(body["id"]) == {"Dana"}
    user = said(directory.get(f"Users/{dana.pk}"), 200)
    assert [(each["display"], each["value"]) for each in user["groups"]] == [("Press", body["id"])]
    event = AuditEvent.objects.get(action="team.joined")
    assert event.actor is None and event.data["directory"].startswith("SCIM")


def test_people_come_and_go_by_patches_in_every_form(directory):
    dana, bob, alice = person("dana"), person("bob"), person("alice")
    pk = made(directory, "Press", dana)["id"]
    directory.patch(
        f"Groups/{pk}", {"op": "Add", "path": "members", "value": [{"value": str(bob.pk)}, {"value": str(alice.pk)}]}
    )
    assert members(pk) == {"Dana", "Bob", "Alice"}
    said(directory.patch(f"Groups/{pk}", {"op": "remove", "path": f'members[value eq "{bob.pk}"]'}), 200)
    said(directory.patch(f"Groups/{pk}", {"op": "Remove", "path": "members", "value": [{"value": str(dana.pk)}]}), 200)
    assert members(pk) == {"Alice"}
    said(directory.patch(f"Groups/{pk}", {"op": "replace", "path": "members", "value": [{"value": str(bob.pk)}]}), 200)
    assert members(pk) == {"Bob"} and AuditEvent.objects.filter(action="team.left").count() == 3
    said(directory.patch(f"Groups/{pk}", {"op": "remove", "path": "members"}), 200)
    assert members(pk) == set()


def test_what_cannot_be_is_refused(directory):
    dana = person("dana")
    pk = made(directory, "Press", dana)["id"]
    assert (
        said(directory.ask("POST", "Groups", {"schemas": [GROUP], "displayName": "PRESS"}), 409)["scimType"]
        == "uniqueness"
    )
    for value in ("987654321", "x", "1-x", ""):
        change = {"op": "add", "path": "members", "value": [{"value": value}]}
        assert said(directory.patch(f"Groups/{pk}", change), 400)["scimType"] == "invalidValue"
    said(directory.ask("POST", "Groups", {"schemas": [GROUP], "displayName": "x" * 121}), 400)
    assert members(pk) == {"Dana"} and Team.objects.count() == 1


def test_what_was_meant_for_another_version_is_refused(directory):
    dana = person("dana")
    body = made(directory, "Press")
    old = body["meta"]["version"]
    add = {"op": "add", "path": "members", "value": [{"value": str(dana.pk)}]}
    said(directory.patch(f"Groups/{body['id']}", add, If_Match=old), 200)
    said(directory.patch(f"Groups/{body['id']}", {"op": "remove", "path": "members"}, If_Match=old), 412)
    assert members(body["id"]) == {"Dana"}


def test_deleting_a_group_deletes_no_person(directory):
    dana = person("dana")
    pk = made(directory, "Press", dana)["id"]
    assert directory.ask("DELETE", f"Groups/{pk}").status_code == 204
    said(directory.get(f"Groups/{pk}"), 404)
    assert Person.objects.filter(pk=dana.pk).exists() and AuditEvent.objects.filter(action="team.removed").exists()
