"""When people work, and who stands in for them."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from accounts import covering
from accounts.models import Absence, AuditEvent
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("instant", "works"),
    [
        (datetime(2026, 11, 23, 8, 0, tzinfo=UTC), True),  # Monday, nine in Berlin
        (datetime(2026, 11, 23, 7, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 23, 16, 0, tzinfo=UTC), False),  # five in Berlin
        (datetime(2026, 11, 22, 12, 0, tzinfo=UTC), False),  # Sunday
        (datetime(2026, 7, 6, 7, 0, tzinfo=UTC), True),  # nine in summer
    ],
)
def test_working_hours_are_read_off_their_own_clock(instant, works):
    bob = factories.person("bob")
    bob.time_zone = "Europe/Berlin"
    assert bob.works_at(instant) == works


def test_ones_own_hours(client):
    bob = factories.person("bob")
    browser = factories.signed_in(bob)
    sent = {"working_days": ["1", "3"], "working_from": "07:30", "working_until": "12:00"}
    assert browser.post("/account/hours/", sent).url == "/account/"
    bob.refresh_from_db()
    assert (bob.working_days, bob.working_from, bob.working_until) == ([1, 3], time(7, 30), time(12))
    assert AuditEvent.objects.filter(action="person.hours_changed").exists()
    for bad in ({**sent, "working_days": []}, {**sent, "working_until": "07:00"}, {**sent, "working_from": "x"}):
        assert browser.post("/account/hours/", bad).status_code == 422


def test_whole_days_in_the_persons_zone():
    bob, hana = factories.person("bob"), factories.person("hana")
    bob.time_zone = "Asia/Tokyo"
    absence = covering.plan_absence(bob, date(2027, 8, 1), date(2027, 8, 14), hana)
    assert absence.starts_at == datetime(2027, 7, 31, 15, tzinfo=UTC)
    assert absence.ends_at - absence.starts_at == timedelta(days=14)
    assert not Absence.objects.now().exists()


@pytest.mark.parametrize(("first", "last", "field"), [(5, 3, "last_day"), (-9, -3, "last_day"), (1, 500, "last_day")])
def test_days_that_cannot_be(first, last, field):
    today = timezone.now().date()
    with pytest.raises(ValidationError) as refused:
        covering.plan_absence(factories.person("bob"), today + timedelta(first), today + timedelta(last))
    assert field in refused.value.message_dict


def test_nobody_stands_in_for_themselves_nor_does_who_left():
    bob, dana = factories.person("bob"), factories.person("dana")
    factories.departed(dana)
    today = timezone.now().date()
    for delegate in (bob, dana):
        with pytest.raises(ValidationError) as refused:
            covering.plan_absence(bob, today, today, delegate)
        assert "delegate" in refused.value.message_dict


def test_only_they_themselves_take_it_back():
    bob, charlie = factories.person("bob"), factories.person("charlie")
    today = timezone.now().date()
    absence = covering.plan_absence(bob, today, today)
    assert Absence.objects.now().get() == absence
    with pytest.raises(PermissionDenied):
        covering.withdraw_absence(absence, charlie)
    assert factories.signed_in(charlie).post(f"/account/absences/{absence.pk}/withdrawal/").status_code == 404
    covering.withdraw_absence(absence, bob)
    assert not Absence.objects.now().exists()


def test_by_pages():
    bob, hana = factories.person("bob"), factories.person("hana")
    browser = factories.signed_in(bob)
    sent = {"first_day": "2027-08-01", "last_day": "2027-08-14", "delegate": hana.pk}
    assert browser.post("/account/absences/", sent).url == "/account/absences/"
    assert "Hana decides in your place" in browser.get("/account/absences/").content.decode()
    assert browser.post("/account/absences/", {**sent, "delegate": bob.pk}).status_code == 422
