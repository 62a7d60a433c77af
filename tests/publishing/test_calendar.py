"""The calendar: what stands on which day, and where a phone begins to read it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.publishing.steps import MOST_QUERIES, agree, page, plan, tomorrow, write


def test_a_post_that_wants_a_time_stands_in_the_calendar_as_needing_approval(approval, alice):
    html = page(factories.signed_in(alice), f"/calendar/?day={approval.wanted_at:%Y-%m-%d}")
    assert "Needs approval" in html


@pytest.mark.parametrize(
    "query", ["month=2026-13", "month=x", "day=0000-00-00", "channel=abc&network=nope", "day=9999-12-31"]
)
def test_a_bent_address_shows_a_calendar_all_the_same(alice, query):
    page(factories.signed_in(alice), f"/calendar/?{query}")


def test_a_month_with_many_posts_costs_no_more_queries(publication, approved, alice, bob, dana, acme):
    for number in range(12):
        plan(agree(write(alice, [acme], f"Words {number}", title=f"More {number}"), alice, bob), dana, tomorrow(9))
    client = factories.signed_in(dana)
    path = f"/calendar/?month={publication.due_at:%Y-%m}"
    page(client, path)
    with CaptureQueriesContext(connection) as queries:
        html = page(client, path)
    assert len(queries) <= MOST_QUERIES
    assert "8 more" in html
