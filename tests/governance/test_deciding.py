"""Certify or revoke with a reason; never one's own door, nor what one gave, by any route."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import AuditEvent
from channels_registry.models import AccessGrant
from governance import deciding, handing
from governance.models import ReviewItem
from tests import factories
from tests.governance.reviews import channel, decided, item_of, opened
from tests.publishing.steps import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def bob():
    return factories.person("bob")


@pytest.fixture
def blue(bob):
    made = channel()
    for who in ("alice", "dana"):
        factories.grant(made, factories.person(who), "publisher")
    return made


@pytest.fixture
def review(blue):
    return opened()


def test_a_decision_keeps_who_when_why_and_how_long_it_took(review, bob):
    item = item_of(review, "alice")
    deciding.show(item, bob)
    ReviewItem.objects.filter(pk=item.pk).update(shown_at=timezone.now() - timedelta(seconds=40))
    item = deciding.decide(item, bob, "certified", "Writes for it each week")
    assert (item.state, item.decided_by, item.reason) == ("certified", bob, "Writes for it each week")
    assert 39 < item.seconds < 60
    event = AuditEvent.objects.get(action="review_item.certified")
    assert (event.actor, event.data["reason"], event.data["grant"]) == (bob, item.reason, item.grant_id)


@pytest.mark.parametrize("verdict", ["certified", "revoked"])
@pytest.mark.parametrize("who", ["charlie", "alice", "erin", "gina"])
def test_only_its_reviewer_decides(review, who, verdict):
    """Neither a stranger, nor who has it, nor the administrator who gave it, nor the backup."""
    with pytest.raises(PermissionDenied):
        decided(item_of(review, "alice"), factories.person(who), verdict)


def test_a_reviewer_who_has_left_decides_nothing(review, bob):
    factories.departed(bob)
    with pytest.raises(PermissionDenied):
        decided(item_of(review, "alice"), bob)
    with pytest.raises(PermissionDenied):
        deciding.hand_in(review, bob)


def test_a_door_that_turned_out_to_be_the_reviewers_own_is_refused_at_the_decision(blue, bob):
    door = AccessGrant.objects.create(
        channel=blue, door="role", entitlement="editor", source="observed", remote_id="r1", starts_at=timezone.now()
    )
    item = ReviewItem.objects.get(review=opened(), grant=door)
    assert item.reviewer == bob
    AccessGrant.objects.filter(pk=door.pk).update(person=bob)  # as matching does
    with pytest.raises(PermissionDenied, match="You have this door"):
        decided(item, bob)


def test_a_certification_of_ones_own_door_found_out_later_is_void(blue, bob):
    door = AccessGrant.objects.create(
        channel=blue, door="role", entitlement="editor", source="observed", remote_id="r1", starts_at=timezone.now()
    )
    item = decided(ReviewItem.objects.get(review=opened(), grant=door), bob)
    deciding.hand_in(item.review, bob)
    AccessGrant.objects.filter(pk=door.pk).update(person=bob)
    handing.level_slowly()
    item.refresh_from_db()
    assert (item.state, item.reviewer) == ("open", factories.person("gina"))
    assert AuditEvent.objects.filter(action="review_item.voided").exists()


def test_revoking_needs_a_reason_and_so_does_keeping_what_was_never_used(review, bob):
    item = item_of(review, "alice")
    for verdict in ("revoked", "certified"):
        with pytest.raises(ValidationError) as refused:
            decided(item, bob, verdict, " ")
        assert "reason" in refused.value.message_dict


def test_what_was_used_is_certified_without_a_reason(blue, bob):
    """The other side of the rule above."""
    from publishing import drafting

    drafting.create_post(factories.person("alice"), [blue], "Spring is near.", "Spring")
    assert decided(item_of(opened(), "alice"), bob, reason="").state == "certified"


def test_high_risk_is_opened_and_given_a_reason(bob):
    red = channel(tier="high")
    factories.grant(red, factories.person("alice"), "publisher")
    item = item_of(opened(), "alice")
    with pytest.raises(ValidationError, match="Open it first"):
        deciding.decide(item, bob, "certified", "Needs it")
    deciding.show(item, bob)
    with pytest.raises(ValidationError, match="High risk"):
        deciding.decide(item, bob, "certified", "")
    assert deciding.decide(item, bob, "certified", "Needs it").state == "certified"


def test_a_decision_is_taken_back_until_it_is_handed_in(review, bob):
    item = decided(item_of(review, "alice"), bob)
    with pytest.raises(PermissionDenied):
        deciding.take_back(item, factories.person("gina"))
    assert deciding.take_back(item, bob).state == "open"
    assert AuditEvent.objects.filter(action="review_item.taken_back", actor=bob).exists()
    decided(item, bob)
    assert deciding.hand_in(review, bob) == {"certified": 1}
    with pytest.raises(ValidationError, match="handed in"):
        deciding.take_back(item, bob)
    with pytest.raises(IntegrityError, match="stands"), transaction.atomic():
        ReviewItem.objects.filter(pk=item.pk).update(reason="another")
    with pytest.raises(ValidationError, match="nothing to hand in"):
        deciding.hand_in(review, bob)


def test_decided_twice_it_is_the_first(review, bob):
    item = decided(item_of(review, "alice"), bob)
    with pytest.raises(ValidationError, match="certified already"):
        decided(item, bob, "revoked")


def test_a_door_that_was_shut_meanwhile_leaves_nothing_to_decide(review, bob):
    from channels_registry import access
    from governance import lapsing

    item = item_of(review, "alice")
    access.revoke(item.grant, factories.erin(), "moved")
    with pytest.raises(ValidationError, match="shut meanwhile"):
        decided(item, bob)
    lapsing.note_ended()
    item.refresh_from_db()
    assert (item.state, item.decided_by) == ("ended", None)


def test_certified_together_are_only_opened_doors_at_low_risk(bob):
    low, high = channel(tier="low", name="Low"), channel(tier="high", name="High")
    for who in ("alice", "dana", "hana"):
        factories.grant(low, factories.person(who), "publisher")
    factories.grant(high, factories.person("alice"), "publisher")
    review = opened()
    for who in ("alice", "dana"):
        deciding.show(item_of(review, who, channel=low), bob)
    deciding.show(item_of(review, "alice", channel=high), bob)
    bulk = deciding.decide_many(review, bob, list(review.items.values_list("pk", flat=True)), "certified", "Team")
    assert (bulk.done, dict(bulk.left)) == (
        2, {"not opened yet": 1, "certified one at a time, because of their risk": 1}
    )  # fmt: skip
    assert set(review.items.filter(state="certified").values_list("many", flat=True)) == {True}


def test_nobody_decides_together_what_is_another_reviewers(review):
    pks = list(review.items.values_list("pk", flat=True))
    bulk = deciding.decide_many(review, factories.person("gina"), pks, "revoked", "All of it")
    assert (bulk.done, dict(bulk.left)) == (0, {"not yours to decide": 2})


def test_the_database_refuses_a_decision_about_ones_own_door(review):
    for who in ("alice", "erin"):
        with pytest.raises(IntegrityError), transaction.atomic():
            review.items.filter(person=factories.person("alice")).update(
                state="certified", decided_by=factories.person(who), decided_at=timezone.now()
            )
    with pytest.raises(IntegrityError), transaction.atomic():
        review.items.update(state="certified", decided_at=timezone.now())  # kept, and by nobody


def test_two_decide_the_same_door_at_once_and_one_of_them_did(fresh_database):
    blue, bob = channel(), factories.person("bob")
    factories.grant(blue, factories.person("alice"), "publisher")
    review = opened()
    item = item_of(review, "alice")
    deciding.show(item, bob)
    said = at_once(
        lambda: deciding.decide(item, bob, "certified", "one"), lambda: deciding.decide(item, bob, "revoked", "two")
    )
    assert sorted(isinstance(each, ValidationError) for each in said) == [False, True]
    item.refresh_from_db()
    assert item.reason == next(each.reason for each in said if isinstance(each, ReviewItem))
    assert AuditEvent.objects.filter(action__startswith="review_item.").count() == 1


def test_handed_over_while_its_reviewer_decides_it_is_decided_by_one_of_them(fresh_database):
    blue, bob, hana = channel(), factories.person("bob"), factories.person("hana")
    factories.grant(blue, factories.person("alice"), "publisher")
    review = opened()
    item = item_of(review, "alice")
    said = at_once(
        lambda: deciding.decide(item, bob, "revoked", "one"),
        lambda: handing.hand_over(review, hana, bob, "You know her better", of=bob),
    )
    item.refresh_from_db()
    assert (item.state, item.reviewer) in {("revoked", bob), ("open", hana)}
    assert sum(isinstance(each, Exception) for each in said) == 1
