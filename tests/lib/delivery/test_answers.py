"""What each answer of a network leads to, at a real sandbox with planned faults."""

import os
import signal
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEvent, Notification
from channels_registry import sealing
from channels_registry.models import Connection, ConnectionBudget
from channels_registry.reaching import client
from publishing.delivering import LANE
from publishing.models import Hold, Publication, PublicationAttempt
from socialops.lib.delivery import judging
from socialops.lib.delivery.claiming import Job
from socialops.lib.delivery.pace import pace
from tests import deliveries

POST = {"method": "POST"}


class TestLostAnswers:
    @pytest.mark.parametrize("fault", ["hang", "reset_after", "error_after"])
    def test_without_a_key_but_with_a_look_up_it_is_found(self, network, shift, states, fault):
        world = deliveries.world(network, key=False)
        network.fault(fault, match=POST)
        world.publish(1)
        shift()
        assert states() == {"done": 1}
        assert len(network.posts()) == len(network.arrivals()) == 1
        assert not AuditEvent.objects.filter(action="connection.refreshed").exists(), "its token was not dead"

    def test_without_a_key_absence_takes_three_looks(self, network, shift, states):
        world = deliveries.world(network, key=False)
        network.fault("reset_before", match=POST)
        world.publish(1)
        shift()
        assert states() == {"done": 1}
        first = PublicationAttempt.objects.order_by("fence").first()
        assert first.outcome == "proven_absent"
        assert [look["seen"] for look in first.evidence["looks"]] == ["nothing"] * 3
        assert len(network.posts()) == 1

    def test_what_arrives_after_the_first_look_is_not_sent_twice(self, network, shift, states):
        """The network commits long after its failed answer: one look would have missed it."""
        world = deliveries.world(network, key=False)
        network.fault("late_commit", match=POST, seconds=pace().settle + 1)
        world.publish(1)
        shift()
        assert states() == {"done": 1}
        assert len(network.posts()) == 1

    def test_late_and_not_found_at_once_it_is_looked_for_again_before_anybody_is_asked(self, network, shift, states):
        world = deliveries.world(network, key=False)
        network.fault("reset_before", match={"method": "GET"})
        world.publish(1, due=timezone.now() - timedelta(hours=1))
        shift()
        assert states() == {"done": 1}
        assert len(network.arrivals()) == 1

    def test_with_neither_nothing_is_sent_again_and_a_person_is_asked(self, network, shift, states):
        world = deliveries.world(network, key=False, lookup=False)
        network.fault("hang", match=POST)
        world.publish(1)
        shift()
        assert states() == {"needs_human": 1}
        assert len(network.arrivals()) == 1
        assert AuditEvent.objects.filter(action="publication.needs_human").count() == 1
        assert Notification.objects.get(kind="publication.needs_human").person == world.alice


class TestRetries:
    def test_the_wait_grows_is_random_and_bounded(self, settings):
        settings.PACE = 1.0
        for tries in range(5):
            waits = [judging._later(Job(1, 1, tries), Later(), judging._told(Later())).delay for _ in range(300)]
            assert 0 <= min(waits) < max(waits) <= min(900, 2 * 2**tries)
            assert len(set(waits)) > 250

    def test_the_sixth_try_is_the_last(self):
        verdict = judging._later(Job(1, 1, 5), Later(), judging._told(Later()))
        assert (verdict.state, verdict.outcome) == ("failed", "not_sent")
        assert "Tried 6 times" in verdict.reason

    def test_nothing_listens(self, world, network, shift, states):
        Connection.objects.update(fields={"base_url": "http://127.0.0.1:9"})
        world.publish(1)
        shift(until=lambda: Publication.objects.filter(tries__gt=0).exists())
        publication = Publication.objects.get()
        assert publication.state == "scheduled"
        assert publication.tries >= 1
        assert set(PublicationAttempt.objects.values_list("outcome", flat=True)) == {"not_sent"}
        assert network.arrivals() == []

    def test_a_refusal_is_final_and_says_why(self, world, network, shift, states):
        world.publish(1)
        Publication.objects.update(text="x" * 501)
        shift()
        assert states() == {"failed": 1}
        assert Publication.objects.get().reason
        assert Notification.objects.filter(kind="publication.failed", person=world.alice).count() == 1


class Later(Exception):
    reason, detail, status, after = "Away.", "", None, None


