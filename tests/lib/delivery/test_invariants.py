"""What a delivery never does: one test or more an invariant, on the lane of publications."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import AuditEvent, Departure
from channels_registry.models import AccessGrant, Connection
from publishing.delivering import LANE
from publishing.models import Approval, Campaign, Hold, Post, Publication, PublicationAttempt
from socialops import schedule
from socialops.lib.delivery import judging
from socialops.lib.delivery.claiming import Claimer
from socialops.lib.delivery.lane import Done
from socialops.lib.delivery.models import MOVES, State
from socialops.lib.delivery.pace import pace
from socialops.lib.delivery.reaping import reap
from socialops.lib.delivery.settling import settle
from tests import factories

ALL = [state.value for state in State]


def claim(limit=10):
    return Claimer(LANE, "test").claim(limit)


def at(state, world):
    """A publication in this state, whatever way it took (the triggers are off for the way)."""
    publication = world.publish(1, timezone.now() + timedelta(hours=1))[0]
    lease = "now()" if state == "sending" else "NULL"
    remote = "'r1'" if state == "done" else "''"
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {LANE.table} DISABLE TRIGGER USER")
        cursor.execute(
            f"UPDATE {LANE.table} SET state = %s, lease_until = {lease}, remote_id = {remote} WHERE id = %s",
            [state, publication.pk],
        )
        cursor.execute(f"ALTER TABLE {LANE.table} ENABLE ALWAYS TRIGGER {LANE.table}_state_moves")
        cursor.execute(f"ALTER TABLE {LANE.table} ENABLE ALWAYS TRIGGER {LANE.table}_clear")
    return publication


def move(publication, state):
    lease = "now()" if state == "sending" else "NULL"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            f"UPDATE {LANE.table} SET state = %s, lease_until = {lease}, remote_id = 'r1' WHERE id = %s",
            [state, publication.pk],
        )


class TestIntentComesFirst:  # I1
    def test_a_claim_commits_the_attempt_it_stands_for(self, still_world):
        still_world.publish(3)
        jobs = claim().jobs
        written = PublicationAttempt.objects.filter(outcome=None).values_list("delivery_id", "fence")
        assert sorted(written) == sorted((job.id, job.fence) for job in jobs)
        assert len(jobs) == 3

    def test_everything_that_arrives_has_its_attempt(self, world, network, shift, states):
        world.publish(20)
        shift()
        assert states() == {"done": 20}
        assert PublicationAttempt.objects.filter(outcome="accepted", fence=1).count() == 20
        assert len(network.arrivals()) == 20

    def test_each_end_is_in_the_trail(self, world, shift):
        ids = {str(publication.pk) for publication in world.publish(5)}
        shift()
        assert (
            set(AuditEvent.objects.filter(action="publication.published").values_list("subject_id", flat=True)) == ids
        )


class TestSentAgainOnlyWhenClear:  # I2
    @pytest.mark.parametrize("outcome", [None, "unknown", "accepted"])
    def test_the_database_refuses_while_an_attempt_may_have_made_something(self, still_world, outcome):
        publication = still_world.publish(1)[0]
        claim()
        PublicationAttempt.objects.update(outcome=outcome)
        with pytest.raises(IntegrityError, match="may have made something"):
            move(publication, "scheduled")

    @pytest.mark.parametrize("outcome", ["not_sent", "continued", "rejected", "proven_absent"])
    def test_it_allows_it_when_nothing_can_have_been_made(self, still_world, outcome):
        publication = still_world.publish(1)[0]
        claim()
        PublicationAttempt.objects.update(outcome=outcome)
        move(publication, "scheduled")

    def test_an_earlier_attempt_counts_as_much_as_the_last(self, still_world):
        publication = still_world.publish(1)[0]
        claim()
        PublicationAttempt.objects.update(outcome="unknown")
        now = timezone.now()
        PublicationAttempt.objects.create(
            delivery=publication, fence=9, outcome="not_sent", started_at=now, deadline_at=now
        )
        with pytest.raises(IntegrityError, match="may have made something"):
            move(publication, "scheduled")

    def test_what_was_accepted_stays_accepted(self, still_world):
        still_world.publish(1)
        claim()
        PublicationAttempt.objects.update(outcome="accepted")
        with pytest.raises(IntegrityError, match="settled as accepted"):
            PublicationAttempt.objects.update(outcome="not_sent")


class TestMoves:  # the table beside the model is what the database keeps
    @pytest.mark.parametrize("before", ALL)
    def test_only_declared_moves(self, still_world, before):
        for after in ALL:
            publication = at(before, still_world)
            if after == before or after in MOVES[before]:
                move(publication, after)
            else:
                with pytest.raises(IntegrityError, match="not a declared transition"):
                    move(publication, after)
            Publication.objects.filter(pk=publication.pk).update(remote_id=f"r-{publication.pk}")

    @pytest.mark.parametrize("state", [state for state in ALL if state != "scheduled"])
    def test_a_publication_begins_scheduled(self, still_world, state):
        with pytest.raises(IntegrityError, match="not a state to begin in"):
            still_world.publish(1, state=state)


class TestUnknown:  # I3
    @pytest.mark.parametrize("fault", ["reset_after", "error_after", "garbage", "hang", "slow_body"])
    def test_a_lost_answer_is_looked_for_and_never_sent_again(self, world, network, shift, states, fault):
        network.fault(fault, match={"method": "POST"}, seconds=12)  # a body of ten minutes at this pace
        world.publish(1)
        shift()
        assert states() == {"done": 1}
        assert len(network.arrivals()) == 1
        assert AuditEvent.objects.filter(action="publication.unknown").count() == 1

    @pytest.mark.parametrize("fault", ["reset_before", "error_before"])
    def test_what_is_proven_absent_is_sent_again_once(self, world, network, shift, states, fault):
        network.fault(fault, match={"method": "POST"})
        world.publish(1)
        shift()
        assert states() == {"done": 1}
        assert [row["created"] for row in network.arrivals()] == [False, True]
        assert list(PublicationAttempt.objects.order_by("fence").values_list("outcome", flat=True)) == [
            "proven_absent",
            "accepted",
        ]

    def test_an_expired_lease_is_unknown_and_never_simply_scheduled(self, still_world):
        gone = still_world.publish(2)[0]
        still_world.publish(1, timezone.now() + timedelta(hours=1))
        claim()
        Publication.objects.filter(pk=gone.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        assert reap(LANE) == 1
        assert list(Publication.objects.order_by("pk").values_list("state", flat=True)) == [
            "unknown", "sending", "scheduled"
        ]  # fmt: skip
        assert list(PublicationAttempt.objects.order_by("delivery").values_list("outcome", flat=True)) == [
            "unknown", None
        ]  # fmt: skip

    def test_the_first_look_waits_until_the_network_must_be_done(self, still_world):
        still_world.publish(1)
        claim()
        Publication.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        reap(LANE)
        assert Claimer(LANE, "test").look(10) == []
        assert Publication.objects.get().next_attempt_at > timezone.now() + timedelta(seconds=pace().settle / 2)


class TestEverythingEnds:  # I4
    def test_the_bound_is_the_sum_of_its_parts(self, settings):
        settings.PACE = 1.0
        assert pace().bound(start=8) == 120 + 5 + 60 + 2 * 90 + 30 + 30 + 5 * (0.25 + 1)
        assert pace().formula(start=8) == (
            "the longer of lease 120 and (start 8.0 + silence 5 + nudge 1) + reaper 5 + settle 60 + looks 2 x 90 "
            "+ last look 30 + sending again 30 + noticing 5 x 1.25 = 431.2 s"
        )

    def test_a_worker_that_is_slow_to_come_back_moves_the_bound_and_a_quick_one_does_not(self, settings):
        settings.PACE = 1.0
        assert pace().bound(start=0) == pace().bound(start=pace().lease - pace().silence - pace().nudge)
        assert pace().bound(start=300) - pace().bound(start=200) == 100

    def test_beat_nudges_as_often_as_the_bound_says(self):
        assert {schedule.SCHEDULE[lane]["schedule"] for lane in schedule.LANES} == {pace().nudge}

    def test_a_lease_is_longer_than_all_that_may_happen_in_it(self, settings):
        for settings.PACE in (0.01, 1.0):
            assert pace().lease > pace().deadline + pace().margin + pace().silence * settings.PACE
            assert pace().settle >= pace().deadline

    def test_past_its_latest_useful_time_it_is_missed(self, world, network, shift, states):
        world.publish(2, not_after=timezone.now() - timedelta(seconds=1))
        shift()
        assert states() == {"missed": 2}
        assert network.arrivals() == []
        assert AuditEvent.objects.filter(action="publication.missed").count() == 2


class TestAnswerable:  # I5: each refusal, and that nothing of it arrives
    def refused(self, world, network, shift, states, state, reason):
        world.publish(2)
        shift()
        assert states() == {state: 2}
        assert reason in Publication.objects.first().reason
        assert network.arrivals() == []
        assert AuditEvent.objects.filter(action=f"publication.{state}").count() == 2
        assert PublicationAttempt.objects.count() == 0

    def test_a_hold_on_everything(self, world, network, shift, states):
        Hold.objects.create(reason="Storm", placed_by=world.bob)
        self.refused(world, network, shift, states, "held", "hold")

    def test_a_hold_on_the_network(self, world, network, shift, states):
        Hold.objects.create(reason="Storm", placed_by=world.bob, network="sandbox")
        self.refused(world, network, shift, states, "held", "hold")

    def test_a_hold_on_the_channel(self, world, network, shift, states):
        Hold.objects.create(reason="Storm", placed_by=world.bob, channel=world.channels[0])
        self.refused(world, network, shift, states, "held", "hold")

    def test_a_hold_on_a_campaign_or_a_tag_stops_what_belongs_to_it(self, world, network, shift, states):
        campaign = Campaign.objects.create(name="Winter", owner=world.alice)
        Hold.objects.create(reason="Storm", placed_by=world.bob, campaign=campaign)
        Hold.objects.create(reason="Storm", placed_by=world.bob, tag="snow")
        of_it, tagged, neither = (publication.variant.post_id for publication in world.publish(3))
        Post.objects.filter(pk=of_it).update(campaign=campaign)
        Post.objects.filter(pk=tagged).update(tags=["boots", "snow"])
        Post.objects.filter(pk=neither).update(tags=["boots"])
        shift()
        assert states() == {"held": 2, "done": 1}
        assert Publication.objects.get(state="done").variant.post_id == neither
        assert len(network.arrivals()) == 1

    def test_a_hold_elsewhere_stops_nothing(self, world, network, shift, states):
        Hold.objects.create(reason="Storm", placed_by=world.bob, network="mastodon")
        world.publish(2)
        shift()
        assert states() == {"done": 2}

    def test_the_person_who_answers_for_it_has_left(self, world, network, shift, states):
        Departure.objects.create(person=world.alice, at=timezone.now(), recorded_by=world.bob)
        self.refused(world, network, shift, states, "blocked", "has left")

    def test_a_departure_that_has_not_come_stops_nothing(self, world, shift, states):
        Departure.objects.create(person=world.alice, at=timezone.now() + timedelta(hours=1), recorded_by=world.bob)
        world.publish(1)
        shift()
        assert states() == {"done": 1}

    def test_their_right_was_revoked(self, world, network, shift, states):
        AccessGrant.objects.update(revoked_at=timezone.now())
        self.refused(world, network, shift, states, "blocked", "may no longer publish")

    def test_charlie_who_may_only_see_publishes_nothing(self, world, network, shift, states):
        AccessGrant.objects.create(
            channel=world.channels[0], person=factories.person("charlie"), door="right", entitlement="viewer",
            granted_by=world.bob, starts_at=timezone.now() - timedelta(days=1),
        )  # fmt: skip
        world.alice = factories.person("charlie")
        self.refused(world, network, shift, states, "blocked", "may no longer publish")

    def test_the_channel_is_not_connected(self, world, network, shift, states):
        Connection.objects.update(state="disconnected")
        self.refused(world, network, shift, states, "blocked", "not connected")

    def test_its_approval_was_voided(self, world, network, shift, states):
        publications = world.publish(2)
        Approval.objects.update(state="void")
        shift()
        assert states() == {"blocked": 2}
        assert "approved" in Publication.objects.get(pk=publications[0].pk).reason

    def test_its_text_is_not_what_was_approved(self, world, network, shift, states):
        world.publish(2)
        Publication.objects.update(content_hash="0" * 64)
        shift()
        assert states() == {"blocked": 2}
        assert network.arrivals() == []


def test_a_claim_and_its_settlement_are_fenced(still_world):  # a late answer changes nothing but its own attempt
    still_world.publish(1)
    job = claim().jobs[0]
    Publication.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    reap(LANE)
    settle(LANE, [judging.accepted(job, Done("late-1", "http://there/late-1"))])
    publication, attempt = Publication.objects.get(), PublicationAttempt.objects.get()
    assert (publication.state, publication.remote_id) == ("unknown", "")
    assert attempt.outcome == "unknown"
    assert attempt.evidence["late"]["outcome"] == "accepted"


def test_a_late_acceptance_settles_the_row_at_its_next_look(world, shift, states):
    world.publish(1)
    job = claim().jobs[0]
    Publication.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    reap(LANE)
    settle(LANE, [judging.accepted(job, Done("late-1", "http://there/late-1"))])
    shift()
    assert states() == {"done": 1}
    assert Publication.objects.get().remote_id == "late-1"
