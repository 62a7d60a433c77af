"""The minute itself: what is made ready shortly before it, what happens at it, and how little it costs to look."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import people
from accounts.models import AuditEvent, Departure
from channels_registry.models import AccessGrant, Connection, Revocation
from governance import offboarding
from governance.models import OffboardingCase
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def dana():
    return factories.person("dana")


def connected():
    """A channel whose network shuts doors by API; nobody is asked anything in these tests."""
    channel = factories.channel()
    made = Connection.objects.create(
        channel=channel, state="pending", sealed_secrets=b"", key_id="test", handle=channel.handle, scopes=["manage"],
        authorised_by=factories.erin(), facts={"lookup": True, "key": True}, proven_at=timezone.now(),
    )  # fmt: skip
    made.state = "live"
    made.save()
    return channel


def door(channel, who, kind="app_password", **more):
    return AccessGrant.objects.create(
        channel=channel, person=who, door=kind, entitlement="publish", source="observed", remote_id=f"d{channel.pk}",
        starts_at=timezone.now() - timedelta(days=9), **more,
    )  # fmt: skip


def test_nobody_leaves_and_looking_costs_a_handful_of_queries():
    factories.departed(factories.person("zoe"), -timedelta(days=9))
    offboarding.begin()
    with CaptureQueriesContext(connection) as asked:
        offboarding.begin()
    assert len(asked) <= 4  # the lock, the two questions, the lock given back


def test_shortly_before_the_minute_the_doors_are_made_ready_and_nothing_is_shut(dana):
    channel = connected()
    grant = factories.grant(channel, dana, "publisher")
    door(channel, dana)
    factories.departed(dana, -timedelta(seconds=20))
    offboarding.begin(), offboarding.begin()
    case = OffboardingCase.objects.get(person=dana)
    (ready,) = Revocation.objects.all()
    assert ready.due_at == case.departure.at and ready.upon == case.departure and case.doors.get().revocation == ready
    grant.refresh_from_db()
    assert grant.revoked_at is None and case.swept_at is None


def test_long_before_the_minute_nothing_is_made_ready(dana):
    door(connected(), dana)
    factories.departed(dana, -timedelta(minutes=5))
    offboarding.begin()
    assert OffboardingCase.objects.get(person=dana).swept_at is None and not Revocation.objects.exists()


def test_at_the_minute_the_rest_joins_what_was_ready_and_the_trail_knows_all_of_it(dana):
    channel = connected()
    factories.grant(channel, dana, "publisher")
    door(channel, dana)
    departure = factories.departed(dana, -timedelta(seconds=20))
    offboarding.begin()
    Departure.objects.filter(pk=departure.pk).update(at=timezone.now())
    offboarding.begin()
    case = OffboardingCase.objects.get(person=dana)
    assert case.swept_at and case.doors.count() == 2
    assert AuditEvent.objects.get(action="offboarding_case.swept").data["doors"] == 2
    assert AuditEvent.objects.filter(action="revocation.requested").count() == 2
    offboarding.begin(), offboarding.sweep()
    assert case.doors.count() == 2 and Revocation.objects.count() == 2
    assert AuditEvent.objects.filter(action="revocation.requested").count() == 2


def test_a_departure_that_is_withdrawn_takes_back_what_was_made_ready(dana):
    door(connected(), dana)
    departure = factories.departed(dana, -timedelta(seconds=20))
    offboarding.begin()
    people.withdraw_departure(departure, factories.erin())
    offboarding.sweep()
    assert Revocation.objects.get().state == "cancelled"
    assert OffboardingCase.objects.get().state == "withdrawn"
    factories.departed(dana)  # and once more, for good
    offboarding.begin()
    assert Revocation.objects.get(state="scheduled").upon is None
