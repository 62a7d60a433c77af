"""Deciding on the pages: one at a time, in a table, with undo; and what stands in the rail and on Today."""

from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from governance import deciding, handing, reviewing
from governance.models import AccessReview, ReviewItem
from governance.queries import reviews
from tests import factories
from tests.governance.reviews import channel, decided, item_of, opened

pytestmark = pytest.mark.django_db


@pytest.fixture
def review():
    made = channel(tier="low")
    for who in ("alice", "dana", "hana"):
        factories.grant(made, factories.person(who), "publisher")
    return opened()


@pytest.fixture
def bob():
    return factories.signed_in(factories.person("bob"))


def body(answer, status: int = 200) -> str:
    assert answer.status_code == status, answer.content.decode()[:2000]
    return answer.content.decode()


def test_a_review_begins_with_a_preview_and_keeps_nothing_before(review):
    erin = factories.signed_in(factories.erin())
    due = f"{timezone.now() + timedelta(days=5):%Y-%m-%dT%H:%M}"
    said = {
        "name": "Winter", "event": "schedule", "rule": "owner", "fallback": "backup", "due": due, "tiers": "low",
        "grace_high": "0", "grace_medium": "5", "grace_low": "14",
    }  # fmt: skip
    page = body(erin.get(reverse("review_new"), {"preview": "1", **said}))
    assert "Begin the review" in page and "<b>3</b>" in page and 'name="grace_high" value="0"' in page
    assert AccessReview.objects.count() == 1
    made = erin.post(reverse("review_list"), said)
    new = AccessReview.objects.latest("pk")
    assert made.url == reverse("review", args=[new.pk]) and (new.grace_high, new.expected) == (0, 3)
    assert "Taking a picture of 3 doors" in body(erin.get(made.url))


@pytest.mark.parametrize("due, words", [("2020-01-01T10:00", "has passed"), ("never", "Write a date")])
def test_a_due_date_that_cannot_be_is_refused_beside_the_field(review, due, words):
    erin = factories.signed_in(factories.erin())
    said = {"name": "W", "event": "schedule", "rule": "owner", "fallback": "backup", "due": due, "grace_high": 2,
            "grace_medium": 5, "grace_low": 14}  # fmt: skip
    for answer in (erin.get(reverse("review_new"), {"preview": "1", **said}), erin.post(reverse("review_list"), said)):
        assert words in body(answer, 422)


def test_one_at_a_time_goes_on_to_the_next_and_can_be_undone(review, bob):
    first = bob.get(reverse("review_next", args=[review.pk])).url
    item = item_of(review, "alice")
    assert first == reverse("review_item", args=[item.pk])
    page = body(bob.get(first))
    assert "Does Alice still need this" in page and "Can write drafts, publish and schedule." in page
    item.refresh_from_db()
    assert item.shown_at
    answer = bob.post(reverse("review_item_decision", args=[item.pk]), {"verdict": "revoked", "reason": ""})
    assert "Say why it is to be shut" in body(answer, 422)
    on = bob.post(reverse("review_item_decision", args=[item.pk]), {"verdict": "revoked", "reason": "Moved"})
    assert on.url == reverse("review_item", args=[item_of(review, "dana").pk])
    assert reverse("review_item_undo", args=[item.pk]) in body(bob.get(on.url))
    bob.post(reverse("review_item_undo", args=[item.pk]))
    item.refresh_from_db()
    assert item.state == "open"


def test_a_look_by_anybody_else_starts_no_clock(review):
    item = item_of(review, "alice")
    body(factories.signed_in(factories.person("frank", "auditor")).get(reverse("review_item", args=[item.pk])))
    item.refresh_from_db()
    assert item.shown_at is None


def test_in_the_table_what_cannot_be_certified_together_is_left_and_said(review, bob):
    path = reverse("review_items", args=[review.pk])
    pks = list(review.items.values_list("pk", flat=True))
    sent = {"item": pks, "verdict": "certified", "reason": "Team"}
    assert "3 were left: not opened yet." in body(bob.post(path, sent), 422)
    deciding.show(item_of(review, "alice"), factories.person("bob"))
    assert bob.post(path, sent).status_code == 302
    assert "Certified: 1. 2 were left: not opened yet." in body(bob.get(path))
    assert "Tick the doors first" in body(bob.post(path, {"verdict": "certified"}), 422)


