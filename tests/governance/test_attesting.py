"""Nothing is signed off with an undecided or unproven door, nor by the only one who decided."""

import random
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import AuditEvent
from channels_registry import revoking
from channels_registry.models.access_grant import Door
from governance import attesting, deciding, remedying, reviewing
from governance.models import AccessReview, Attestation, ReviewItem
from governance.queries import digests
from governance.queries.pace import mutual, pace
from tests import factories
from tests.governance.reviews import channel, decided, item_of, opened

pytestmark = pytest.mark.django_db
WORDS = "I looked at the figures and at the reasons, and sign for them."


@pytest.fixture
def bob():
    return factories.person("bob")


@pytest.fixture
def blue():
    made = channel()
    factories.grant(made, factories.person("alice"), "publisher")
    return made


def test_an_undecided_door_keeps_a_review_open(blue, bob):
    review, erin = opened(), factories.erin()
    with pytest.raises(ValidationError, match="1 door is not decided yet"):
        attesting.attest(review, erin, WORDS)
    decided(item_of(review, "alice"), bob)
    with pytest.raises(ValidationError, match="not handed in yet"):
        attesting.attest(review, erin, WORDS)
    deciding.hand_in(review, bob)
    made = attesting.attest(review, erin, WORDS)
    review.refresh_from_db()
    assert (review.state, review.ended_by, made.population_sha256) == ("attested", erin, review.population_sha256)
    assert made.decisions_sha256 == digests.decisions_sha256(review)
    assert made.figures["states"] == {"certified": 1, "lapsed": 0, "doors": 1}
    event = AuditEvent.objects.get(action="access_review.attested", actor=erin)
    assert event.data["decisions"] == made.decisions_sha256


def test_the_database_refuses_it_as_well(blue):
    review = opened()
    with pytest.raises(IntegrityError, match="undecided"), transaction.atomic():
        AccessReview.objects.filter(pk=review.pk).update(state="attested")


