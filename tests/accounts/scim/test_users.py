"""People as the directory says they are: leaving at once, never coming back by themselves, never two of one."""

from datetime import timedelta

import pytest
from django.test import Client

from accounts import departing, entrusting, inviting, people
from accounts.models import (
    AuditEvent,
    Departure,
    DirectoryEntry,
    DirectoryKey,
    DirectoryMatter,
    Notification,
    Person,
    RoleAssignment,
    User,
)
from accounts.permissions import is_present
from tests.accounts.scim.client import USER, Directory, said
from tests.factories import departed, erin, person, signed_in, user

pytestmark = pytest.mark.django_db
ADMIN_PASSWORD = "a long sentence that nobody guesses"


@pytest.fixture
def directory():
    return Directory()


@pytest.fixture
def dana():
    """She has been here for a while, so a directory that lets her go is counted."""
    made = person("dana")
    Person.objects.filter(pk=made.pk).update(created_at=made.created_at - timedelta(days=300))
    made.refresh_from_db()
    return made


def matters(*kinds: str) -> list[DirectoryMatter]:
    return list(DirectoryMatter.objects.filter(settled_at=None, kind__in=kinds).order_by("pk"))


# who may


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer socialops_scim_" + "0" * 64, "Basic x", "Bearer \udcff"])
def test_nobody_gets_in_without_a_token_of_the_directory(header):
    answer = Client(headers={"Authorization": header.encode("utf-8", "replace").decode()}).get("/scim/v2/Users")
    said(answer, 401)
    assert answer["WWW-Authenticate"] == "Bearer"


def test_no_session_and_no_token_of_a_person_opens_it():
    said(signed_in(erin()).get("/scim/v2/Users"), 401)


def test_an_ended_token_opens_nothing(directory):
    said(directory.get("Users"), 200)
    entrusting.end(directory.key, erin())
    said(directory.get("Users"), 401)
    assert AuditEvent.objects.get(action="directory_key.ended").actor == erin()


def test_only_a_digest_of_the_token_is_kept_and_its_use_is_noted(directory):
    assert directory.secret not in str(list(DirectoryKey.objects.values())) + str(list(AuditEvent.objects.values()))
    assert DirectoryKey.objects.get().last_used_at is None
    directory.get("Users")
    assert DirectoryKey.objects.get().last_used_at is not None


# bringing in


def test_somebody_new_is_a_person_without_a_login_or_a_right(directory):
    answer = directory.add(
        "Nora@Example.test", externalId="hr-7", displayName="Nora Lind", title="Editor", timezone="Europe/Berlin",
    )  # fmt: skip
    body, nora = said(answer, 201), Person.objects.get(email="nora@example.test")
    assert (nora.name, nora.title, nora.time_zone) == ("Nora Lind", "Editor", "Europe/Berlin")
    assert (body["id"], body["externalId"], body["active"]) == (str(nora.pk), "hr-7", True)
    assert answer["Location"] == body["meta"]["location"] and answer["ETag"] == body["meta"]["version"]
    assert not User.objects.filter(person=nora).exists() and not nora.roles.exists()
    event = AuditEvent.objects.get(action="person.added", subject_id=str(nora.pk))
    assert event.actor is None and event.data["answerable"] == erin().pk
    assert event.data["directory"] == f"SCIM 2.0 token: {directory.key}"


@pytest.mark.parametrize(
    "again", ["nora@example.test", "NORA@Example.TEST", "ｎｏｒａ@example.test", "no\u200bra@example.test"]
)
def test_the_same_name_again_is_told_so_and_makes_nobody(directory, again):
    said(directory.add("nora@example.test"), 201)
    body = said(directory.add(again, emails=[{"value": "other@example.test"}]), 409)
    assert body["scimType"] == "uniqueness"
    assert Person.objects.filter(name__icontains="nora").count() == 1


def test_somebody_known_here_without_the_directory_is_found_and_not_made_twice(directory, dana):
    assert directory.find('userName eq "DANA@example.test"') == ["dana@example.test"]
    assert said(directory.add("dana@example.test"), 409)["scimType"] == "uniqueness"
    body = said(directory.patch(f"Users/{dana.pk}", {"op": "add", "path": "externalId", "value": "hr-4"}), 200)
    assert body["externalId"] == "hr-4" and DirectoryEntry.objects.get().person == dana


