"""The calendar: what stands on which day, and where a phone begins to read it."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from publishing.models import Campaign, Post, Publication
from publishing.queries.entries import Entry
from publishing.templatetags.calendars import calendar_entry
from tests import factories
from tests.publishing.steps import MOST_QUERIES, agree, page, plan, sign_in, staffed, tomorrow, write


def test_a_post_that_wants_a_time_stands_in_the_calendar_as_needing_approval(approval, alice):
    html = page(factories.signed_in(alice), f"/calendar/?view=day&from={approval.wanted_at:%Y-%m-%d}")
    assert "Needs approval" in html


@pytest.mark.parametrize(
    "query",
    [
        "from=2026-13-01",
        "view=x&from=x",
        "view=day&from=0000-00-00",
        "channel=abc&network=nope&state=x&campaign=y",
        "view=week&from=9999-12-31",
    ],
)
def test_a_bent_address_shows_a_calendar_all_the_same(alice, query):
    page(factories.signed_in(alice), f"/calendar/?{query}")


def test_a_month_with_many_posts_costs_no_more_queries(publication, approved, alice, bob, dana, acme):
    for number in range(12):
        plan(agree(write(alice, [acme], f"Words {number}", title=f"More {number}"), alice, bob), dana, tomorrow(9))
    client = factories.signed_in(dana)
    path = f"/calendar/?from={publication.due_at:%Y-%m-%d}"
    page(client, path)
    with CaptureQueriesContext(connection) as queries:
        html = page(client, path)
    assert len(queries) <= MOST_QUERIES
    assert "9 more" in html


@pytest.fixture
def today(fresh_database):
    """alice's date, with a post of hers on the first of the month and one at the end of today."""
    acme = staffed(factories.channel("sandbox", name="Acme"))
    alice, bob, dana = (factories.person(name) for name in ("alice", "bob", "dana"))
    now = timezone.now().astimezone(ZoneInfo(alice.time_zone))
    for title, at in (("Long ago", now.replace(day=1, hour=0, minute=0)), ("Tonight", now.replace(hour=23, minute=59))):
        made = plan(agree(write(alice, [acme], title, title=title), alice, bob), dana)
        Publication.objects.filter(pk=made.pk).update(due_at=at)
    return now.date()


def test_a_phone_begins_at_today_and_unfolds_what_was_before_without_a_script(today, web, browser):
    phone = browser.new_context(base_url=web.url, viewport={"width": 390, "height": 844}, java_script_enabled=False)
    sign_in(phone, web, factories.person("alice"))
    page = phone.new_page()
    page.goto("/calendar/")
    days = page.locator(".cal > section:visible")
    assert days.first.get_attribute("aria-label") == f"{today:%A} {today.day} {today:%B}"
    assert page.get_by_text("Tonight").is_visible()
    if today.day > 1:  # on the first of a month nothing is earlier
        assert not page.get_by_text("Long ago").is_visible()
        page.get_by_role("link", name="Earlier this month 1").click()
        assert page.get_by_text("Long ago").is_visible()
        page.get_by_role("link", name="From today on").click()
        assert not page.get_by_text("Long ago").is_visible()
    last_month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    page.goto(f"/calendar/?from={last_month:%Y-%m-%d}")
    assert page.get_by_text("Earlier this month").count() == 0
    phone.close()


def test_on_a_desk_the_whole_month_stands(today, web, browser_context, page):
    sign_in(browser_context, web, factories.person("alice"))
    page.goto("/calendar/")
    assert page.get_by_text("Long ago").is_visible()
    assert page.get_by_text("Tonight").is_visible()
    assert not page.get_by_text("Earlier this month").is_visible()


@pytest.mark.parametrize("view", ["month", "week", "day", "list"])
def test_every_view_names_the_post_its_state_and_its_zone(publication, dana, view):
    html = page(factories.signed_in(dana), f"/calendar/?view={view}&from={publication.due_at:%Y-%m-%d}")
    assert "Winter rates" in html
    assert '<span class="state">Scheduled</span>' in html
    assert "Times in UTC" in html
    assert f'data-pk="{publication.pk}"' in html


def test_who_may_not_publish_is_offered_no_move(publication, charlie):
    html = page(factories.signed_in(charlie), f"/calendar/?view=list&from={publication.due_at:%Y-%m-%d}")
    assert "Winter rates" in html
    assert "data-pk" not in html
    assert f"/publications/{publication.pk}/time/" not in html


NARROWED = [
    ("q=winter", True), ("q=summer", False), ("state=scheduled", True), ("state=published", False),
    ("state=approval", False), ("tag=rates", True), ("tag=other", False), ("network=sandbox", True),
    ("network=bluesky", False), ("campaign={campaign}", True), ("campaign=99999", False),
]  # fmt: skip


@pytest.mark.parametrize(("query", "shown"), NARROWED)
def test_a_calendar_narrows_by_what_its_address_says(publication, dana, alice, query, shown):
    campaign = Campaign.objects.create(name="Winter", owner=alice)
    Post.objects.filter(pk=publication.variant.post_id).update(tags=["rates"], campaign=campaign)
    query = query.format(campaign=campaign.pk)
    html = page(factories.signed_in(dana), f"/calendar/?view=list&from={publication.due_at:%Y-%m-%d}&{query}")
    assert (f"/publications/{publication.pk}/" in html) is shown
    assert f'id="calendar-total">{int(shown)} ' in html


def test_an_hour_that_comes_twice_stands_once_in_the_day(publication, dana):
    dana.time_zone = "Europe/Paris"
    dana.save()
    for hour in (0, 1):  # both are two o'clock in Paris
        Publication.objects.filter(pk=publication.pk).update(due_at=datetime(2027, 10, 31, hour, 30, tzinfo=UTC))
        html = page(factories.signed_in(dana), "/calendar/?view=day&from=2027-10-31")
        assert re.search(rf'data-hour="2".*?data-pk="{publication.pk}".*?data-hour="3"', html, re.DOTALL)


def test_what_others_wrote_is_escaped_in_an_entry():
    hostile = '"><script>x</script>'
    entry = Entry(timezone.now(), "sandbox", hostile, hostile, 1, "native", address=f"https://a.example/{hostile}")
    drawn = calendar_entry(entry)
    assert "<script" not in drawn and drawn.count("&quot;&gt;&lt;script&gt;") == 5
