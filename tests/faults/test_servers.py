"""Redis flushed, gone, or not there from the start; PostgreSQL restarted in the middle. On servers of its own."""

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from django.conf import settings as django_settings
from django.db import connection

from socialops.local import Servers, binaries
from socialops.settings import database
from tests.faults import plant as plants
from tests.servers import TEMPLATE

_number = itertools.count(1)


@pytest.fixture(scope="module")
def own(tmp_path_factory, django_db_setup, own_servers):
    """PostgreSQL and Valkey that may be hurt, with the run's migrated template."""
    mine = Servers(tmp_path_factory.mktemp("own"), durable=False)  # so synchronous_commit is off: no claim may trust it
    mine.up()
    dump, restore = (binaries.postgres_bin() / name for name in ("pg_dump", "psql"))
    template = subprocess.run([dump, own_servers.database_url(TEMPLATE)], capture_output=True, check=True, timeout=60)
    quiet = [restore, "-q", "-v", "ON_ERROR_STOP=1", "-d", mine.database_url()]
    subprocess.run(quiet, input=template.stdout, stdout=subprocess.DEVNULL, check=True, timeout=60)
    yield mine
    mine.down()


@pytest.fixture
def servers(own, processes):
    """Everything of this test runs on them, the test's own queries too. Valkey is not there yet."""
    own.up()
    name = f"hurt_{next(_number)}"
    with closing(psycopg2.connect(own.postgres.url("postgres"))) as line:
        line.autocommit = True
        line.cursor().execute(f"CREATE DATABASE {name} TEMPLATE socialops")
    own.valkey.stop()
    before, url = dict(connection.settings_dict), own.postgres.url(name)
    processes.env |= {"DATABASE_URL": url, "REDIS_URL": own.redis_url()}
    connection.close()
    connection.settings_dict.update(database(url))
    yield own
    connection.close()
    connection.settings_dict.update(before)


def hurt_redis(servers: Servers, how: str) -> None:
    import redis

    if how == "flush":
        redis.Redis(unix_socket_path=servers.redis_url().removeprefix("unix://").partition("?")[0]).flushall()
    else:
        pid = servers.valkey.pid()
        os.kill(pid, signal.SIGKILL)
        time.sleep(2)
        servers.up()


def restart_postgres(servers: Servers) -> None:
    """What `pg_ctl restart -m immediate` does: no checkpoint, every connection cut, recovery at the start."""
    os.kill(servers.postgres.pid(), signal.SIGQUIT)
    time.sleep(0.5)
    servers.up()
    connection.close()


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
        restart_postgres(servers) if fault == "postgres" else hurt_redis(servers, fault)
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
