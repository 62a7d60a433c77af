"""Posts made on the network itself: seen, kept once, marked, and never taken for ours."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from channels_registry.connector.types import PostSeen
from publishing import measuring, noticing
from publishing.models import MeasuringTurn, NativePost, PostMeasurement, Publication
from tests import factories
from tests.deliveries import world
from tests.publishing.steps import page, published
from tests.publishing.test_measuring import aged, there


@pytest.fixture
def shop(db, sandbox_server):
    sandbox_server.reset()
    made = world(sandbox_server)
    factories.grant(made.channels[0], made.alice, "manager")
    return made


def again() -> None:
    """The next turn, now."""
    MeasuringTurn.objects.update(next_at=Now(), listed_at=None)
    measuring.measure_due()


def natively(shop, control) -> str:
    """Somebody posts past the product; its id over there."""
    made = shop.publish(1)[0]
    remote_id = there(control, made)
    Publication.objects.filter(pk=made.pk).update(state="cancelled")
    return remote_id


def calendar(shop, view: str = "day", **said) -> str:
    query = "".join(f"&{name}={value}" for name, value in said.items())
    return page(factories.signed_in(shop.alice), f"/calendar/?view={view}&from={timezone.now():%Y-%m-%d}{query}")


@pytest.mark.parametrize("view", ["month", "week", "day", "list"])
def test_a_post_made_on_the_network_is_shown_once_and_marked(shop, sandbox_server, view):
    remote_id = natively(shop, sandbox_server)
    again()
    again()
    seen = NativePost.objects.get()
    assert (seen.remote_id, seen.text, seen.gone_at) == (remote_id, "Good morning.", None)
    html = calendar(shop, view)
    assert html.count("Not approved here</span>") == 1
    assert f'href="{seen.url}"' in html


def test_ours_is_not_taken_for_one_made_there_not_even_when_it_is_known_late(shop, sandbox_server):
    ours, late = shop.publish(2, timezone.now() + timedelta(days=1))  # what goes out soon has its turn first
    published(ours, there(sandbox_server, ours))
    remote_id = there(sandbox_server, late)
    again()
    assert NativePost.objects.get().remote_id == remote_id
    published(late, remote_id)
    assert "Not approved here</span>" not in calendar(shop)
    again()
    assert NativePost.objects.count() == 1


def test_one_that_was_taken_down_over_there_says_so_and_comes_back(shop, sandbox_server):
    remote_id = natively(shop, sandbox_server)
    again()
    sandbox_server.erase(remote_id)
    again()
    assert NativePost.objects.get().gone_at
    assert "taken down there</span>" in calendar(shop)
    NativePost.objects.update(remote_id=natively(shop, sandbox_server))
    again()
    assert NativePost.objects.get().gone_at is None


def test_they_are_filtered_like_the_others_and_by_themselves(shop, sandbox_server):
    natively(shop, sandbox_server)
    again()
    marked = "Not approved here</span>"
    assert marked in calendar(shop, state="native", q="morning")
    for said in ({"state": "published"}, {"q": "evening"}, {"tag": "x"}, {"network": "bluesky"}):
        assert marked not in calendar(shop, **said)


def test_who_does_not_see_the_channel_does_not_see_its_posts(shop, sandbox_server, db):
    natively(shop, sandbox_server)
    again()
    olga = factories.person("olga")
    factories.grant(factories.channel("sandbox", name="Elsewhere"), olga, "manager")
    html = page(factories.signed_in(olga), f"/calendar/?view=day&from={timezone.now():%Y-%m-%d}")
    assert "Good morning." not in html


def test_the_list_is_read_every_quarter_of_an_hour_and_a_failure_marks_nothing_as_gone(shop, sandbox_server):
    natively(shop, sandbox_server)
    again()
    turn = MeasuringTurn.objects.select_related("channel").get()
    assert noticing.due_since(turn) is None
    turn.listed_at -= timedelta(minutes=16)
    assert timezone.now() - noticing.due_since(turn) < timedelta(days=8)
    sandbox_server.fault("error_before", match={"method": "GET", "path": "/api/v1/posts"})
    again()
    assert NativePost.objects.get().gone_at is None


def test_figures_are_kept_although_the_list_cannot_be_had(shop, sandbox_server):
    ours = shop.publish(1)[0]
    published(ours, there(sandbox_server, ours))
    aged(ours, timedelta(hours=2))
    sandbox_server.fault("error_before", match={"method": "GET", "path": "/api/v1/posts"})
    again()
    assert PostMeasurement.objects.get().publication == ours
    turn = MeasuringTurn.objects.get()
    assert turn.failures == 1 and turn.listed_at is None


def test_one_that_stands_on_two_pages_is_kept_once(shop):
    turn = MeasuringTurn.objects.create(channel=shop.channels[0], next_at=timezone.now())
    now = timezone.now()
    noticing.keep(turn, [PostSeen("x1", "", "Hi", now)] * 2, now - timedelta(days=1))
    assert NativePost.objects.count() == 1


@pytest.mark.parametrize("remote_id", ["x" * 601, "x\0", "x\ud83d"])
def test_what_no_column_takes_loses_nothing_else(shop, remote_id):
    turn = MeasuringTurn.objects.create(channel=shop.channels[0], next_at=timezone.now())
    now = timezone.now()
    good = PostSeen("x1", "https://there.test/\ud83d", "Half \ud83d", now)
    noticing.keep(turn, [PostSeen(remote_id, "", "Hi", now), good], now - timedelta(days=1))
    assert NativePost.objects.get().text == "Half ?"


def test_an_address_that_is_no_web_address_is_not_linked_to(shop):
    turn = MeasuringTurn.objects.create(channel=shop.channels[0], next_at=timezone.now())
    now = timezone.now()
    bad = PostSeen("x1", "javascript:alert(1)", "<b>Hi\0</b>", now)
    noticing.keep(turn, [bad], now - timedelta(days=1))
    assert (NativePost.objects.get().url, NativePost.objects.get().text) == ("", "<b>Hi</b>")
    assert "&lt;b&gt;Hi" in (shown := calendar(shop)) and 'href=""' not in shown
