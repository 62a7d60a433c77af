"""What an approver reads before deciding: plain words, each from something known, and "not known" where it is not."""

from datetime import UTC, timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from publishing import campaigning, queries, submitting
from publishing.models import PostMeasurement, Publication
from publishing.permissions import access_approval
from tests import factories
from tests.publishing.steps import (
    MOST_QUERIES,
    agree,
    ask,
    connect,
    page,
    plan,
    published,
    tomorrow,
    write,
)


@pytest.fixture(autouse=True)
def connected(acme):
    return connect(acme)


def asked_about(acme, alice, bob, text: str, days: int = 2, **more):
    return ask(write(alice, [acme], text, **more), alice, bob, days)


def read(approval, reader):
    """The brief as this person reads it: all its lines by title."""
    approval = access_approval(SimpleNamespace(person=reader), approval.pk)
    previews = queries.as_asked(approval.revision, queries.variants_of(approval.post))
    rows = queries.stage_rows(approval, queries.decisions_on(approval.post))
    return queries.brief(approval, previews, reader, queries.question_for(rows, reader))


def lines(brief) -> dict[str, str]:
    return {point.title: point.words for point in [*brief.first, *brief.rest]}


def went_out(alice, bob, dana, acme, text: str, age: str = "day", measured: dict | None = None, **more) -> Publication:
    publication = published(plan(agree(write(alice, [acme], text, **more), alice, bob), dana))
    if measured is not None:
        PostMeasurement.objects.create(publication=publication, age=age, **measured)
    return publication


@pytest.mark.parametrize(
    ("remit", "said"), [("facts", "it is true"), ("legal", "we may publish it"), ("brand", "sounds and looks like us")]
)
def test_what_agreeing_stands_for_is_said_for_each_remit(acme, alice, bob, remit, said):
    approval = submitting.submit(write(alice, [acme]), alice, bob, remit, timezone.now() + timedelta(days=2))
    brief = read(approval, bob)
    assert said in brief.means
    assert "the pictures" in brief.covers
    assert ("the place there" in brief.covers) is (remit == "brand")
    assert ("the time" in brief.covers) is (remit == "facts")


def test_numbers_prices_and_dates_are_listed_to_be_checked_for_facts(acme, alice, bob):
    text = "From 1 December a transfer costs 0.20 €, 15 % less. Open until 22:00. https://shop.test/2026"
    brief = read(asked_about(acme, alice, bob, text), bob)
    assert lines(brief)["Claims to check"].startswith("1 December, 0.20 €, 15 %, 22:00. ")
    assert brief.first[0].title == "Claims to check"


def test_a_text_without_claims_lists_none_and_brand_is_not_asked_about_them(acme, alice, bob):
    assert "Claims to check" not in lines(read(asked_about(acme, alice, bob, "Everything stays free."), bob))
    numbers = submitting.submit(write(alice, [acme]), alice, bob, "brand", timezone.now() + timedelta(days=2))
    assert "Claims to check" not in lines(read(numbers, bob))


def test_what_is_not_known_is_said_to_be_unknown(acme, alice, bob):
    brief = read(asked_about(acme, alice, bob, "Everything stays free."), bob)
    seen = lines(brief)["Who sees it"]
    assert "How many follow Acme is not known yet." in seen
    assert "How many a post usually reaches is not known yet" in seen
    assert "practice network" in seen
    assert brief.similar == []


def test_the_usual_reach_is_the_middle_of_what_was_counted_and_says_of_how_many(acme, alice, bob, dana):
    for likes in (2, 40, 7):
        went_out(alice, bob, dana, acme, f"Number {likes}", measured={"likes": likes, "reposts": 1})
    went_out(alice, bob, dana, acme, "Young", age="hour", measured={"likes": 900})
    went_out(alice, bob, dana, acme, "Erased", measured={"gone": True})
    seen = lines(read(asked_about(acme, alice, bob, "Something else."), bob))["Who sees it"]
    assert "usually gets 8 likes, reposts and answers (the middle of 3 recent posts)" in seen
    went_out(alice, bob, dana, acme, "Seen", measured={"views": 1200})
    seen = lines(read(asked_about(acme, alice, bob, "Once more."), bob))["Who sees it"]
    assert "usually seen 1,200 times (the last post that was counted)" in seen


