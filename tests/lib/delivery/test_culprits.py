"""One row that cannot be written, told or loaded costs no other row anything: it goes to a person, the rest go on."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import ProgrammingError
from django.utils import timezone

from accounts.models import AuditEvent, Notification
from channels_registry.connector.errors import Refused
from publishing.delivering import LANE
from publishing.models import Hold, Publication, PublicationAttempt
from socialops.lib.delivery import judging, late
from socialops.lib.delivery.claiming import Claimer
from socialops.lib.delivery.lane import Done, Looking
from socialops.lib.delivery.pace import pace
from socialops.lib.delivery.reaping import reap
from socialops.lib.delivery.settling import settle


class Culprit(Exception):
    """Not of the database."""


def hook(culprit, states=(), error=Culprit):
    """The lane's own hook, but for one row (in these states; default: any)."""

    def settled(rows):
        if any(row.id == culprit.pk and (not states or row.state in states) for row in rows):
            raise error("this row cannot be told")
        LANE.settled(rows)

    return replace(LANE, settled=settled)


def sending(said):
    async def send(parcel):
        return said(parcel)

    return replace(LANE, send=send)


def told(action):
    return AuditEvent.objects.filter(action=action).count()


@pytest.mark.parametrize("error", [Culprit, ValueError, ProgrammingError])
def test_a_hook_that_fails_for_one_row_costs_only_that_one(world, network, shift, states, error):
    culprit, *_ = world.publish(5)
    shift(1.5, hook(culprit, ["done"], error))
    assert states() == {"done": 4, "needs_human": 1}
    assert len(network.arrivals()) == 5
    assert told("publication.published") == 4
    culprit.refresh_from_db()
    assert culprit.state == "needs_human"
    assert "cannot be told" in PublicationAttempt.objects.get(delivery=culprit).evidence["refused"]
    assert late.late_acceptance(culprit)["remote_id"], "it is out, so nobody is asked to send it again"
    with pytest.raises(Exception, match="late answer"):
        late.refuse_late_answer(culprit)


def test_a_hook_that_fails_once_is_tried_again(world, network, shift, states):
    culprit, *_ = world.publish(3)
    failed = []

    def settled(rows):
        mine = [row for row in rows if row.id == culprit.pk and row.state == "done"]
        if mine and len(failed) < 2:  # among the others, and alone
            failed.append(mine)
            raise Culprit
        LANE.settled(rows)

    shift(2, replace(LANE, settled=settled))
    assert states() == {"done": 3}
    assert len(network.arrivals()) == told("publication.published") == 3


def test_a_row_that_can_never_be_told_goes_to_a_person_all_the_same(world, network, shift, states):
    culprit, *_ = world.publish(3)
    shift(2, hook(culprit))
    assert states() == {"done": 2, "needs_human": 1}
    assert len(network.arrivals()) == 3


def test_the_next_shift_is_not_poisoned(world, network, shift, states):
    culprit, *_ = world.publish(2)
    lane = hook(culprit)
    shift(1, lane)
    world.publish(3)
    shift(1, lane)
    assert states() == {"done": 4, "needs_human": 1}
    assert len(network.arrivals()) == 5


@pytest.mark.parametrize("letter", ["\0", "\ud800"])
def test_a_refusal_with_a_letter_that_postgresql_does_not_take(world, shift, states, letter):
    def refuse(parcel):
        raise Refused(f"Not{letter} here.", detail=f"no{letter}")

    world.publish(2)
    shift(1, sending(refuse))
    assert states() == {"failed": 2}
    assert "here." in Publication.objects.first().reason
    assert told("publication.failed") == Notification.objects.filter(kind="publication.failed").count() == 2


def test_an_answer_that_fits_no_column_costs_only_itself(world, shift, states):
    """Half the answers hold a number that JSON has not, and the others are good."""

    def said(parcel):
        number = float("nan") if parcel.publication.pk == culprit.pk else 1.0
        return Done(f"r{parcel.publication.pk}", "http://there/", {"number": number})

    culprit, *_ = world.publish(4)
    shift(1.5, sending(said))
    assert states() == {"done": 4}, "its acceptance was kept, and its second writing left the number out"
    assert Publication.objects.get(pk=culprit.pk).remote_id == f"r{culprit.pk}"


