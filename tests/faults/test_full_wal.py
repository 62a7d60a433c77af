"""The disk of PostgreSQL's log is full in the middle of a burst: it stops, is given room, and is started again."""

import errno
import os
import subprocess
import time

import psycopg2
import pytest
from django.db import connection

from publishing.models import Publication
from tests.faults import grounds
from tests.faults import plant as plants
from tests.faults.beside import Beside

pytestmark = pytest.mark.heavy
MEGABYTES = 192


@pytest.fixture
def small(processes, own_servers, tmp_path):
    """Servers whose write-ahead log stands on a tmpfs of its own, and the path of that."""
    own = grounds.raised(tmp_path / "own", own_servers)
    own.postgres.stop()
    (wal,) = own.places.servers.glob("postgres-*/pg_wal")
    kept = wal.with_name("kept")
    wal.rename(kept)
    wal.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=700", "tmpfs", str(wal)]
    mounted = subprocess.run(mounting, capture_output=True, text=True, check=False)
    if mounted.returncode:
        own.down()
        pytest.skip(f"a small disk needs root and the right to mount: {mounted.stderr.strip()}")
    try:
        os.chown(wal, kept.stat().st_uid, kept.stat().st_gid)
        subprocess.run(["cp", "-a", f"{kept}/.", str(wal)], check=True, timeout=60)
        own.up()
        name = grounds.new_database(own)
        with grounds.standing_on(own, own.postgres.url(name), processes):
            yield own, wal
    finally:
        own.down()
        subprocess.run(["umount", str(wal)], check=True, timeout=60)


def fill(own, wal):
    """Until nothing fits any more and PostgreSQL, which must not lose what it has promised, gives up."""
    with (wal / "filler").open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"x" * 65536)
        except OSError as error:
            assert error.errno == errno.ENOSPC

    def refused():
        try:
            grounds.execute(own.postgres.url("postgres"), "SELECT pg_current_xact_id(), pg_switch_wal()")
        except psycopg2.Error:
            return True
        return False

    plants.wait_until(refused, "PostgreSQL to find no room")


def up_again(own):
    """It recovers by itself where it has not given up altogether; then somebody starts it."""
    if own.postgres.pid() is None:
        own.up()
    return own.postgres.running()


def test_a_full_disk_of_the_log_costs_time_and_nothing_else(small, plant):
    own, wal = small
    works = plant(key=False, lookup=True)
    worker, beat = works.worker(), works.beat()
    beside = Beside(works, works.processes.env["DATABASE_URL"], 900)
    for round_ in (1, 2):
        works.publish(150, seconds=4)
        begun = Publication.objects.filter(state="done").count() + 30
        there = grounds.answered(lambda begun=begun: Publication.objects.filter(state="done").count() > begun)
        plants.wait_until(there, "the middle of the burst", worker.child)
        works.struck()
        fill(own, wal)
        connection.close()
        time.sleep(2)
        log = own.postgres.log.read_text(errors="replace")
        assert log.count("PANIC:") >= round_ and "No space left on device" in log
        (wal / "filler").unlink()
        plants.wait_until(lambda: up_again(own), "PostgreSQL to be up again")
        connection.close()
        works.ready()
        print(f"round {round_}: away for {works.start:.1f} s")
    beside.compare("full disk of the log, twice", worker, beat)
