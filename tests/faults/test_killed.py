"""kill -9 of a worker at nine points of a delivery: none twice, none lost, none stuck.

The network has no key, so that anything sent twice stands there twice; only its list of posts can be looked at.
"""

import random

import pytest

from socialops.lib.delivery.faults import POINTS
from tests.faults import plant as plants

LEAVE_NOTHING = ("before_claim", "reaping", "looking")  # the last two need what another point leaves behind
ONE_A_POST = ("connected", "written", "accepted", "answered")  # a child passes these often, the others once or twice


def kill_at(plant, *rounds, posts=25):
    """In each round one worker after another is killed at its point; the last one lives and brings all to its end.

    Three kills a round: each of them takes the looks that its worker has begun, and a row whose looks have told
    nothing six times is rightly handed to a person.
    """
    beat, took = plant.beat(), 0.0
    for points in rounds:
        for point in points:
            plant.publish(posts, seconds=1.5)
            count = random.randint(1, 8) if point in ONE_A_POST else 1
            plant.died(plant.worker(point, count))
        last = plant.worker()
        plant.ready()
        took = max(took, plant.wait_for_end())
        last.kill()
    beat.kill()
    return took


def test_killed_at_a_point(seed, plant, tmp_path):
    """Three points a seed: the first makes rows that the later ones need (a lease to reap, an outcome to look for)."""
    mine = [point for number, point in enumerate(POINTS) if number % 3 == seed]
    works = plant(key=False, lookup=True)
    took = kill_at(works, sorted(mine, key=POINTS.index))
    control = plants.naive(works.control, tmp_path)
    plants.report(f"killed at {', '.join(mine)}", works, took, control)
    assert control[0] > 0, "the naive sender should have sent some twice: the test proves nothing"
    works.none_twice_none_lost()


@pytest.mark.faults
def test_killed_at_every_point(seed, plant, tmp_path):
    works = plant(key=False, lookup=True)
    *leaving, last = random.sample([point for point in POINTS if point not in LEAVE_NOTHING], 6)
    first = random.sample([*leaving, "before_claim"], 6)
    took = kill_at(works, first[:3], first[3:], [last, "reaping", "looking"])
    control = plants.naive(works.control, tmp_path)
    plants.report(f"seed {seed}, killed at every point", works, took, control)
    assert control[0] > 0
    works.none_twice_none_lost()


@pytest.mark.faults
def test_killed_unscaled(plant, tmp_path):
    """The same at the pace of production: a lease of two minutes, three looks over three."""
    works = plant(scale=1.0, key=False, lookup=True)
    took = kill_at(works, ["written"])
    control = plants.naive(works.control, tmp_path)
    plants.report("unscaled", works, took, control)
    assert control[0] > 0
    works.none_twice_none_lost()
