"""Every connection to PostgreSQL is ended at once, again and again, while posts go out."""

import random
import time

import pytest
from django.db import connection

from tests.faults import grounds
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
    beside.compare(f"{cut} connections ended in {TIMES} strokes", worker, beat)
