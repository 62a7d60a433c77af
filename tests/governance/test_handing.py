"""Reviews go on when a reviewer hands over, leaves or is away, and nobody ends up with their own door."""

from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from accounts import covering
from accounts.models import AuditEvent
from governance import deciding, handing
from tests import factories
from tests.governance.reviews import channel, decided, item_of, opened

pytestmark = pytest.mark.django_db


@pytest.fixture
def review():
    made = channel()
    for who in ("alice", "dana"):
        factories.grant(made, factories.person(who), "publisher")
    return opened()


@pytest.fixture
def bob():
    return factories.person("bob")


def test_a_reviewer_hands_over_what_is_theirs(review, bob):
    hana = factories.person("hana")
    item = item_of(review, "alice")
    assert handing.hand_over(review, hana, bob, "She leads that team", of=bob, items=[item.pk]) == (1, 0)
    item.refresh_from_db()
    assert (item.reviewer, item.why) == (hana, "handed")
    told = item.handed[0]
    assert (told["from"], told["to"], told["by"], told["why"]) == (bob.pk, hana.pk, bob.pk, "She leads that team")
    assert AuditEvent.objects.filter(action="access_review.handed_over", actor=bob).exists()
    with pytest.raises(PermissionDenied):
        decided(item, bob)
    assert decided(item, hana).decided_by == hana


@pytest.mark.parametrize("to, why", [("alice", "has it"), ("erin", "gave it")])
def test_nothing_is_handed_to_who_has_it_or_gave_it(review, bob, to, why):
    item = item_of(review, "alice")
    for by in (bob, factories.person("ines", "admin")):
        with pytest.raises(ValidationError):
            handing.hand_over(review, factories.person(to), by, why, of=bob, items=[item.pk])


def test_of_many_what_may_not_be_handed_over_is_left(review, bob):
    assert handing.hand_over(review, factories.person("alice"), bob, "Holiday", of=bob) == (1, 1)
    assert item_of(review, "dana").reviewer == factories.person("alice")
    assert item_of(review, "alice").reviewer == bob


def test_charlie_hands_nothing_over_and_nobody_steers_the_review_of_their_own_door(review, bob):
    hana = factories.person("hana")
    with pytest.raises(PermissionDenied):
        handing.hand_over(review, hana, factories.person("charlie"), "please", of=bob)
    alice = factories.person("alice", "admin")
    assert handing.hand_over(review, hana, alice, "Choose my reviewer", of=bob) == (1, 0)
    assert item_of(review, "alice").reviewer == bob


def test_a_reason_and_somebody_who_can_decide_are_needed(review, bob):
    with pytest.raises(ValidationError):
        handing.hand_over(review, factories.person("hana"), bob, " ", of=bob)
    factories.departed(factories.person("hana"))
    with pytest.raises(ValidationError):
        handing.hand_over(review, factories.person("hana"), bob, "why", of=bob)


def test_when_a_reviewer_leaves_their_doors_go_to_the_fallback(review, bob):
    kept = decided(item_of(review, "alice"), bob)
    factories.departed(bob)
    handing.level()
    gina = factories.person("gina")
    kept.refresh_from_db()
    assert (kept.state, kept.reviewer, kept.why) == ("open", gina, "backup")  # it had not been handed in
    assert item_of(review, "dana").reviewer == gina
    assert AuditEvent.objects.filter(action="access_review.reassigned").exists()


def test_what_a_leaver_had_handed_in_stands(review, bob):
    item = decided(item_of(review, "alice"), bob)
    deciding.hand_in(review, bob)
    factories.departed(bob)
    handing.level()
    item.refresh_from_db()
    assert (item.state, item.decided_by) == ("certified", bob)


def test_where_no_fallback_is_left_the_next_administrator_gets_it(review, bob):
    for who in (bob, factories.person("gina")):
        factories.departed(who)
    handing.level()
    assert item_of(review, "alice").reviewer is None
    ines = factories.person("ines", "admin")
    handing.level_slowly()
    assert item_of(review, "alice").reviewer == ines


def test_who_is_away_past_the_due_date_is_stood_in_for(review, bob):
    hana = factories.person("hana")
    covering.plan_absence(bob, date.today() - timedelta(days=1), date.today() + timedelta(days=40), hana)
    handing.level()
    item = item_of(review, "alice")
    assert (item.reviewer, item.why) == (hana, "delegate")


def test_who_is_back_before_the_due_date_keeps_their_doors(review, bob):
    covering.plan_absence(bob, date.today() - timedelta(days=1), date.today() + timedelta(days=2), None)
    handing.level()
    assert item_of(review, "alice").reviewer == bob


def test_a_delegate_who_has_the_door_does_not_get_it(review, bob):
    alice = factories.person("alice")
    covering.plan_absence(bob, date.today() - timedelta(days=1), date.today() + timedelta(days=40), alice)
    handing.level()
    assert item_of(review, "alice").reviewer == factories.person("gina")
    assert item_of(review, "dana").reviewer == alice
    handing.level()  # and nothing goes back and forth
    assert len(item_of(review, "alice").handed) == 1