class TestConnections:
    def test_slow_down_is_heeded_by_the_whole_connection(self, world, network, shift, states):
        network.fault("storm", match=POST, seconds=60)
        world.publish(1)
        shift()
        world.publish(5)
        shift()
        assert states() == {"scheduled": 6}
        assert len(network.arrivals()) == 1
        silence = ConnectionBudget.objects.get().cooldown_until - timedelta(seconds=1)  # two statements, two clocks
        assert Publication.objects.filter(next_attempt_at__gte=silence).count() == 6
        ConnectionBudget.objects.update(cooldown_until=timezone.now())
        Publication.objects.update(next_attempt_at=timezone.now())
        shift()
        assert states() == {"done": 6}
        assert Publication.objects.filter(tries__gt=0).count() == 0, "being asked to wait is not a try"

    def test_five_failures_in_a_row_open_the_breaker(self, world, network, shift, states):
        network.fault("error_before", match=POST, count=5)
        world.publish(5)
        shift(until=lambda: ConnectionBudget.objects.filter(breaker="open").exists())
        rest = timezone.now() + timedelta(minutes=1)
        assert ConnectionBudget.objects.filter(breaker="open").update(breaker_until=rest) == 1
        mine = Publication.objects.filter(pk__in=[publication.pk for publication in world.publish(3)])
        shift(until=lambda: not mine.filter(next_attempt_at__lte=timezone.now()).exists())
        waits = mine.filter(state="scheduled").order_by("next_attempt_at")
        assert [row.next_attempt_at > rest for row in waits] == [False, True, True], "one goes first, as a probe"
        Publication.objects.update(next_attempt_at=timezone.now())
        ConnectionBudget.objects.update(breaker_until=timezone.now())
        shift()
        assert states() == {"done": 8}
        assert ConnectionBudget.objects.get().breaker == "closed"

    def test_a_dead_token_is_revived_once_and_everything_goes_out(self, world, network, shift, states):
        network.fault("dead_token", match={"method": "POST", "path": "/posts"}, count=3)
        world.publish(10)
        shift()
        assert states() == {"done": 10}
        assert AuditEvent.objects.filter(action="connection.refreshed").count() <= 2

    def test_a_revoked_token_stops_its_posts_with_one_message_each_end(self, world, network, shift, states):
        network.kill_token(_token(world))
        world.publish(8)
        shift()
        assert states() == {"blocked": 8}
        assert Connection.objects.get().state == "disconnected"
        assert AuditEvent.objects.filter(action="connection.lost").count() == 1


def _token(world) -> str:
    return sealing.open_sealed(Connection.objects.get(channel=world.channels[0]))["token"]


class TestHolds:
    def test_a_hold_aborts_open_requests_long_before_they_would_give_up(self, world, network, shift, states, settings):
        settings.PACE = 0.3  # a deadline of nine seconds: it is the hold that ends them
        network.fault("hang", match=POST, count=5)
        world.publish(5)
        took: list[float] = []

        def place_hold():
            wait(lambda: len(network.arrivals()) >= 5)
            Hold.objects.create(reason="Storm", placed_by=world.bob)
            placed = time.monotonic()
            wait(lambda: not Publication.objects.filter(state="sending").exists())
            took.append(time.monotonic() - placed)
            return True

        shift(until=place_hold)
        print(f"aborted {took[0]:.2f} s after the hold")
        assert took[0] < pace().deadline / 2
        assert states() == {"unknown": 5}
        assert len(network.arrivals()) == 5

    def test_a_hold_is_seen_by_what_was_claimed_and_not_begun(self, world, network, shift, states, settings):
        settings.PACE = 0.3
        network.fault("hang", match=POST, count=2)
        world.publish(3)
        lane = replace(LANE, places=2, client=client(2))  # two are under way, the third is claimed and waits

        def place_hold():
            wait(lambda: len(network.arrivals()) >= 2)
            Hold.objects.create(reason="Storm", placed_by=world.bob)
            wait(lambda: not Publication.objects.filter(state__in=["scheduled", "sending"]).exists())
            return True

        shift(until=place_hold, lane=lane)
        assert states() == {"unknown": 2, "held": 1}
        assert len(network.arrivals()) == 2


def wait(true, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)


class TestStopping:
    def test_what_has_not_begun_goes_back_and_was_no_try(self, world, network, shift, states, settings):
        settings.PACE = 0.3
        network.promise(delay_ms=400)
        world.publish(60)
        lane = replace(LANE, places=4, client=client(4))  # fifteen rounds: none but a stop ends it after one
        shift(until=lambda: len(network.arrivals()) >= 4, lane=lane)
        ended = Counter(states())
        assert ended["done"] == len(network.arrivals()) < 60
        assert ended["done"] + ended["scheduled"] == 60
        assert Publication.objects.filter(tries__gt=0).count() == 0
        assert PublicationAttempt.objects.filter(outcome=None).count() == 0

    def test_a_worker_asked_to_stop_leaves_nothing_under_way(self, world, network, processes, settings):
        network.promise(delay_ms=200)
        processes.env |= {"SEALING_KEYS": settings.SEALING_KEYS}
        env = {"PUBLISH_PLACES": "10", "SOCIALOPS_PACE": "1"}
        worker = processes.worker(9, **env)
        processes.beat(**env)
        world.publish(200)
        wait(lambda: len(network.arrivals()) >= 20, 60)
        os.kill(worker.pid, signal.SIGTERM)
        asked = time.monotonic()
        wait(lambda: not worker.child.alive(), 60)
        assert not worker.child.alive()
        print(f"stopped in {time.monotonic() - asked:.1f} s")
        assert Publication.objects.filter(state__in=["sending", "unknown"]).count() == 0
        assert Publication.objects.filter(state="done").count() == len(network.arrivals())