def test_letters_of_another_alphabet_make_no_twin_and_an_administrator_is_told(directory, dana):
    twin = "d\u0430n\u0430@example.test"  # Cyrillic а
    for _ in range(2):
        assert said(directory.add(twin), 409)["scimType"] == "uniqueness"
    (matter,) = matters("twin")
    assert (matter.person, matter.times) == (dana, 2) and "another alphabet" in matter.words
    assert Notification.objects.filter(person=erin(), kind="directory.matter").count() == 1
    assert Person.objects.filter(name__startswith="d").count() == 0 and Person.objects.count() == 2
    assert AuditEvent.objects.filter(action="directory_matter.raised").count() == 1


def test_a_change_of_name_into_somebody_elses_look_alike_is_refused_too(directory, dana):
    pk = said(directory.add("nora@example.test"), 201)["id"]
    change = {"op": "replace", "path": "userName", "value": "d\u0430na@example.test"}
    assert said(directory.patch(f"Users/{pk}", change), 409)["scimType"] == "uniqueness"
    assert said(directory.get(f"Users/{pk}"), 200)["userName"] == "nora@example.test"


def test_somebody_without_an_address_is_refused_with_words(directory):
    assert said(directory.add("nora"), 400)["scimType"] == "invalidValue"


# letting go


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "active", "value": False},
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "Replace", "path": "Active", "value": [{"$ref": None, "value": "false"}]},
        {"op": "Replace", "value": {"active": False}},
        {"op": "add", "value": {"active": "False"}},
        {"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:active", "value": "False"},
        {"op": "replace", "value": {"urn:ietf:params:scim:schemas:core:2.0:User:active": False}},
    ],
)
def test_a_deactivation_in_any_form_shuts_them_out_at_once(directory, dana, operation):
    browser = signed_in(dana)
    body = said(directory.patch(f"Users/{dana.pk}", operation), 200)
    assert body["active"] is False and not is_present(dana)
    assert browser.get("/").url.startswith("/account/login/")
    departure = Departure.objects.get(person=dana)
    assert (departure.recorded_by, departure.key) == (None, directory.key)
    event = AuditEvent.objects.get(action="departure.recorded")
    assert event.actor is None and event.data["directory"].startswith("SCIM 2.0 token: Entra")
    departing.sweep_departed()
    assert not user(dana).is_active and said(directory.get(f"Users/{dana.pk}"), 200)["active"] is False


def test_a_replacement_deactivates_even_where_the_rest_of_it_could_not_be_done(directory, dana):
    whole = {
        "schemas": [USER], "userName": "dana@example.test", "active": False,
        "emails": [{"value": "dana.married@example.test"}],
    }  # fmt: skip
    said(directory.ask("PUT", f"Users/{dana.pk}", whole), 200)
    assert not is_present(dana) and user(dana).email == "dana@example.test"


def test_somebody_brought_in_inactive_and_invited_all_the_same_is_let_go_like_anybody(directory):
    nora = Person.objects.get(pk=said(directory.add("nora@example.test", active=False), 201)["id"])
    assert is_present(nora) and not Departure.objects.exists()  # nobody who was never in leaves
    said(directory.deactivate(nora.pk), 200)
    assert not Departure.objects.exists()
    user(nora)
    said(directory.deactivate(nora.pk), 200)
    assert not is_present(nora)


def test_said_again_it_changes_nothing(directory, dana):
    for _ in range(3):
        assert said(directory.deactivate(dana.pk), 200)["active"] is False
    assert Departure.objects.count() == 1 and AuditEvent.objects.filter(action="departure.recorded").count() == 1


def test_a_departure_that_lies_ahead_comes_forward(directory, dana):
    ahead = departed(dana, -timedelta(days=5))
    said(directory.deactivate(dana.pk), 200)
    assert not is_present(dana) and Departure.objects.get().pk == ahead.pk
    assert AuditEvent.objects.filter(action="departure.moved").count() == 1


def test_deleting_lets_go_and_the_id_is_never_used_again(directory, dana):
    assert directory.ask("DELETE", f"Users/{dana.pk}").status_code == 204
    assert not is_present(dana) and Person.objects.filter(pk=dana.pk).exists()
    for method in ("GET", "DELETE"):
        said(directory.ask(method, f"Users/{dana.pk}"), 404)
    assert directory.find('userName eq "dana@example.test"') == []
    body = said(directory.add("dana@example.test"), 201)
    assert body["id"] == f"{dana.pk}-1" and Person.objects.filter(email="dana@example.test").count() == 1
    assert not is_present(dana)
    said(directory.get(f"Users/{dana.pk}"), 404)


