"""The database's clock jumps: said in the log, and for one tick nothing is reaped, looked for or claimed."""

import logging

import pytest

from publishing.delivering import LANE
from publishing.models import Publication
from socialops.lib.clock import steady
from socialops.lib.delivery import claiming
from socialops.lib.delivery.claiming import Claimer


@pytest.mark.parametrize(("by", "said"), [(3600, "+3600 s"), (-3600, "-3600 s"), (20, ""), (-20, "")])
@pytest.mark.django_db
def test_a_jump_is_noticed_once(by, said, monkeypatch, caplog):
    claimer = Claimer(LANE, "me")
    assert not claimer.clock_jumped(), "the first tick has nothing to compare with"
    monkeypatch.setattr(claiming, "steady", lambda: steady() - by)
    with caplog.at_level(logging.ERROR):
        assert claimer.clock_jumped() == bool(said)
    assert said in caplog.text if said else not caplog.records
    assert not claimer.clock_jumped(), "and goes on by the clock as it is now"


def test_nothing_is_claimed_in_the_tick_of_a_jump(world, shift, monkeypatch):
    world.publish(1)
    with monkeypatch.context() as patch:
        patch.setattr(Claimer, "clock_jumped", lambda claimer: True)
        shift(seconds=0.6)
        assert Publication.objects.get().fence == 0
    shift()
    assert Publication.objects.get().state == "done", "control"
