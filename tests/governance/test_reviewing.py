"""A review freezes what stands, and gives each door to somebody who neither has it nor gave it."""

import hashlib
import json
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import AuditEvent
from channels_registry import access
from governance import populating, reviewing
from governance.models import AccessReview, ReviewItem
from governance.queries import digests, reviewers
from tests import factories
from tests.governance.reviews import channel, item_of, opened

pytestmark = pytest.mark.django_db


@pytest.fixture
def blue():
    """alice and dana work on bob's channel; erin gave them their rights."""
    made = channel()
    for who in ("alice", "dana"):
        factories.grant(made, factories.person(who), "publisher")
    return made


def test_every_door_is_frozen_with_what_was_known_of_it(blue):
    review = opened()
    item = item_of(review, "alice")
    assert (review.state, review.total, review.expected) == ("open", 2, 2)
    assert (item.holder, item.entitlement, item.door, item.channel_name) == ("Alice", "publisher", "right", blue.name)
    assert (item.granted_by, item.granted_reason, item.tier) == (factories.erin(), "test", "medium")
    assert (item.reviewer, item.why) == (factories.person("bob"), "owner")
    for action in ("access_review.opened", "access_review.ready"):
        assert AuditEvent.objects.filter(action=action, subject_id=str(review.pk)).exists()


def test_a_door_that_appears_later_is_not_mixed_in(blue):
    review = reviewing.open_review(factories.erin(), "Autumn", timezone.now() + timedelta(days=9))
    factories.grant(blue, factories.person("hana"), "approver")
    populating.work_due()
    assert ReviewItem.objects.filter(review=review).count() == 2


def test_a_door_that_is_shut_after_the_opening_is_in_it_all_the_same(blue):
    review = reviewing.open_review(factories.erin(), "Autumn", timezone.now() + timedelta(days=9))
    access.revoke(blue.grants.get(person=factories.person("alice")), factories.erin(), "moved")
    populating.work_due()
    assert item_of(review, "alice").state == "open"


def test_copying_goes_on_where_it_stopped(blue, monkeypatch):
    monkeypatch.setattr(populating, "SLICE", 1)
    review = reviewing.open_review(factories.erin(), "Autumn", timezone.now() + timedelta(days=9))
    assert populating.prepare(review, end=0) is False
    review.refresh_from_db()
    assert (review.state, review.total) == ("preparing", 1)
    populating.work_due()
    review.refresh_from_db()
    assert (review.state, review.total) == ("open", 2)


@pytest.mark.parametrize(
    "rule, holder, reviewer, why",
    [
        ("owner", "alice", "bob", "owner"),
        ("owner", "bob", "gina", "backup"),  # his own door
        ("manager", "alice", "hana", "manager"),
        ("manager", "dana", "gina", "backup"),  # has no manager
        ("named", "alice", "hana", "named"),
        ("named", "hana", "gina", "backup"),
    ],
)
def test_who_reviews(blue, rule, holder, reviewer, why):
    alice, hana = factories.person("alice"), factories.person("hana")
    alice.manager = hana
    alice.save()
    for who in ("bob", "hana"):
        factories.grant(blue, factories.person(who), "approver")
    review = opened(rule=rule, named=hana if rule == "named" else None)
    item = item_of(review, holder)
    assert (item.reviewer, item.why) == (factories.person(reviewer), why)


def test_what_the_owner_gave_goes_to_somebody_else(blue):
    factories.grant(blue, factories.person("bob"), "manager")
    factories.grant(blue, factories.person("hana"), "approver", by=factories.person("bob"))
    assert item_of(opened(), "hana").reviewer == factories.person("gina")


def test_where_nobody_is_left_it_stays_in_sight_without_a_reviewer(blue):
    """erin gave it and is the only administrator; owner and backup cannot sign in."""
    for who in ("bob", "gina"):
        factories.user(factories.person(who)).delete()
    item = item_of(opened(), "alice")
    assert (item.reviewer, item.why) == (None, "")


def test_an_administrator_who_did_not_give_it_comes_last(blue):
    for who in ("bob", "gina"):
        factories.user(factories.person(who)).delete()
    ines = factories.person("ines", "admin")
    assert item_of(opened(), "alice").reviewer == ines


def test_a_leaver_gets_nothing_to_review(blue):
    factories.departed(factories.person("bob"))
    assert item_of(opened(), "alice").reviewer == factories.person("gina")


def test_the_preview_says_what_each_would_get(blue):
    factories.grant(blue, factories.person("bob"), "approver")
    planned = reviewing.planned(factories.erin(), "Autumn", timezone.now() + timedelta(days=9))
    shares = {share.person: share.doors for share in reviewers.preview(planned, planned.opened_at)}
    assert shares == {factories.person("bob"): 2, factories.person("gina"): 1}
    review = opened()
    assert shares == {person: ReviewItem.objects.filter(review=review, reviewer=person).count() for person in shares}