def test_the_last_administrator_stays_and_somebody_is_told(directory):
    body = said(directory.deactivate(erin().pk), 400)
    assert body["scimType"] == "mutability" and "only administrator" in body["detail"] and is_present(erin())
    assert [each.person for each in matters("last_admin")] == [erin()]


def test_a_directory_that_goes_mad_is_stopped_and_a_person_decides(directory, settings):
    settings.DIRECTORY_MOST_LEAVERS = 3
    everybody = [person(f"worker {i}") for i in range(8)]
    answers = [directory.deactivate(each.pk) for each in everybody]
    assert [each.status_code for each in answers] == [200] * 3 + [429] * 5
    body = said(answers[3], 429)
    assert answers[3]["Retry-After"] and "An administrator decides" in body["detail"]
    assert said(directory.get(f"Users/{everybody[3].pk}"), 200)["active"] is True
    waiting = matters("too_many")
    assert [each.person for each in waiting] == everybody[3:]
    said(directory.deactivate(everybody[3].pk), 429)
    assert len(matters("too_many")) == 5


def test_what_it_made_itself_a_moment_ago_does_not_count(directory, settings):
    settings.DIRECTORY_MOST_LEAVERS = 3
    for i in range(6):
        pk = said(directory.add(f"new{i}@example.test"), 201)["id"]
        assert directory.ask("DELETE", f"Users/{pk}").status_code == 204


def test_an_administrator_lets_go_what_was_stopped_and_never_themselves(directory, settings):
    settings.DIRECTORY_MOST_LEAVERS = 1
    gone, waits, frank = person("gone"), person("waits"), person("frank", "admin")
    for i in range(3):
        person(f"worker {i}")
    for each in (gone, person("more"), person("most"), waits, frank):
        directory.deactivate(each.pk)
    of = {each.person: each for each in matters("too_many")}
    browser = confirmed_browser(frank)
    browser.post(f"/directory/matters/{of[waits].pk}/decision/", {"decision": "do"})
    assert not is_present(waits) and Departure.objects.get(person=waits).recorded_by == frank
    browser.post(f"/directory/matters/{of[frank].pk}/decision/", {"decision": "leave"})
    assert DirectoryMatter.objects.get(pk=of[frank].pk).settled_at is None
    event = AuditEvent.objects.get(action="directory_matter.settled")
    assert (event.actor, event.data["outcome"]) == (frank, "done")


def test_whoever_answers_for_it_may_leave_and_leavers_are_still_let_go(dana):
    frank = person("frank", "admin")
    directory = Directory(frank)
    departed(frank)
    said(directory.deactivate(dana.pk), 200)
    assert not is_present(dana)
    assert "take the key over" in said(directory.add("nora@example.test"), 403)["detail"]
    entrusting.take_over(directory.key, erin())
    said(directory.add("nora@example.test"), 201)


# order, and coming back


def test_an_old_deactivation_that_comes_late_is_refused(directory, dana):
    old = directory.get(f"Users/{dana.pk}")["ETag"]
    said(directory.deactivate(dana.pk, If_Match=old), 200)
    back = said(directory.activate(dana.pk), 200)
    assert back["active"] is True
    late = directory.deactivate(dana.pk, If_Match=old)
    assert (
        said(late, 412) and said(directory.get(f"Users/{dana.pk}"), 200)["meta"]["version"] == back["meta"]["version"]
    )
    for method, body in (("PUT", {"schemas": [USER], "userName": "dana@example.test"}), ("DELETE", None)):
        said(directory.ask(method, f"Users/{dana.pk}", body, If_Match=old), 412)


def test_a_version_is_never_used_twice_and_one_that_is_known_is_not_sent_again(directory, dana):
    seen = set()
    for i in range(6):
        (directory.deactivate if i % 2 else directory.activate)(dana.pk)
        answer = directory.get(f"Users/{dana.pk}")
        assert answer["ETag"] not in seen
        seen.add(answer["ETag"])
    again = directory.ask("GET", f"Users/{dana.pk}", If_None_Match=answer["ETag"])
    assert again.status_code == 304 and again["ETag"] == answer["ETag"] and not again.content


def test_nothing_comes_back_by_itself(directory, dana):
    people.give_role(dana, "auditor", erin())
    said(directory.deactivate(dana.pk), 200)
    assert said(directory.activate(dana.pk), 200)["active"] is True
    assert not is_present(dana) and not RoleAssignment.objects.filter(person=dana, ended_at=None).exists()
    assert not User.objects.get(person=dana).is_active and not User.objects.get(person=dana).has_usable_password()
    (matter,) = matters("back")
    assert matter.person == dana and "invite them" in matter.words
    invitation = inviting.invite(dana, erin())
    inviting.accept(inviting.link(invitation).rstrip("/").rpartition("/")[2], ADMIN_PASSWORD)
    assert is_present(dana) and not dana.roles.filter(ended_at=None).exists()
    assert said(directory.get(f"Users/{dana.pk}"), 200)["active"] is True


