"""A thread goes out in order, each part once, and a follower never before what it follows; at a real sandbox."""

from datetime import timedelta

import pytest
from django.utils import timezone

from publishing import following
from publishing.models import Publication
from publishing.models.revision import Part
from tests import deliveries

POST = {"method": "POST"}
PARTS = [Part(1, "Second", 0), Part(2, "Third", 1), Part(3, "Ask us anything", 0)]


def thread(world, **more) -> list[Publication]:
    [head] = world.publish(1, **more)
    return [head, *following.make(head, PARTS)]


def said(network) -> list[tuple[str, str]]:
    """What stands there in the order of arrival, each with what it stands under."""
    posts = sorted(network.posts(), key=lambda post: post["sequence"])
    texts = {post["id"]: post["text"] for post in posts}
    return [(post["text"], texts.get(post["in_reply_to"], "")) for post in posts]


def all_of(head: Publication) -> list[tuple[str, str]]:
    return [(head.text, ""), ("Second", head.text), ("Third", "Second"), ("Ask us anything", head.text)]


def test_each_part_goes_out_under_the_one_it_follows(network, world, shift):
    head, *_ = thread(world)
    shift(until=lambda: Publication.objects.filter(state="done").count() == 4)
    assert sorted(said(network)) == sorted(all_of(head))
    assert said(network)[0] == (head.text, "")


@pytest.mark.parametrize("fault", ["hang", "reset_after", "error_after", "reset_before"])
@pytest.mark.parametrize("key", [True, False])
def test_an_answer_lost_in_the_middle_leaves_each_part_there_once(network, shift, fault, key):
    world = deliveries.world(network, key=key)
    network.fault(fault, match={**POST, "text": "Second"})
    head, *_ = thread(world)
    shift(until=lambda: Publication.objects.filter(state="done").count() == 4)
    assert sorted(said(network)) == sorted(all_of(head))


def test_what_follows_waits_as_long_as_nobody_knows_whether_its_post_is_out(network, shift, states):
    world = deliveries.world(network, key=False, lookup=False)
    network.fault("hang", match=POST)
    thread(world)
    shift(until=lambda: states().get("needs_human"))
    assert states() == {"needs_human": 1, "scheduled": 3}
    assert len(network.posts()) == 1


def test_what_follows_a_post_that_failed_is_blocked_with_the_reason(network, world, shift, states):
    head, *_ = thread(world)
    Publication.objects.filter(pk=head.pk).update(state="sending", lease_until=timezone.now() + timedelta(hours=1))
    Publication.objects.filter(pk=head.pk).update(state="failed", lease_until=None)
    shift(until=lambda: states().get("blocked") == 2)  # the second post and the comment; the third waits for the second
    blocked = Publication.objects.filter(state="blocked")
    assert {row.reason for row in blocked} == {following.LOST}
    assert network.posts() == []


def test_a_follower_is_not_sent_before_its_post_even_if_that_is_due_later(network, world, shift, states):
    head, *_ = thread(world)
    later = timezone.now() + timedelta(hours=1)
    Publication.objects.filter(pk=head.pk).update(due_at=later, next_attempt_at=later)
    shift(seconds=0.5)
    assert states() == {"scheduled": 4}
    assert network.posts() == []
    Publication.objects.filter(pk=head.pk).update(due_at=timezone.now(), next_attempt_at=timezone.now())
    shift(until=lambda: states() == {"done": 4})
    assert len(network.posts()) == 4
