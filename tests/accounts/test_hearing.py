"""Signed messages of a personnel system: kept first, done once, and what cannot be done waits for a person."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.test import Client
from standardwebhooks import Webhook

from accounts import entrusting, hearing
from accounts.models import (
    Absence,
    AuditEvent,
    Departure,
    DirectoryKey,
    DirectoryMatter,
    HookMessage,
    Move,
    Person,
    Team,
    TeamMembership,
)
from accounts.permissions import is_present
from tests.factories import confirmed, departed, erin, person

pytestmark = pytest.mark.django_db
ADDRESS = "/hooks/people/"


class Personnel:
    """Signs as the standard has it."""

    def __init__(self):
        self.key, self.secret = entrusting.entrust(erin(), "hook", "HR")
        self.client = Client(raise_request_exception=False)

    def send(self, kind, *, about=None, stamp=None, webhook_id="", sent=None, **data):
        body = json.dumps({
            "type": kind, "timestamp": (stamp or datetime.now(UTC)).isoformat(),
            "data": ({"email": about} if about else {}) | data,
        })  # fmt: skip
        return self.post(body, webhook_id or uuid4().hex, sent)

    def post(self, body, webhook_id, at=None, signature=None, secret=None):
        at = at or datetime.now(UTC)
        signature = signature or Webhook(secret or self.secret).sign(webhook_id, at, body)
        headers = {
            "webhook-id": webhook_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signature,
        }
        return self.client.post(ADDRESS, body, "application/json", headers=headers)


@pytest.fixture
def hr():
    return Personnel()


@pytest.fixture
def dana():
    return person("dana", time_zone="Europe/Berlin")


def matter() -> DirectoryMatter:
    return DirectoryMatter.objects.get(settled_at=None)


def test_the_secret_is_sealed_and_shown_once(hr):
    key = DirectoryKey.objects.get()
    assert hr.secret.startswith("whsec_") and hr.secret.encode() not in bytes(key.sealed_secret)
    entrusting.end(key, erin())
    assert hr.send("person.left", about="dana@example.test").status_code == 401


def test_the_secret_is_wrapped_for_a_newer_key_and_still_checks_signatures(hr, dana):
    before = bytes(DirectoryKey.objects.get().sealed_secret)
    assert entrusting.rewrap_secrets() == (1, 1)
    assert bytes(DirectoryKey.objects.get().sealed_secret) != before
    assert hr.send("person.left", about="dana@example.test").status_code == 200 and not is_present(dana)


def test_somebody_who_left_is_out_at_once(hr, dana):
    answer = hr.send("person.left", about="DANA@example.test", reason="Last day")
    assert answer.status_code == 200 and not is_present(dana)
    assert Departure.objects.get().key == hr.key
    assert (
        AuditEvent.objects.get(action="departure.recorded").data["directory"] == f"Secret for signed messages: {hr.key}"
    )
    assert HookMessage.objects.get().outcome == "Dana is out"


def test_a_last_day_ends_at_midnight_on_the_clock_of_that_place(hr, dana):
    day = (datetime.now(UTC) + timedelta(days=40)).date().replace(day=14)
    hr.send("person.leaving", about="dana@example.test", last_day=day.isoformat())
    at = Departure.objects.get().at
    assert is_present(dana) and Departure.objects.get().time_zone == "Europe/Berlin"
    assert at.date() == day and at.hour in (22, 23)  # midnight in Berlin, in UTC


def test_a_wall_time_counts_in_the_zone_that_stands_beside_it(hr, dana):
    hr.send("person.leaving", about="dana@example.test", at="2027-01-15T17:30", time_zone="America/New_York")
    assert Departure.objects.get().at == datetime(2027, 1, 15, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"at": "2027-03-28T02:30"}, "the clocks skip it"),
        ({"at": "2027-01-15T17:30", "time_zone": "Middle/Earth"}, "is not a time zone"),
        ({"at": "2020-01-15T17:30"}, "days ago"),
        ({"at": "2027-01-15T17:30+01:00"}, "without an offset"),
        ({"at": "soon"}, "no time such as"),
        ({"last_day": "31.12.2026"}, "no day such as"),
        ({}, "no time such as"),
    ],
)
def test_a_time_that_cannot_be_waits_for_a_person_with_the_reason(hr, dana, said, words):
    answer = hr.send("person.leaving", about="dana@example.test", **said)
    assert answer.status_code == 200 and "waits for a person" in answer.json()["outcome"]
    assert words in matter().words and is_present(dana) and not Departure.objects.exists()


def test_a_time_that_comes_twice_is_the_first(hr, dana):
    hr.send("person.leaving", about="dana@example.test", at="2027-10-31T02:30")
    assert Departure.objects.get().at == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)


def test_the_same_message_is_done_once_however_often_it_comes(hr, dana):
    for again in (False, True, True):
        answer = hr.send("person.left", about="dana@example.test", webhook_id="m1")
        assert (answer.json()["again"], answer.json()["outcome"]) == (again, "Dana is out")
    assert HookMessage.objects.count() == Departure.objects.count() == 1
    assert AuditEvent.objects.filter(action="directory.heard").count() == 1


def test_an_older_word_never_undoes_a_newer_one(hr, dana):
    now = datetime.now(UTC)
    hr.send("person.away", about="dana@example.test", first_day="2027-01-01", last_day="2027-02-01", stamp=now)
    hr.send("person.left", about="dana@example.test", stamp=now - timedelta(hours=1))
    assert is_present(dana) and "came late" in matter().words and matter().person == dana


@pytest.mark.parametrize("minutes", [-6, 6])
def test_one_that_is_sent_again_later_by_a_listener_is_refused(hr, dana, minutes):
    answer = hr.send("person.left", about="dana@example.test", sent=datetime.now(UTC) + timedelta(minutes=minutes))
    assert answer.status_code == 401 and not HookMessage.objects.exists() and is_present(dana)


@pytest.mark.parametrize("signature", ["v1,AAAA", "v1", "", "v2,x v1,?", "v1,a,b", "\xe9"])
def test_what_is_not_signed_leaves_nothing(hr, dana, signature):
    assert hr.post("{}", "m1", signature=signature or " ").status_code == 401
    assert not HookMessage.objects.exists()


def test_a_changed_body_is_forged(hr, dana):
    at = datetime.now(UTC)
    good = Webhook(hr.secret).sign("m1", at, '{"type": "person.changed"}')
    assert hr.post('{"type": "person.left"}', "m1", at, signature=good).status_code == 401


def test_what_is_too_large_or_no_text_is_refused(hr):
    assert hr.post("x" * 300_000, "m1").status_code == 413
    assert Client().post(ADDRESS, b"\xff\xfe", "application/json").status_code == 400
    assert hr.post('{"a": "\0"}', "m1").status_code == 400
    assert Client().get(ADDRESS).status_code == 405


@pytest.mark.parametrize(
    "body", ["[]", "{", '{"type": "person.left"}', '{"type": 1, "data": []}', "[" * 100_000, "null"]
)
def test_what_cannot_be_understood_is_kept_for_a_person(hr, body):
    assert hr.post(body, "m1").status_code == 200
    assert HookMessage.objects.get().body == body and matter().kind == "refused"


def test_somebody_unknown_is_not_lost_and_is_done_once_they_are_known(hr):
    hr.send("person.left", about="nora@example.test")
    found = matter()
    assert found.kind == "unknown" and "Nobody here is nora@example.test" in found.words
    nora = person("nora")
    confirmed(erin()).post(f"/directory/matters/{found.pk}/decision/", {"decision": "again"})
    assert not is_present(nora) and not DirectoryMatter.objects.filter(settled_at=None).exists()
    assert AuditEvent.objects.get(action="directory_matter.settled").actor == erin()


def test_only_an_administrator_has_it_tried_again(hr):
    hr.send("person.left", about="nora@example.test")
    answer = confirmed(person("charlie")).post(f"/directory/matters/{matter().pk}/decision/", {"decision": "again"})
    assert answer.status_code == 403 and matter().kind == "unknown"


def test_letters_of_another_alphabet_let_nobody_go(hr, dana):
    hr.send("person.left", about="d\u0430na@example.test")
    assert is_present(dana) and (matter().kind, matter().person) == ("twin", dana)


def test_the_last_administrator_stays_until_a_person_decides(hr):
    hr.send("person.left", about="erin@example.test")
    assert is_present(erin()) and (matter().kind, matter().person) == ("last_admin", erin())


def test_a_mover_is_recorded_with_what_was_before(hr, dana):
    bob, alice = person("bob"), person("alice")
    hr.send("person.changed", about="dana@example.test", manager={"email": "bob@example.test"}, team="Press")
    hr.send("person.changed", about="dana@example.test", manager={"email": "alice@example.test"}, team="Events")
    dana.refresh_from_db()
    assert dana.manager == alice and list(dana.memberships.values_list("team__name", flat=True)) == ["Events"]
    first, second = Move.objects.order_by("pk")
    assert (first.manager, first.teams_before, second.manager_before, second.teams_before) == (bob, [], bob, ["Press"])
    assert AuditEvent.objects.filter(action="person.moved").count() == 2
    hr.send("person.changed", about="dana@example.test", team="events")
    assert Move.objects.count() == 2 and Team.objects.count() == 2 and TeamMembership.objects.count() == 1


def test_a_leave_of_absence_begins_and_ends(hr, dana):
    today = datetime.now(UTC).date()
    hr.send("person.away", about="dana@example.test", first_day=str(today - timedelta(days=2)))
    hr.send(
        "person.away",
        about="dana@example.test",
        first_day=str(today - timedelta(days=2)),
        last_day=str(today + timedelta(days=9)),
    )
    absence = Absence.objects.get(withdrawn_at=None)
    assert absence.is_leave and absence.person == dana and Absence.objects.now().get() == absence
    hr.send("person.back", about="dana@example.test")
    assert not Absence.objects.now().exists() and is_present(dana)
    assert AuditEvent.objects.filter(action__in=["leave.recorded", "leave.ended"]).count() == 3


def test_who_was_to_leave_may_stay_but_a_departure_that_a_person_recorded_stands(hr, dana):
    hr.send("person.leaving", about="dana@example.test", last_day="2027-01-15")
    hr.send("person.back", about="dana@example.test")
    assert Departure.objects.get().withdrawn_at and is_present(dana)
    departed(dana, -timedelta(days=5))
    hr.send("person.back", about="dana@example.test")
    assert Departure.objects.get(withdrawn_at=None) and "was not known to be away" in matter().words


def test_who_has_left_does_not_come_back_by_a_message(hr, dana):
    hr.send("person.left", about="dana@example.test")
    hr.send("person.back", about="dana@example.test")
    assert not is_present(dana) and matter().kind == "back"


def test_what_was_kept_and_not_done_is_done_by_the_sweep(hr, dana):
    body = json.dumps({"type": "person.left", "data": {"email": "dana@example.test"}})
    message, _ = hearing.keep(hr.key, "m1", body, datetime.now(UTC))
    assert hearing.catch_up() == 0  # its own process may still be at it
    HookMessage.objects.filter(pk=message.pk).update(received_at=datetime.now(UTC) - timedelta(minutes=1))
    assert hearing.catch_up() == 1 and not is_present(dana)


def test_people_are_known_by_the_id_of_the_directory_too(hr, dana):
    from tests.accounts.scim.client import Directory

    directory = Directory()
    directory.patch(f"Users/{dana.pk}", {"op": "add", "path": "externalId", "value": "hr-7"})
    hr.send("person.left", external_id="hr-7", about="bob@example.test")
    assert is_present(dana) and matter().kind == "unknown"  # the two do not agree
    hr.send("person.left", external_id="hr-7")
    assert not is_present(dana) and Person.objects.count() == 2