def test_coming_back_under_another_address_is_refused_for_a_login(directory, dana):
    said(directory.deactivate(dana.pk), 200)
    change = {"active": True, "emails": [{"value": "mallory@example.test", "primary": True}]}
    body = said(directory.patch(f"Users/{dana.pk}", {"op": "replace", "value": change}), 400)
    assert body["scimType"] == "mutability" and [each.person for each in matters("address")] == [dana]
    assert said(directory.get(f"Users/{dana.pk}"), 200)["active"] is False
    directory.patch(f"Users/{dana.pk}", {"op": "replace", "value": {"emails": change["emails"]}})
    said(directory.activate(dana.pk), 400)  # in two steps as well
    dana.refresh_from_db()
    assert (dana.email, user(dana).email) == ("dana@example.test", "dana@example.test")


def test_another_address_never_moves_a_login(directory, dana):
    mails = [{"value": "mallory@example.test", "type": "work", "primary": True}]
    body = said(directory.patch(f"Users/{dana.pk}", {"op": "replace", "path": "emails", "value": mails}), 200)
    dana.refresh_from_db()
    assert (dana.email, user(dana).email) == ("dana@example.test", "dana@example.test")
    assert body["emails"] == mails and [each.person for each in matters("address")] == [dana]
    nora = said(directory.add("nora@example.test"), 201)["id"]
    said(
        directory.patch(f"Users/{nora}", {"op": "replace", "path": "emails", "value": [{"value": "n@example.test"}]}),
        200,
    )
    assert Person.objects.get(pk=nora).email == "n@example.test"  # no login yet: the directory knows best


# what it carries


def test_what_entra_sends_beyond_the_schema_is_let_fall(directory):
    body = said(
        directory.add("nora@example.test", phoneNumbers=[{"value": "1"}], password="secret", nickName="N"), 201
    )  # fmt: skip
    assert "phoneNumbers" not in body and "nickName" not in body and "password" not in body
    change = {"op": "Add", "path": 'emails[type eq "work"].value', "value": "nora.l@example.test"}
    mails = said(directory.patch(f"Users/{body['id']}", change), 200)["emails"]
    assert [each["value"] for each in mails] == ["nora.l@example.test"]


def test_a_manager_is_somebody_known_here(directory, dana):
    body = said(directory.add("nora@example.test"), 201)
    urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    change = {"op": "add", "path": f"{urn}:manager", "value": {"value": str(dana.pk)}}
    said(directory.patch(f"Users/{body['id']}", change), 200)
    assert Person.objects.get(pk=body["id"]).manager == dana
    unknown = {"op": "replace", "path": f"{urn}:manager", "value": {"value": "CN=somebody"}}
    body = said(directory.patch(f"Users/{body['id']}", unknown), 200)
    assert body[urn]["manager"]["value"] == "CN=somebody" and Person.objects.get(pk=body["id"]).manager == dana


@pytest.mark.parametrize(
    ("sent", "status", "kind"),
    [(b"{", 400, "invalidSyntax"), (b"[]", 400, "invalidSyntax"), (b'{"a":' * 50_000, 400, "invalidSyntax"),
     (b'{"userName":"a\\u0000"}', 400, "invalidSyntax"), (b'{"userName":"\\ud800"}', 400, "invalidSyntax"),
     (b'{"userName":"' + b"a" * 1_100_000 + b'"}', 413, None), (b'{"userName":NaN}', 400, "invalidSyntax")],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_the_words_of_the_standard(directory, sent, status, kind):
    for method, path in (("POST", "Users"), ("PUT", f"Users/{erin().pk}"), ("PATCH", "Groups/1")):
        assert said(directory.ask(method, path, sent), status).get("scimType") == kind


def test_what_is_too_long_is_refused(directory):
    said(directory.add("a" * 300, emails=[{"value": "a@example.test"}]), 400)
    said(directory.add("n@example.test", externalId="x" * 300), 400)
    said(directory.add("n@example.test", displayName="x" * 70_000), 400)
    assert Person.objects.count() == 1


def confirmed_browser(who):
    from tests.factories import confirmed

    return confirmed(who)