def test_three_thousand_doors_come_in_pages_of_few_queries(review, bob, django_assert_max_num_queries):
    blue = review.items.first().channel
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO channels_registry_accessgrant (channel_id, person_id, door, entitlement, label, remote_id,"
            " source, ours, reason, starts_at, revoked_reason)"
            " SELECT %s, %s, 'right', 'n' || n, '', '', 'declared', false, 'many', now(), ''"
            " FROM generate_series(1, 3000) AS n",
            [blue.pk, factories.person("hana").pk],
        )
    big = opened()
    path, seen = reverse("review_items", args=[big.pk]), set()
    with django_assert_max_num_queries(24):
        for _ in range(2):
            page = bob.get(path)
            seen |= {item.pk for item, _ in page.context["rows"]}
            path = reverse("review_items", args=[big.pk]) + page.context["next"]
    assert len(seen) == 100


def test_what_waits_stands_in_the_rail_and_on_today_of_whoever_is_asked(review, bob):
    page = body(bob.get("/"))
    assert "Review 3 doors: Autumn 2026" in page and reverse("review_list") in page
    assert "Review 3 doors" not in body(factories.signed_in(factories.person("charlie")).get("/"))
    assert reverse("review_list") not in body(factories.signed_in(factories.person("charlie")).get("/"))


def test_handing_in_and_the_sign_off(review, bob):
    for item in review.items.all():
        decided(item, factories.person("bob"))
    assert "decided, and not handed in" in body(
        factories.signed_in(factories.erin()).get(reverse("review_attestation", args=[review.pk]))
    )
    bob.post(reverse("review_handing_in", args=[review.pk]))
    gina = factories.signed_in(factories.person("gina", "social_lead"))
    assert "Sign off the access review" in body(gina.get("/"))
    path = reverse("review_attestation", args=[review.pk])
    assert "Say in a sentence" in body(gina.post(path, {"statement": "ok"}), 422)
    assert gina.post(path, {"statement": "I looked at the reasons and sign for them."}).status_code == 302
    assert "Signed off" in body(gina.get(reverse("review", args=[review.pk])))


def test_a_reviewer_sees_their_own_part_and_nothing_else(review, bob):
    handing.hand_over(
        review, factories.person("dana"), factories.person("bob"), "Hers", of=factories.person("bob"),
        items=[item_of(review, "alice").pk],
    )  # fmt: skip
    dana = factories.signed_in(factories.person("dana"))
    page = dana.get(reverse("review_items", args=[review.pk]) + "?whose=all")
    assert [item.holder for item, _ in page.context["rows"]] == ["Alice"]
    assert dana.get(reverse("review_item", args=[item_of(review, "hana").pk])).status_code == 404
    assert "Gina" not in body(dana.get(reverse("review", args=[review.pk])))


def test_what_is_nobodys_is_handed_to_somebody_by_name():
    made = channel(tier="low")
    for who in ("bob", "gina"):
        factories.user(factories.person(who)).delete()
    factories.grant(made, factories.person("alice"), "publisher")
    review, hana = opened(), factories.person("hana")
    erin = factories.signed_in(factories.erin())
    assert "Nobody may decide about 1 door." in body(erin.get(reverse("review", args=[review.pk])))
    path = reverse("review_handover", args=[review.pk])
    said = {"of": "nobody", "to": "HANA@example.test", "reason": "Knows her"}
    assert "there is nothing to hand over" in body(erin.post(path, said), 422), "erin gave it, so she names nobody"
    ines = factories.signed_in(factories.person("ines", "admin"))
    assert "Nobody here has this address" in body(ines.post(path, said | {"to": "nobody@example.test"}), 422)
    assert ines.post(path, said).status_code == 302
    assert item_of(review, "alice").reviewer == hana


def test_the_rows_of_a_pack_hold_everything(review):
    item = decided(item_of(review, "alice"), factories.person("bob"), "revoked", "Moved")
    rows = [dict(zip(reviews.ROW_COLUMNS, row, strict=True)) for row in reviews.review_rows(review)]
    assert len(rows) == 3
    mine = next(row for row in rows if row["grant_id"] == item.grant_id)
    assert (mine["holder"], mine["state"], mine["decided_by"], mine["reason"]) == ("Alice", "revoked", "Bob", "Moved")


def test_a_cancelled_review_asks_nobody(review, bob):
    reviewing.cancel(review, factories.erin(), "Begun by mistake")
    assert "Review 3 doors" not in body(bob.get("/"))
    item = ReviewItem.objects.filter(review=review).first()
    answer = bob.post(reverse("review_item_decision", args=[item.pk]), {"verdict": "certified", "reason": "x"})
    assert "This review is cancelled" in body(answer, 422)
