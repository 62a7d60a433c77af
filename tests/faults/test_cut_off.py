"""Every connection to PostgreSQL is ended at once, again and again, while posts go out."""

import random
import time

import pytest
from django.db import connection

from tests.faults import grounds
from tests.faults import plant as plants
from tests.faults.beside import Beside

pytestmark = pytest.mark.heavy
TIMES = 8
ALL = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"""


def test_every_backend_is_ended_again_and_again(servers, plant):
    servers.up()
    works = plant(key=False, lookup=True)
    worker, beat = works.worker(), works.beat()
    beside = Beside(works, works.processes.env["DATABASE_URL"], 1500)
    cut = 0
    for _ in range(TIMES):
        works.publish(60, seconds=2)
        time.sleep(random.uniform(0.2, 1.2))
        works.struck()
        connection.close()
        ((ended,),) = grounds.execute(servers.postgres.url("postgres"), ALL)
        cut += ended
        works.ready()
    took = works.wait_for_end(worker.child)
    assert worker.child.alive() and beat.child.alive()
    control = beside.came_of_it()
    worker.kill(), beat.kill()
    plants.report(f"{cut} connections ended in {TIMES} strokes", works, took, control)
    assert control[0] > 0, "the naive sender should have sent some twice: the test proves nothing"
    works.none_twice_none_lost()
