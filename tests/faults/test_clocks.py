"""Clocks that are wrong: the workers' own decides nothing, and the database's may jump.

The database's clock is the one that counts. When it jumps, states only move forward and nothing is sent again. Python's
processes are given another time by time-machine (libfaketime breaks Python's sleep), PostgreSQL by libfaketime.
"""

import json
import os
import time
from collections import Counter
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import AuditEvent
from publishing.models import Publication
from socialops.lib.wall_clock import database_now
from tests.faults import grounds
from tests.faults import plant as plants
from tests.faults.beside import Beside

pytestmark = pytest.mark.heavy
HOUR, DAY = 3600, 86400


WRONG = "import time, time_machine\ntime_machine.travel(time.time() + {offset}, tick=True).start()\n"


def wrong(offset, directory):
    """The environment of a Python whose clock is so many seconds off."""
    directory.mkdir()
    (directory / "sitecustomize.py").write_text(WRONG.format(offset=offset))
    return {"PYTHONPATH": str(directory)}


def early(control, due):
    """How many of these texts arrived before they were due; the network's clock is the database's in the first test."""
    arrived = [(row["wall"], json.loads(row["text"])["text"]) for row in control.arrivals()]
    return sum(text in due and wall < due[text].timestamp() for wall, text in arrived)


@pytest.mark.parametrize("whose", ["worker and beat", "worker"])
@pytest.mark.parametrize("offset", [HOUR, -HOUR, DAY, -DAY], ids=["+1 h", "-1 h", "+1 day", "-1 day"])
def test_a_worker_whose_clock_is_wrong_sends_nothing_early_and_nothing_twice(servers, plant, tmp_path, offset, whose):
    servers.up()
    works = plant(key=False, lookup=True)
    beat = works.beat() if whose == "worker" else None
    works.env |= wrong(offset, tmp_path / "wrong")
    beat = beat or works.beat()
    dying = works.worker("written", 20)
    beside = Beside(works, works.processes.env["DATABASE_URL"], 60, seconds=12)
    begun = timezone.now() + timezone.timedelta(seconds=2)
    for number in range(20):
        made = works.world.publish(10, begun + timezone.timedelta(seconds=number * 0.3))
        works.texts += [publication.text for publication in made]
    future = works.world.publish(20, begun + timezone.timedelta(minutes=30))
    works.died(dying)
    worker = works.worker()
    works.ready()
    plants.wait_until(lambda: works.open() == len(future), f"all that is due to end: {works.states()}", worker.child)
    took = time.monotonic() - works.struck_at
    worker.kill(), beat.kill()
    control = beside.came_of_it(seconds=0)
    plants.report(f"{whose}: clock {offset:+d} s", works, took, control)
    naive_early = early(works.control, beside.due())
    print(f"naive sender: {naive_early} early, {control[1]} not sent")
    assert naive_early > 0 if offset > 0 else control[1] > 0, "the naive sender went right: the test proves nothing"
    assert early(works.control, dict(Publication.objects.values_list("text", "due_at"))) == 0
    assert works.states()["scheduled"] == len(future)
    works.none_twice_none_lost()


class Clock:
    """The clock of PostgreSQL, by a file."""

    def __init__(self, file):
        self.file = file
        self.jump(0)

    def jump(self, seconds):
        new = self.file.with_suffix(".new")
        new.write_text(f"{seconds:+d}s\n")
        os.replace(new, self.file)

    @property
    def env(self):
        found = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
        if found is None:
            pytest.fail("libfaketime is not here. On Debian and Ubuntu: apt-get install libfaketime")
        ours = {"FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1", "NO_FAKE_STAT": "1"}
        return ours | {"LD_PRELOAD": str(found), "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@pytest.fixture
def clock(processes, own_servers, tmp_path):
    """Everything of this test runs on a PostgreSQL whose clock can be moved."""
    own, moving = grounds.raised(tmp_path / "own", own_servers, durable=False), Clock(tmp_path / "clock")
    own.postgres.stop()
    with pytest.MonkeyPatch.context() as patch:
        for key, value in moving.env.items():
            patch.setenv(key, value)
        own.postgres.start()
    url = own.postgres.url(grounds.new_database(own))
    with grounds.standing_on(own, url, processes):
        yield moving
    own.down()


def burst(works, count=150):
    """So many posts, due now by the database's clock; every tenth answer is lost."""
    match = {"method": "POST", "path": "/posts"}
    works.control.fault("reset_after", match=match, count=count // 10, chance=0.1)
    for _ in range(count // 10):
        works.texts += [publication.text for publication in works.world.publish(10, database_now())]
        time.sleep(0.1)


def test_the_database_clock_jumps(clock, plant):
    works = plant(key=False, lookup=True)
    worker, beat = works.worker(), works.beat()
    beside = Beside(works, works.processes.env["DATABASE_URL"], 150, seconds=150, how="tick")
    took, apart = 0.0, timezone.now() - database_now()
    assert abs(apart.total_seconds()) < 5
    for hours in (1, 0):
        burst(works)
        works.struck()
        clock.jump(hours * HOUR)
        assert abs((database_now() - timezone.now()).total_seconds() - hours * HOUR) < 5
        burst(works)
        works.ready()
        if hours:
            took = works.wait_for_end(worker.child)
    time.sleep(10)
    waiting = works.open()
    works.control.no_faults()
    works.struck()
    clock.jump(HOUR)
    took = max(took, works.wait_for_end(worker.child))
    time.sleep(1)
    alarms = worker.said(100000).count("the clock of the database has jumped")
    worker.kill(), beat.kill()
    control = beside.came_of_it(seconds=0)
    plants.report("the database's clock: +1 h, -1 h, +1 h", works, took, control)
    print(f"{waiting} waited while the clock was an hour back; {alarms} alarms")
    told = Counter(AuditEvent.objects.filter(action="publication.published").values_list("subject_id", flat=True))
    assert control[0] > 0, "the naive cron job should have sent some twice: the test proves nothing"
    assert set(told.values()) == {1}, "published once, and never again"
    works.none_twice_none_lost()