def test_what_can_be_written_in_no_way_holds_nothing_up(still_world):
    one, two = still_world.publish(2)
    jobs = {job.id: job for job in Claimer(LANE, "test").claim(10).jobs}
    PublicationAttempt.objects.filter(delivery=one).update(outcome="proven_absent")  # settled, so no other is taken
    settle(LANE, [judging.accepted(jobs[pk], Done(f"r{pk}", "http://there/")) for pk in (one.pk, two.pk)])
    assert dict(Publication.objects.values_list("pk", "state")) == {one.pk: "sending", two.pk: "done"}


def test_a_row_that_cannot_be_told_as_held_lets_the_others_be_held(world, network, shift, states):
    culprit, *_ = world.publish(3)
    Hold.objects.create(reason="Storm", placed_by=world.bob)
    shift(0.6, hook(culprit))
    assert states() == {"held": 3}
    assert told("publication.held") == 2
    assert network.arrivals() == []


def test_a_lost_worker_whose_row_cannot_be_told_lets_the_others_be_reaped(still_world):
    culprit, *_ = still_world.publish(3)
    Claimer(LANE, "test").claim(10)
    Publication.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert reap(hook(culprit)) == 3
    assert Counter(Publication.objects.values_list("state", flat=True)) == {"unknown": 3}
    assert told("publication.unknown") == 2


def test_a_row_that_cannot_be_loaded_lets_the_others_go(world, network, shift, states):
    culprit, *_ = world.publish(4)

    def load(ids, client):
        if culprit.pk in ids:
            raise Culprit
        return LANE.load(ids, client)

    shift(1, replace(LANE, load=load))
    assert Publication.objects.filter(state="done").count() == len(network.arrivals()) == 3


def test_a_claim_that_fails_ends_the_shift_and_loses_no_outcome(world, network, shift, states, monkeypatch):
    world.publish(3)
    real, calls = Claimer.claim, []

    def claim(self, limit):
        calls.append(limit)
        if len(calls) > 1:
            raise Culprit
        return real(self, limit)

    monkeypatch.setattr(Claimer, "claim", claim)
    network.promise(delay_ms=200)
    shift(5)
    assert states() == {"done": 3}
    assert len(calls) == 2


class TestSlowNetworks:
    def wait(self, world, **more):
        """Until the first look at a row whose worker is gone."""
        world.publish(1)
        Claimer(LANE, "test").claim(10)
        Publication.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        parcels = {"load": lambda ids, client: dict.fromkeys(ids, "parcel"), **more}
        assert reap(replace(LANE, **parcels), object()) == 1
        return (Publication.objects.get().next_attempt_at - timezone.now()).total_seconds()

    def test_a_lost_worker_waits_as_long_as_its_network_needs(self, still_world):
        assert 290 < self.wait(still_world, looking=lambda parcel: Looking(settle=300.0)) <= 300

    def test_and_never_less_than_the_others(self, still_world):
        assert self.wait(still_world, looking=lambda parcel: Looking(settle=0.001)) > pace().settle / 2

    @pytest.mark.parametrize("plan", [None, Looking()])
    def test_what_has_no_time_of_its_own_waits_the_usual_time(self, still_world, plan):
        assert 0 < self.wait(still_world, looking=lambda parcel: plan) <= pace().settle

    def test_so_does_what_cannot_be_loaded(self, still_world):
        def load(ids, client):
            raise Culprit

        assert 0 < self.wait(still_world, load=load) <= pace().settle

    def test_a_shift_asks_the_network(self, world, shift):
        world.publish(1)
        Claimer(LANE, "test").claim(10)
        Publication.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        shift(0.6, replace(LANE, looking=lambda parcel: Looking(settle=300.0)))
        assert Publication.objects.get().next_attempt_at > timezone.now() + timedelta(seconds=200)
