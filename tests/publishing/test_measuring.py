"""What came of posts: counted at a few ages, from what the network tells, and never in the way of what goes out."""

import json
from datetime import timedelta
from urllib.request import Request, urlopen

import pytest
from django.db.models.functions import Now

from channels_registry import sealing
from channels_registry.models import ChannelMeasurement, Connection
from publishing import measuring
from publishing.models import MeasuringTurn, PostMeasurement, Publication
from publishing.tasks import measure
from tests.deliveries import world
from tests.processes import wait_until
from tests.publishing.steps import published

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def shop(db, sandbox_server):
    sandbox_server.reset()
    return world(sandbox_server)


@pytest.fixture
def channel(shop):
    return shop.channels[0]


def out(shop, control, age: timedelta, **figures) -> Publication:
    """A post that went out so long ago, with what is counted on it over there."""
    publication = shop.publish(1)[0]
    remote_id = there(control, publication)
    control.count(remote_id, **figures)
    return aged(published(publication, remote_id), age)


def there(control, publication) -> str:
    """Its id over there, sent past the product."""
    secret = sealing.open_sealed(Connection.objects.get(channel=publication.channel))["token"]
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    with urlopen(Request(f"{control.url}/api/v1/posts", b'{"text": "Good morning."}', headers)) as answer:
        return json.loads(answer.read())["id"]


def aged(publication, age: timedelta):
    Publication.objects.filter(pk=publication.pk).update(settled_at=Now() - age, due_at=Now() - age)
    return publication


def again() -> int:
    """The next turn, now."""
    MeasuringTurn.objects.update(next_at=Now())
    return measuring.measure_due()


@pytest.mark.parametrize(
    ("age", "counted"),
    [
        (HOUR / 2, None), (HOUR, "hour"), (6 * HOUR, None), (DAY, "day"), (3 * DAY, None), (7 * DAY, "week"),
        (20 * DAY, None), (30 * DAY, "month"), (90 * DAY, None),
    ],
)  # fmt: skip
def test_a_post_is_counted_an_hour_a_day_a_week_and_a_month_after_it_went_out(shop, sandbox_server, age, counted):
    post = out(shop, sandbox_server, age, likes=4, reposts=2)
    assert measuring.measure_due() == 1
    found = list(post.measurements.values_list("age", "likes", "reposts", "replies", "views"))
    assert found == ([(counted, 4, 2, 0, None)] if counted else [])


def test_a_post_is_counted_once_at_each_age(shop, sandbox_server):
    post = out(shop, sandbox_server, HOUR, likes=4)
    measuring.measure_due()
    sandbox_server.count(post.remote_id, likes=9)
    again()
    aged(post, DAY)
    again()
    assert list(post.measurements.order_by("pk").values_list("age", "likes")) == [("hour", 4), ("day", 9)]


def test_a_post_that_was_erased_over_there_is_noted_as_gone_and_never_asked_about_again(shop, sandbox_server):
    post = out(shop, sandbox_server, HOUR, likes=4)
    sandbox_server.erase(post.remote_id)
    measuring.measure_due()
    assert list(post.measurements.values_list("age", "gone", "likes")) == [("hour", True, None)]
    aged(post, DAY)
    assert measuring.due_posts(post.channel_id) == {}


def test_the_channel_says_once_a_day_who_follows_it(shop, sandbox_server, channel):
    sandbox_server.followers(channel.remote_id, 1234)
    measuring.measure_due()
    sandbox_server.followers(channel.remote_id, 1300)
    again()
    channel.refresh_from_db()
    assert channel.audience_size == 1234
    MeasuringTurn.objects.update(followed_at=Now() - DAY)
    again()
    channel.refresh_from_db()
    assert channel.audience_size == 1300
    told = ChannelMeasurement.objects.filter(channel=channel).order_by("pk")
    assert list(told.values_list("followers", flat=True)) == [1234, 1300]


def test_a_turn_waits_for_what_goes_out_first(shop, sandbox_server, channel):
    out(shop, sandbox_server, HOUR)
    waiting = shop.publish(1)[0]
    assert measuring.measure_due() == 0
    published(waiting, "gone-out")
    assert measuring.measure_due() == 1


def test_a_channel_that_is_to_be_silent_is_not_asked(shop, sandbox_server, channel):
    post = out(shop, sandbox_server, HOUR)
    sandbox_server.promise(per_second=0.001, burst=0)
    assert measuring.measure_due() == 1
    assert again() == 0  # what the network wished for holds for everything on the connection
    sandbox_server.promise(per_second=0)
    assert not post.measurements.exists()
    assert MeasuringTurn.objects.get().trouble


def test_a_dead_connection_is_not_asked_and_loses_nothing(shop, sandbox_server, channel):
    post = out(shop, sandbox_server, HOUR)
    Connection.objects.filter(channel=channel).update(state="disconnected")
    assert measuring.measure_due() == 0
    Connection.objects.filter(channel=channel).update(state="live")
    assert measuring.measure_due() == 1
    assert post.measurements.exists()


def test_a_network_that_is_away_leaves_no_figures_and_is_asked_later(shop, sandbox_server):
    post = out(shop, sandbox_server, HOUR)
    sandbox_server.fault("error_before", match={"path": "/figures"}, count=5)
    measuring.measure_due()
    sandbox_server.no_faults()
    assert not post.measurements.exists()
    assert MeasuringTurn.objects.get().failures == 1
    assert measuring.measure_due() == 0
    again()
    assert post.measurements.exists()
    assert MeasuringTurn.objects.get().failures == 0


def test_what_counts_nothing_is_not_a_post_that_nobody_liked(shop, sandbox_server):
    post = out(shop, sandbox_server, HOUR)
    measuring.measure_due()
    told = PostMeasurement.objects.get(publication=post)
    assert (told.likes, told.views, told.reactions) == (0, None, 0)
    assert PostMeasurement(publication=post).reactions is None


def test_a_worker_counts_by_itself(fresh_database, processes, sandbox_server):
    sandbox_server.reset()
    shop = world(sandbox_server)
    post = out(shop, sandbox_server, HOUR, likes=3)
    worker = processes.worker(9)
    measure.delay()
    wait_until(lambda: post.measurements.filter(likes=3).exists(), "the figures", worker.child)
