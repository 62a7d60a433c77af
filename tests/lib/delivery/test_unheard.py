"""A shift that the database let go of: only what it never heard of goes back, because only that was surely not sent."""

from dataclasses import replace
from itertools import repeat
from unittest.mock import Mock

import pytest
from django.db import IntegrityError, OperationalError

from publishing.delivering import LANE
from publishing.models import Publication
from socialops.lib.delivery import settling
from socialops.lib.delivery.claiming import Claimer
from socialops.lib.delivery.settling import return_unheard
from socialops.lib.delivery.shift import Shift


def test_what_nobody_heard_of_goes_back_and_the_rest_stays(still_world):
    still_world.publish(2)
    heard, unheard = Claimer(LANE, "me").claim(10).jobs
    return_unheard(LANE, "me", {(heard.id, heard.fence)})
    states = dict(Publication.objects.values_list("pk", "state"))
    assert states == {heard.id: "sending", unheard.id: "scheduled"}


def test_what_was_sent_and_could_not_be_written_is_looked_for_and_not_sent_again(world, network, shift, monkeypatch):
    [publication] = world.publish(1)
    claim, calls = Claimer.claim, []

    def once(claimer, room):
        calls.append(room)
        if len(calls) > 1:
            raise OperationalError("the database is gone")
        return claim(claimer, room)

    def forgetful(rows):
        if any(row.state == "done" for row in rows):
            raise OperationalError("the database is gone")
        LANE.settled(rows)

    with monkeypatch.context() as patch:
        patch.setattr(Claimer, "claim", once)
        Shift(replace(LANE, settled=forgetful), seconds=5).run()
    publication.refresh_from_db()
    assert (publication.state, len(network.arrivals())) == ("sending", 1), "control: it went out, and that is not known"

    shift(until=lambda: Publication.objects.filter(state="done").exists())
    assert len(network.posts()) == len(network.arrivals()) == 1


@pytest.fixture
def line(monkeypatch):
    """The connection, which nothing here opens."""
    monkeypatch.setattr(settling, "connection", Mock())
    return settling.connection


def test_what_cannot_be_written_while_the_database_is_away_is_written_when_it_is_back(line):
    write = Mock(side_effect=[OperationalError("gone"), OperationalError("gone"), "written"])
    assert settling.surely(write, seconds=30) == "written"
    assert line.close.call_count == 2, "on a new connection each time"


def test_what_the_database_refuses_is_not_tried_again(line):
    write = Mock(side_effect=IntegrityError("twice"))
    with pytest.raises(IntegrityError):
        settling.surely(write, seconds=30)
    assert write.call_count == 1


def test_it_is_given_up_when_the_lease_is_over(line):
    write = Mock(side_effect=repeat(OperationalError("gone")))
    with pytest.raises(OperationalError):
        settling.surely(write, seconds=0.5)
    assert write.call_count > 1
