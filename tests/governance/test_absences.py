"""Somebody is away: what stands still, and who could step in."""

from datetime import UTC, date, datetime

import pytest
from django.utils import timezone

from accounts.models import Absence, Departure
from channels_registry.models import Channel, Connection
from governance.queries import absences
from tests import factories

pytestmark = pytest.mark.django_db
BEGIN, END = datetime(2030, 8, 1, tzinfo=UTC), datetime(2030, 8, 15, tzinfo=UTC)
PERIOD = BEGIN, END


def day(number):
    return datetime(2030, 8, number, tzinfo=UTC)


def stalls(person, reader=None, knows=True):
    found = absences.away(person, PERIOD, reader or factories.erin(), knows)
    return {(stall.channel.name, stall.act): stall for stall in found.stalls}


def is_away(person, first, last):
    return Absence.objects.create(person=person, starts_at=day(first), ends_at=day(last))


@pytest.mark.parametrize(
    ("there", "left"),
    [
        ([], [(BEGIN, END)]),
        ([(BEGIN, END)], []),
        ([(day(3), day(5))], [(BEGIN, day(3)), (day(5), END)]),
        ([(day(5), day(20)), (datetime(2030, 7, 1, tzinfo=UTC), day(5))], []),
        ([(day(4), day(9)), (day(3), day(5))], [(BEGIN, day(3)), (day(9), END)]),
        ([(datetime(2030, 9, 1, tzinfo=UTC), datetime(2030, 9, 2, tzinfo=UTC))], [(BEGIN, END)]),
    ],
)
def test_gaps_are_what_nobody_covers(there, left):
    assert absences.gaps(PERIOD, there) == left


def test_a_channel_stands_still_where_nobody_else_may_and_says_who_could_step_in():
    gina, bob = factories.person("gina"), factories.person("bob")
    acme, alice = factories.channel(name="Acme", owner=gina), factories.person("alice")
    factories.grant(acme, alice, "publisher")
    factories.grant(acme, bob, "approver")
    found = stalls(alice)
    assert set(found) == {("Acme", "publish")}
    stall = found["Acme", "publish"]
    assert stall.whole and [each.name for each in stall.could] == ["Gina", "Bob"]
    factories.grant(acme, gina, "manager")
    assert stalls(alice) == {}


def test_the_absences_of_the_others_count_and_only_while_they_last():
    acme, alice, bob = factories.channel(name="Acme"), factories.person("alice"), factories.person("bob")
    for person in (alice, bob):
        factories.grant(acme, person, "publisher")
    is_away(bob, 5, 8)
    assert stalls(alice)["Acme", "publish"].gaps == [(day(5), day(8))]
    Absence.objects.update(withdrawn_at=timezone.now())
    assert stalls(alice) == {}


def test_a_right_that_ends_meanwhile_covers_until_then():
    acme, alice, bob = factories.channel(name="Acme"), factories.person("alice"), factories.person("bob")
    factories.grant(acme, alice, "responder")
    factories.grant(acme, bob, "responder", expires_at=day(10))
    assert stalls(alice)["Acme", "answer"].gaps == [(day(10), END)]


def test_a_departure_ahead_counts_for_those_only_who_may_know_of_it():
    acme, alice, bob = factories.channel(name="Acme"), factories.person("alice"), factories.person("bob")
    for person in (alice, bob):
        factories.grant(acme, person, "publisher")
    Departure.objects.create(person=bob, at=day(4), recorded_by=factories.erin())
    assert stalls(alice)["Acme", "publish"].gaps == [(day(4), END)]
    assert stalls(alice, knows=False) == {}


def test_who_has_left_covers_nothing_for_anybody_who_asks():
    acme, alice, bob = factories.channel(name="Acme"), factories.person("alice"), factories.person("bob")
    for person in (alice, bob):
        factories.grant(acme, person, "publisher")
    factories.departed(bob)
    assert stalls(alice, knows=False)["Acme", "publish"].whole


def test_steps_connections_and_work_with_their_name():
    from publishing import arranging

    gina, hana, alice = factories.person("gina", "social_lead"), factories.person("hana"), factories.person("alice")
    acme = factories.channel(name="Acme")
    factories.grant(acme, hana, "approver")
    factories.grant(acme, alice, "approver")
    workflow = arranging.create_workflow(gina, name="Promises", words=["warranty"])
    arranging.add_step(workflow, gina, name="Lawyers", remit="legal", position=1, people=[hana], rule="any")
    arranging.add_step(workflow, gina, name="Facts", remit="facts", position=2, people=[hana, alice], rule="any")
    arranging.add_step(workflow, gina, name="Both", remit="brand", position=3, people=[hana, alice], rule="all")
    made = Connection.objects.create(
        channel=acme, sealed_secrets=b"", key_id="t", authorised_by=hana, expires_at=day(9)
    )
    Connection.objects.filter(pk=made.pk).update(state="live")
    found = absences.away(hana, PERIOD, factories.erin(), True)
    assert [(step.name, left, needed) for step, left, needed in found.steps] == [("Lawyers", 0, 1), ("Both", 1, 2)]
    assert found.connections == [(acme, day(9))]
    assert found.counts == {"publications": 0, "conversations": 0}


def test_the_page_begins_with_the_absence_that_they_have_planned(django_assert_max_num_queries):
    from accounts import covering

    acme, alice = factories.channel(name="Acme"), factories.person("alice", time_zone="Europe/Paris")
    factories.grant(acme, alice, "publisher")
    covering.plan_absence(alice, date(2030, 8, 1), date(2030, 8, 14))
    browser = factories.signed_in(factories.erin())
    browser.get("/people/")  # a first request notes the session as well
    with django_assert_max_num_queries(12):
        html = browser.get(f"/people/{alice.pk}/cover/").content.decode()
    assert 'value="2030-08-01"' in html and 'value="2030-08-14"' in html
    assert "the whole time" in html


def test_charlie_may_not_look_and_their_manager_sees_what_they_may_see():
    acme, alice = factories.channel(name="Acme"), factories.person("alice")
    factories.grant(acme, alice, "publisher")
    there = f"/people/{alice.pk}/cover/?first=2030-08-01&last=2030-08-14"
    charlie = factories.person("charlie")
    assert factories.signed_in(charlie).get(there).status_code == 403
    assert "Acme" in factories.signed_in(alice).get(there).content.decode()
    alice.manager = charlie
    alice.save()
    assert "Acme" not in factories.signed_in(charlie).get(there).content.decode()
    assert Channel.objects.count() == 1


@pytest.mark.parametrize(
    "days", ["first=2030-08-14&last=2030-08-01", "first=x&last=2030-08-01", "first=2030-08-01&last=2033-01-01",
             "first=0001-01-01&last=9999-12-31"],
)  # fmt: skip
def test_days_that_are_no_period_are_said_and_kept(days):
    alice = factories.person("alice")
    answer = factories.signed_in(factories.erin()).get(f"/people/{alice.pk}/cover/?{days}")
    assert answer.status_code == 422
    assert days.partition("=")[2].partition("&")[0] in answer.content.decode()
