"""Redis flushed, gone, or not there from the start; PostgreSQL restarted in the middle. On servers of its own."""

import random
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from tests.faults import grounds
from tests.faults import plant as plants


def through_it_all(servers, plant, tmp_path, faults):
    """Redis is not there at the start; later it is flushed and killed, and PostgreSQL restarted, mid-burst."""
    works = plant(key=False, lookup=True)
    worker, beat = start_without_redis(works)
    works.publish(60, seconds=2)
    time.sleep(2)
    assert works.states() == {"scheduled": 60}, "without a broker nobody is woken"
    servers.up()
    plants.wait_until(lambda: works.states().get("done"), "the first after Redis came", worker.child)
    for fault in faults:
        works.publish(60, seconds=3)
        time.sleep(random.uniform(0.5, 1.5))
        works.struck()
        grounds.restart_postgres(servers) if fault == "postgres" else grounds.hurt_redis(servers, fault)
        works.ready()
    took = works.wait_for_end(worker.child)
    ended_well(worker, beat)
    control = plants.naive(works.control, tmp_path)
    plants.report(f"no Redis at first, then {', '.join(faults)}", works, took, control)
    assert control[0] > 0
    works.none_twice_none_lost()


def ended_well(worker, beat):
    """Both have lived through it; nothing more is asked of them."""
    assert worker.child.alive() and beat.child.alive()
    worker.kill(), beat.kill()


def start_without_redis(works):
    """Worker and beat as processes.worker() starts them, but nobody can say yet that they are ready."""
    celery = [sys.executable, "-m", "celery", "-A", "socialops"]
    quiet = ["--without-gossip", "--without-mingle", "--loglevel", "INFO"]
    schedule = str(Path(works.directory) / "beat-schedule")
    worker = works.processes.start("worker", [*celery, "worker", "-c", "9", *quiet], works.env)
    beat = works.processes.start("beat", [*celery, "beat", "--schedule", schedule, "--loglevel", "INFO"], works.env)
    return plants.Running(worker), plants.Running(beat)


def test_servers_come_and_go(servers, plant, tmp_path):
    assert django_settings.LOCAL
    through_it_all(servers, plant, tmp_path, ["flush", "postgres", "kill"])


@pytest.mark.faults
def test_servers_come_and_go_in_any_order(seed, servers, plant, tmp_path):
    faults = ["flush", "postgres", "kill", "postgres"]
    random.shuffle(faults)
    through_it_all(servers, plant, tmp_path, faults)
