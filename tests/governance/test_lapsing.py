"""Reminders in working hours, and silence that revokes: never one that keeps."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEvent, Notification
from governance import lapsing, remedying
from governance.models import ReviewItem, ReviewTurn
from tests import factories
from tests.governance.reviews import channel, decided, item_of, moved, opened

pytestmark = pytest.mark.django_db
DUE = datetime(2027, 3, 19, 16, 0, tzinfo=UTC)  # a Friday


@pytest.fixture
def bob():
    return factories.person("bob")


def three_tiers():
    for tier in ("high", "medium", "low"):
        made = channel(tier=tier, name=tier.title())
        factories.grant(made, factories.person("alice"), "publisher")


def states(review) -> dict[str, str]:
    return dict(ReviewItem.objects.filter(review=review).values_list("tier", "state"))


def test_at_the_due_date_what_was_decided_counts_and_the_rest_is_escalated(bob):
    three_tiers()
    bob.manager = hana = factories.person("hana")
    bob.save()
    review = opened()
    done = decided(item_of(review, "alice", tier="low"), bob)
    review = moved(review, 14.01)
    lapsing.end_what_is_over(timezone.now())
    done.refresh_from_db()
    assert done.submitted_at and done.state == "certified"
    item = item_of(review, "alice", tier="high")
    assert (item.state, item.reviewer, item.why) == ("open", hana, "escalated")
    assert AuditEvent.objects.filter(action="access_review.escalated").count() == 1
    lapsing.end_what_is_over(timezone.now())
    assert AuditEvent.objects.filter(action="access_review.escalated").count() == 1


@pytest.mark.parametrize(
    "days, gone",
    [(1, set()), (2.1, {"high"}), (5.1, {"high", "medium"}), (14.1, {"high", "medium", "low"})],
)
def test_silence_revokes_by_risk(days, gone):
    three_tiers()
    review = moved(opened(), 14.01)
    lapsing.end_what_is_over(timezone.now())  # escalated
    ReviewItem.objects.update(escalated_at=timezone.now() - timedelta(days=days))
    lapsing.end_what_is_over(timezone.now())
    assert {tier for tier, state in states(review).items() if state == "revoked"} == gone
    assert set(ReviewItem.objects.filter(state="revoked").values_list("lapsed", flat=True)) <= {True}
    assert AuditEvent.objects.filter(action="review_item.lapsed").count() == len(gone)


def test_after_a_long_standstill_others_are_asked_before_anything_is_revoked():
    three_tiers()
    review = moved(opened(), 60)
    lapsing.end_what_is_over(timezone.now())
    lapsing.end_what_is_over(timezone.now())
    assert set(states(review).values()) == {"open"}


def test_what_silence_revoked_is_shut_like_any_other():
    three_tiers()
    review = moved(opened(), 14.01)
    lapsing.end_what_is_over(timezone.now())
    ReviewItem.objects.update(escalated_at=timezone.now() - timedelta(days=30))
    lapsing.end_what_is_over(timezone.now())
    assert remedying.revoke_due() == 3
    assert not remedying.unremedied(review).exists()
    assert "Nobody answered within 2 days" in item_of(review, "alice", tier="high").revocation.reason_for


def test_nothing_lapses_before_it_is_due():
    three_tiers()
    review = opened()
    lapsing.end_what_is_over(timezone.now())
    assert set(states(review).values()) == {"open"}


def due_between(since: datetime, until: datetime, zone: str = "UTC") -> bool:
    return any(since < mark <= until for mark in lapsing.marks(DUE, since, until, zone))


@pytest.mark.parametrize(
    "since, until, due",
    [
        (DUE - timedelta(days=20), DUE - timedelta(days=15), False),
        (DUE - timedelta(days=20), DUE - timedelta(days=14), True),  # weekly
        (DUE - timedelta(days=6), DUE - timedelta(days=4), False),
        (DUE - timedelta(days=6), DUE - timedelta(days=3), True),
        (DUE - timedelta(days=2), DUE - timedelta(hours=25), False),
        (DUE - timedelta(days=2), DUE - timedelta(hours=24), True),
        (DUE - timedelta(hours=20), DUE - timedelta(hours=17), False),
        (DUE - timedelta(hours=20), DUE - timedelta(hours=16), True),  # the morning of the day
        (DUE, DUE + timedelta(hours=23), False),
        (DUE, DUE + timedelta(hours=24), True),  # then daily
        (DUE + timedelta(days=5), DUE + timedelta(days=6), True),
    ],
)
def test_when_a_reminder_is_due(since, until, due):
    assert due_between(since, until) is due


def test_the_morning_of_the_day_is_the_readers():
    """In Sydney 16:00 UTC of that Friday is Saturday already, which began at 13:00 UTC."""
    one = DUE.replace(hour=13)
    assert due_between(one - timedelta(minutes=1), one, "Australia/Sydney")
    assert not due_between(one - timedelta(minutes=1), one)


def test_a_reviewer_is_told_once_in_one_line_for_all_reviews(bob):
    three_tiers()
    opened(name="One"), opened(name="Two")
    lapsing.remind(timezone.now())
    lapsing.remind(timezone.now())
    told = Notification.objects.get(person=bob, kind="access_review.waits")
    assert told.by_mail and told.text.startswith("6 doors wait for your decision in 2 access reviews.")


def test_reminders_keep_to_working_hours(bob):
    three_tiers()
    review = opened()
    lapsing.remind(timezone.now())
    Notification.objects.all().delete()
    ReviewTurn.objects.update(told_at=DUE - timedelta(days=30), reminded_at=DUE - timedelta(days=3, hours=1))
    type(review).objects.filter(pk=review.pk).update(due_at=DUE)
    sunday, monday = DUE + timedelta(days=2), DUE + timedelta(days=3) - timedelta(hours=2)
    assert lapsing.remind(sunday) == 0
    assert lapsing.remind(monday) == 1
    assert "It was due 3 days ago" in Notification.objects.get().text


def test_who_has_decided_everything_is_not_reminded(bob):
    three_tiers()
    review = opened()
    for item in review.items.all():
        decided(item, bob)
    assert lapsing.remind(timezone.now()) == 0