def test_scopes_narrow_the_ledger(blue):
    other = channel("hana", tier="high", name="Other")
    other.brand, other.region = "Fernhill", "France"
    other.save()
    factories.grant(other, factories.person("alice"), "author")
    alice, bob = factories.person("alice"), factories.person("bob")
    alice.manager = bob
    alice.save()
    now = timezone.now()
    for scope, count in [
        ({}, 3), ({"channels": [other.pk]}, 1), ({"tiers": ["high"]}, 1), ({"brands": ["Fernhill"]}, 1),
        ({"regions": ["France"], "tiers": ["low"]}, 0), ({"owner": bob.pk}, 2), ({"manager": bob.pk}, 2),
        ({"person": alice.pk}, 2),
    ]:  # fmt: skip
        assert reviewers.doors_in(scope, now).count() == count, scope


def test_after_an_offboarding_everybody_on_the_leavers_channels_is_looked_at(blue):
    from governance import offboarding
    from governance.models import OffboardingCase

    factories.grant(channel("hana", name="Other"), factories.person("alice"), "author")
    factories.departed(factories.person("dana"))
    offboarding.sweep()
    review = opened(event="offboarding", scope={"case": OffboardingCase.objects.get().pk})
    assert set(review.items.values_list("channel_name", flat=True)) == {blue.name}


@pytest.mark.parametrize(
    "wrong, field",
    [
        ({"days": -1}, "due"), ({"days": 400}, "due"), ({"name": " "}, "name"), ({"rule": "named"}, "named"),
        ({"event": "mover"}, "person"), ({"event": "incident"}, "about"), ({"event": "offboarding"}, "case"),
        ({"grace": (2, 5, 99)}, "grace_low"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_review_is_refused_beside_its_field(blue, wrong, field):
    with pytest.raises(ValidationError) as refused:
        opened(**wrong)
    assert set(refused.value.message_dict) == {field}


def test_an_empty_scope_is_refused(blue):
    with pytest.raises(ValidationError, match="No open door"):
        opened(scope={"tiers": ["high"]})


def test_charlie_opens_and_cancels_nothing(blue):
    with pytest.raises(PermissionDenied):
        reviewing.open_review(factories.person("charlie"), "Mine", timezone.now() + timedelta(days=3))
    with pytest.raises(PermissionDenied):
        reviewing.cancel(opened(), factories.person("charlie"), "no")


def test_a_cancelled_review_ends_with_its_reason(blue):
    review = reviewing.cancel(opened(), factories.erin(), "Begun by mistake")
    assert (review.state, review.ended_reason) == ("cancelled", "Begun by mistake")
    assert AuditEvent.objects.filter(action="access_review.cancelled").exists()
    with pytest.raises(ValidationError):
        reviewing.cancel(review, factories.erin(), "again")


def test_the_database_keeps_the_population_frozen(blue):
    review = opened()
    item = review.items.first()
    for change in (
        lambda: ReviewItem.objects.filter(pk=item.pk).update(entitlement="manager"),
        lambda: ReviewItem.objects.filter(pk=item.pk).delete(),
        lambda: ReviewItem.objects.create(
            review=review, grant=factories.grant(blue, factories.person("hana"), "author"), channel=blue, door="right",
            entitlement="author", source="declared", holder="x", channel_name="x", tier="low",
            granted_at=timezone.now(),
        ),
    ):  # fmt: skip
        with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
            change()


def test_the_database_refuses_a_reviewer_of_their_own_door(blue):
    item = item_of(opened(), "alice")
    for who in ("alice", "erin"):  # has it; gave it
        with pytest.raises(IntegrityError), transaction.atomic():
            ReviewItem.objects.filter(pk=item.pk).update(reviewer=factories.person(who))


def test_the_population_hash_can_be_recomputed_from_the_rows(blue):
    """As digests.py tells an auditor to do it."""
    review = opened()

    def value(item, column):
        found = getattr(item, column)
        return found.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if column in digests.TIMES and found else found

    lines = [
        hashlib.sha256(
            json.dumps([value(item, column) for column in digests.POPULATION], ensure_ascii=False).encode()
        ).hexdigest()
        for item in review.items.order_by("grant_id")
    ]
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == review.population_sha256


def test_twelve_thousand_doors_are_copied_in_few_statements(blue, django_assert_max_num_queries):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO channels_registry_accessgrant (channel_id, person_id, door, entitlement, label, remote_id,"
            " source, ours, reason, starts_at, revoked_reason)"
            " SELECT %s, %s, 'right', 'n' || n, '', '', 'declared', false, 'many', now(), ''"
            " FROM generate_series(1, 12000) AS n",
            [blue.pk, factories.person("hana").pk],
        )
    review = reviewing.open_review(factories.erin(), "All", timezone.now() + timedelta(days=3))
    with django_assert_max_num_queries(60):
        populating.prepare(review)
    review.refresh_from_db()
    assert (review.total, review.state) == (12002, AccessReview.State.OPEN)