def test_after_the_sign_off_nothing_changes(blue, bob):
    review = opened()
    item = decided(item_of(review, "alice"), bob)
    deciding.hand_in(review, bob)
    attesting.attest(review, factories.erin(), WORDS)
    with pytest.raises(ValidationError, match="attested"):
        deciding.take_back(item, bob)
    with pytest.raises(IntegrityError), transaction.atomic():
        ReviewItem.objects.filter(pk=item.pk).update(state="open", decided_at=None, submitted_at=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        Attestation.objects.update(statement="another")
    with pytest.raises(ValidationError):
        reviewing.cancel(review, factories.erin(), "no")


def test_revoked_doors_are_shut_by_the_engine_and_proven_before_the_sign_off(blue, bob):
    shared = factories.grant(blue, factories.person("dana"), "editor", door=Door.SHARED_LOGIN, label="vault")
    review, erin = opened(), factories.erin()
    for item in review.items.all():
        decided(item, bob, "revoked", "Does other work now")
    deciding.hand_in(review, bob)
    assert remedying.revoke_due() == 2
    assert remedying.revoke_due() == 0
    assert item_of(review, "alice").revocation.stage == "verified"
    with pytest.raises(ValidationError, match="1 door is revoked, and not proven shut yet"):
        attesting.attest(review, erin, WORDS)
    revocation = shared.revocations.get()
    assert revocation.reason_for == "Access review “Autumn 2026”: Does other work now"
    revoking.not_provable(revocation, erin, "The vault keeps no list.")
    item = item_of(review, "dana")
    for who in ("erin", "bob", "dana", "charlie"):  # gave it, decided it, has it, may not
        with pytest.raises(PermissionDenied):
            remedying.accept(item, factories.person(who), "It will do")
    remedying.accept(item, factories.person("ines", "admin"), "The password is changed each month.")
    assert AuditEvent.objects.filter(action="review_item.risk_accepted").exists()
    assert attesting.attest(review, erin, WORDS)


def test_what_was_handed_in_is_shut_before_a_review_can_be_cancelled(blue, bob):
    review = opened()
    decided(item_of(review, "alice"), bob, "revoked", "Does other work now")
    deciding.hand_in(review, bob)
    with pytest.raises(ValidationError, match="being shut"):
        reviewing.cancel(review, factories.erin(), "Begun by mistake")
    remedying.revoke_due()
    reviewing.cancel(review, factories.erin(), "Begun by mistake")
    assert not blue.grants.standing().exists()


def test_the_doors_of_a_channel_that_is_archived_meanwhile_are_shut_all_the_same(blue, bob):
    review = opened()
    type(blue).objects.filter(pk=blue.pk).update(state="archived")
    decided(item_of(review, "alice"), bob, "revoked", "Nobody posts there any more")
    deciding.hand_in(review, bob)
    remedying.revoke_due()
    assert item_of(review, "alice").revocation.stage == "verified"


def test_a_door_under_way_cannot_be_taken_on(blue, bob):
    factories.grant(blue, factories.person("dana"), "editor", door=Door.SHARED_LOGIN, label="vault")
    review = opened()
    decided(item_of(review, "dana"), bob, "revoked", "Does other work now")
    deciding.hand_in(review, bob)
    remedying.revoke_due()
    with pytest.raises(ValidationError, match="under way"):
        remedying.accept(item_of(review, "dana"), factories.person("ines", "admin"), "It will do")


def test_nobody_signs_for_what_they_decided_alone(blue, bob):
    review = opened(rule="named", named=factories.person("gina", "social_lead"))
    decided(item_of(review, "alice"), factories.person("gina"))
    deciding.hand_in(review, factories.person("gina"))
    with pytest.raises(PermissionDenied, match="Somebody else signs"):
        attesting.attest(review, factories.person("gina"), WORDS)
    with pytest.raises(PermissionDenied):
        attesting.attest(review, factories.person("charlie"), WORDS)
    with pytest.raises(ValidationError, match="in a sentence"):
        attesting.attest(review, factories.erin(), "ok")
    assert attesting.attest(review, factories.erin(), WORDS)


def decided_review(bob, count: int = 30) -> AccessReview:
    made = channel(tier="low")
    for n in range(count):
        factories.grant(made, factories.person(f"person {n}", login=False), "viewer")
    review = opened()
    for item in review.items.all():
        decided(item, bob)
    deciding.hand_in(review, bob)
    return review


def test_a_sample_can_be_drawn_again_from_its_seed(bob):
    review, hana = decided_review(bob), factories.person("hana")
    sample = attesting.draw_sample(review, factories.erin(), hana, 5)
    drawn = list(sample.items.values_list("item", flat=True))
    pks = list(review.items.values_list("pk", flat=True))
    random.shuffle(pks)
    assert set(attesting.drawn_in_order(sample.seed, pks)[:5]) == set(drawn) and sample.drawn_from == 30
    assert set(attesting.drawn_in_order("another", pks)[:5]) != set(drawn)


def test_looking_again_is_for_another_person_and_disagreement_is_shown(bob):
    review, hana = decided_review(bob, 3), factories.person("hana")
    with pytest.raises(ValidationError):
        attesting.draw_sample(review, factories.erin(), bob, 2)  # decided all of it
    with pytest.raises(PermissionDenied):
        attesting.draw_sample(review, factories.person("charlie"), hana, 2)
    first, second = attesting.draw_sample(review, factories.erin(), hana, 2).items.all()
    with pytest.raises(PermissionDenied):
        attesting.recheck(first, factories.erin(), "certified")
    with pytest.raises(ValidationError, match="Say why you differ"):
        attesting.recheck(first, hana, "revoked")
    assert attesting.recheck(first, hana, "revoked", "She moved in May").disagrees
    assert not attesting.recheck(second, hana, "certified").disagrees
    with pytest.raises(ValidationError, match="already"):
        attesting.recheck(second, hana, "revoked", "no")
    assert AuditEvent.objects.filter(action="access_review.rechecked", data__agrees=False).count() == 1


def test_a_rubber_stamp_is_shown_as_one(bob):
    review = decided_review(bob, 60)
    seen = pace(review)[0]
    assert (seen.decided, seen.run, seen.share_fast) == (60, 60, 100)
    assert len(seen.warnings) == 2


def test_who_takes_their_time_is_no_rubber_stamp(bob):
    """The control of the test above."""
    made = channel(tier="low", name="Slow")
    for n in range(12):
        factories.grant(made, factories.person(f"person {n}", login=False), "author")
    slow = opened(scope={"channels": [made.pk]})
    for n, item in enumerate(slow.items.all()):
        deciding.show(item, bob)
        ReviewItem.objects.filter(pk=item.pk).update(shown_at=timezone.now() - timedelta(seconds=30))
        deciding.decide(item, bob, "revoked" if n % 4 == 0 else "certified", "Seen")
    seen = pace(slow)[0]
    assert seen.warnings == [] and seen.run == 3 and 29 < seen.median < 40


def test_pairs_who_certified_one_another_are_named(bob):
    hana = factories.person("hana")
    one, other = channel("bob"), channel("hana")
    factories.grant(one, hana, "author")
    factories.grant(other, bob, "author")
    review = opened()
    decided(item_of(review, "hana"), bob)
    assert mutual(review) == []
    decided(item_of(review, "bob"), hana)
    assert [(pair[2], {pair[0], pair[1]}) for pair in mutual(review)] == [(2, {bob, hana})]
