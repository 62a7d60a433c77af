"""Doors asked for all at once, and ahead of a minute that may still be taken back."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import people
from accounts.models import AuditEvent, Departure, Notification
from channels_registry import requesting
from channels_registry.models import AccessGrant, Revocation, RevocationAttempt
from channels_registry.observing import observe
from tests import factories
from tests.channels_registry.places import open_place, revoke_shift

LABELS = [f"dana {n}" for n in range(6)]


@pytest.fixture
def live(there, transactional_db):
    """Connected, on a database of the test's own: dana with a role and six app passwords."""
    dana = factories.person("dana")
    people = [{"name": "Dana", "handle": "dana", "role": "editor"}, {"name": "Gina", "handle": "gina", "role": "admin"}]
    here = open_place(there, people=people, app_passwords=[{"label": each} for each in LABELS]).connected()
    observe(here.channel)
    AccessGrant.objects.filter(label__in=LABELS).update(person=dana)
    return here


def doors_of(person):
    return AccessGrant.objects.standing().filter(person=person, ours=False)


def test_all_doors_of_a_person_are_asked_for_in_few_queries(live):
    dana = factories.person("dana")
    with CaptureQueriesContext(connection) as few:
        made = requesting.request_all(doors_of(dana), "left")
    assert len(made) == 7 and {each.state for each in made} == {"scheduled"}
    assert AuditEvent.objects.filter(action="revocation.requested").count() == 7
    assert len(few) <= 14
    assert {each.pk for each in requesting.request_all(doors_of(dana), "left")} == {each.pk for each in made}
    assert Revocation.objects.count() == 7


def test_what_is_prepared_waits_for_the_minute_and_is_shut_at_it(live):
    dana = factories.person("dana")
    departure = factories.departed(dana, -timedelta(seconds=4))
    made = requesting.prepare(doors_of(dana), departure, "left")
    assert len(made) == 7
    revoke_shift()  # a shift of less than half a second: the minute has not come
    assert not Revocation.objects.exclude(state="scheduled").exists()
    assert timezone.now() < departure.at, "the control: it was looked before the minute"
    last = revoke_shift(made[-1])
    for _ in range(10):
        if Revocation.objects.filter(stage="verified").count() == 7:
            break
        revoke_shift()
    assert last.settled_at > departure.at and Revocation.objects.filter(stage="verified").count() == 7


def test_what_is_prepared_is_nobodys_business_before_the_minute(live):
    dana, gina = factories.person("dana"), factories.person("gina")
    factories.grant(live.channel, gina, "manager")
    departure = factories.departed(dana, -timedelta(hours=1))
    made = requesting.prepare(doors_of(dana), departure, "Dana left")
    browser = factories.signed_in(gina)
    assert browser.get(reverse("revocation", args=[made[0].pk])).status_code == 404
    assert b"To revoke" not in browser.get(reverse("channel", args=[live.channel.pk])).content
    assert not AuditEvent.objects.filter(action="revocation.requested").exists()
    assert not Notification.objects.filter(kind="revocation.waits").exists()
    Departure.objects.filter(pk=departure.pk).update(at=timezone.now())
    Revocation.objects.update(due_at=timezone.now())
    assert browser.get(reverse("revocation", args=[made[0].pk])).status_code == 200
    assert requesting.came_due(departure) == 7 and requesting.came_due(departure) == 0
    assert AuditEvent.objects.filter(action="revocation.requested").count() == 7


def test_a_departure_that_was_withdrawn_shuts_nothing_whatever_has_run(live):
    """The lane itself reads the departure: nobody has called off what was prepared."""
    dana = factories.person("dana")
    departure = factories.departed(dana, -timedelta(seconds=1.5))
    made = requesting.prepare(doors_of(dana), departure, "left")
    people.withdraw_departure(departure, factories.erin())
    last = revoke_shift(made[0], until=("cancelled", "done"))
    assert last.state == "cancelled" and "withdrawn" in last.reason
    assert AuditEvent.objects.filter(action="revocation.called_off").exists()
    assert doors_of(dana).count() == 7 and observe(live.channel).doors == 9


def test_what_was_called_off_can_be_asked_for_again(live):
    dana = factories.person("dana")
    departure = factories.departed(dana, -timedelta(hours=1))
    requesting.prepare(doors_of(dana), departure, "left")
    assert requesting.call_off(departure) == 7 and requesting.call_off(departure) == 0
    assert len(requesting.request_all(doors_of(dana), "left after all")) == 7


def test_only_what_a_network_shuts_by_api_is_prepared(live):
    dana = factories.person("dana")
    factories.grant(live.channel, dana, "publisher")
    factories.grant(live.channel, dana, "poster", door="shared_login", label="Vault")
    departure = factories.departed(dana, -timedelta(hours=1))
    doors = {each.grant.door for each in requesting.prepare(doors_of(dana), departure, "left")}
    assert doors == {"app_password", "role"}


def test_the_database_keeps_one_revocation_a_door_however_often_it_is_prepared(live):
    dana = factories.person("dana")
    departure = factories.departed(dana, -timedelta(hours=1))
    (first, *_) = requesting.prepare(doors_of(dana), departure, "left")
    assert requesting.prepare(doors_of(dana), departure, "left") == []
    with pytest.raises(IntegrityError, match="one_revocation_a_door"), transaction.atomic():
        Revocation.objects.create(grant=first.grant, due_at=timezone.now(), next_attempt_at=timezone.now())


def test_everything_is_shut_before_anything_is_read_again(live):
    dana = factories.person("dana")
    made = requesting.request_all(doors_of(dana), "left")
    revoke_shift(made[0])
    for each in made:
        revoke_shift(each)
    shut = RevocationAttempt.objects.filter(outcome="continued").order_by("-settled_at").first()
    read = RevocationAttempt.objects.filter(outcome="accepted").order_by("started_at").first()
    assert shut.started_at <= read.started_at