def test_similar_posts_are_named_with_what_came_of_them(acme, alice, bob, dana):
    went_out(alice, bob, dana, acme, "Winter boots are mended free of charge", measured={"likes": 5, "replies": 1})
    went_out(alice, bob, dana, acme, "A walk along the river")
    brief = read(asked_about(acme, alice, bob, "Your winter boots, mended free until spring"), bob)
    assert [(each.publication.text[:12], each.told) for each in brief.similar] == [
        ("Winter boots", "5 likes, 1 answer after a day")
    ]


def test_a_similar_post_that_was_not_counted_or_taken_down_says_so(acme, alice, bob, dana):
    tags = {"tags": ["boots"]}
    went_out(alice, bob, dana, acme, "One", **tags)
    went_out(alice, bob, dana, acme, "Two", measured={"gone": True}, **tags)
    approval = asked_about(acme, alice, bob, "Three", **tags)
    assert {each.told for each in read(approval, bob).similar} == {"", "it was taken down since"}
    assert "not counted" in page(factories.signed_in(bob), f"/approvals/{approval.pk}/")


def test_why_now_is_the_authors_line_and_the_campaigns_goal(acme, alice, bob):
    brief = read(asked_about(acme, alice, bob, "Everything stays free.", why_now="The law asks for it."), bob)
    assert lines(brief)["Why now"] == "The law asks for it."
    assert "gave no reason" in lines(read(asked_about(acme, alice, bob, "Nothing more."), bob))["Why now"]
    winter = campaigning.create(alice, "Winter", goal="People know what stays free")
    part = read(asked_about(acme, alice, bob, "Free, all winter.", campaign=winter), bob)
    assert lines(part)["Why now"].endswith("Part of “Winter”: People know what stays free.")


def test_a_clash_is_within_ten_minutes_and_stands_on_top(acme, alice, bob, dana):
    plan(agree(write(alice, [acme], title="The other"), alice, bob), dana, tomorrow(10))
    at = tomorrow(10).replace(tzinfo=UTC)
    close = submitting.submit(write(alice, [acme]), alice, bob, "facts", at + timedelta(minutes=9))
    assert "“The other” goes out on Acme" in read(close, bob).first[0].words
    apart = submitting.submit(write(alice, [acme]), alice, bob, "facts", at + timedelta(minutes=11))
    assert "within ten minutes" in lines(read(apart, bob))["Checked"]


def test_whom_it_speaks_to_and_which_links_nobody_opened_is_said(acme, alice, bob):
    approval = asked_about(acme, alice, bob, "Thank you, @marie.colas! More: https://shop.test/a?b=1.")
    brief = read(approval, bob)
    assert lines(brief)["It speaks to somebody"] == "@marie.colas will be told of it."
    assert [point.links for point in brief.rest if point.title == "Not checked"] == [["https://shop.test/a?b=1"]]


def test_a_channel_that_is_not_connected_is_looked_at_first(acme, alice, bob):
    approval = asked_about(acme, alice, bob, "Everything stays free.")
    acme.connections.update(state="disconnected")
    assert "Acme is not connected" in read(approval, bob).first[0].words


def test_charlie_reads_the_brief_and_is_not_told_that_he_decides(acme, alice, bob, charlie):
    approval = asked_about(acme, alice, bob, "Everything stays free.")
    text = page(factories.signed_in(charlie), f"/approvals/{approval.pk}/")
    assert "What you need to know" in text
    assert 'name="verdict"' not in text


def test_the_page_asks_the_database_no_more_for_many_posts_and_channels(
    acme, second, alice, bob, dana, django_assert_max_num_queries
):
    connect(second)
    for number in range(6):
        went_out(alice, bob, dana, acme, f"Winter boots number {number}", measured={"likes": number})
    approval = ask(write(alice, [acme, second], "Winter boots, 0.20 €"), alice, bob)
    client = factories.signed_in(bob)
    page(client, f"/approvals/{approval.pk}/")
    with django_assert_max_num_queries(MOST_QUERIES):
        page(client, f"/approvals/{approval.pk}/")
