"""PostgreSQL's machine dies in the middle of a burst and a streaming standby takes its place at the same address.

With synchronous replication: none twice, none lost. Without it no sender can promise that, and this shows by how much:
what the standby never heard of is sent again, or forgotten.
"""

import os
import subprocess
from urllib.parse import quote

import pytest
from django.utils import timezone

from publishing.models import Publication
from socialops.local import Servers, binaries
from socialops.local.postgres import USER, _Way
from tests.faults import grounds
from tests.faults import plant as plants
from tests.faults.beside import Beside

pytestmark = pytest.mark.heavy
STREAMING = "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = '{}'"


class Pair:
    """A primary, its standby, and `front`: the directory by which everybody reaches the one that is in charge."""

    def __init__(self, home, own_servers):
        self.primary, self.standby = grounds.raised(home / "p", own_servers), Servers(home / "s").postgres
        self.name, self.front = grounds.new_database(self.primary), home / "front"
        self.point_to(self.primary.postgres)
        self.url = f"postgresql://{USER}@/{self.name}?host={quote(str(self.front), safe='')}&port=5432"

    def point_to(self, server):
        new = self.front.with_name("new")
        new.symlink_to(server.places.sockets)
        os.replace(new, self.front)

    def follow(self, synchronous):
        """pg_basebackup, and from then on every byte of WAL; `synchronous`: no commit before the standby has it."""
        places, primary = self.standby.places, self.primary.postgres
        directory = binaries.postgres_bin()
        places.make()
        way = _Way.choose(places, directory, None)
        data = places.servers / f"postgres-{binaries.postgres_major(directory)}"
        backup = [*way.prefix, str(way.directory / "pg_basebackup"), "-R", "-c", "fast", "-D", str(data)]
        subprocess.run([*backup, "-h", str(primary.places.sockets), "-U", USER], check=True, timeout=120)
        self.standby.start()
        if synchronous:
            grounds.execute(primary.url(), "ALTER SYSTEM SET synchronous_standby_names = '*'")
            grounds.execute(primary.url(), "SELECT pg_reload_conf()")
        wanted = STREAMING.format("sync" if synchronous else "async")
        plants.wait_until(lambda: grounds.execute(primary.url(), wanted), "the standby to stream")

    def cut(self):
        """Everything so far is on the standby; nothing from here on will be."""
        ((now,),) = grounds.execute(self.primary.postgres.url(), "SELECT pg_current_wal_lsn()")
        heard = f"SELECT pg_last_wal_replay_lsn() >= '{now}'"
        plants.wait_until(lambda: grounds.execute(self.standby.url(), heard) == [(True,)], "the standby to catch up")
        grounds.execute(self.standby.url(), "ALTER SYSTEM SET primary_conninfo = ''")
        grounds.execute(self.standby.url(), "SELECT pg_reload_conf()")
        receiving = "SELECT 1 FROM pg_stat_wal_receiver"
        plants.wait_until(lambda: not grounds.execute(self.standby.url(), receiving), "the standby to hear no more")

    def fail_over(self, meanwhile=""):
        grounds.machine_dies(self.primary.postgres.pid())
        assert grounds.execute(self.standby.url(), "SELECT pg_promote()") == [(True,)]
        if meanwhile:
            grounds.execute(self.standby.url(self.name), meanwhile)
        self.point_to(self.standby)

    def down(self):
        self.primary.down()
        self.standby.stop()


@pytest.fixture
def pair(processes, own_servers, tmp_path):
    both = Pair(tmp_path, own_servers)
    with grounds.standing_on(both.primary, both.url, processes):
        yield both
    both.down()


def done():
    return Publication.objects.filter(state="done").count()


def test_with_synchronous_replication_none_twice_none_lost(pair, plant):
    pair.follow(synchronous=True)
    works = plant(key=False, lookup=True)
    worker, beat = works.worker(), works.beat()
    beside = Beside(works, pair.url, 600)
    works.publish(300, seconds=4)
    plants.wait_until(lambda: done() > 60 and beside.begun(), "the middle of the burst", worker.child)
    works.struck()
    pair.fail_over()
    works.ready()
    beside.compare("failover, synchronous", worker, beat)


LATER = "UPDATE publishing_publication SET due_at = due_at - interval '{0}', next_attempt_at = due_at - interval '{0}'"


@pytest.mark.parametrize("late", ["", "3 minutes"], ids=["at once", "promoted three minutes later"])
def test_with_asynchronous_replication_what_the_standby_never_heard_of_is_repeated_and_forgotten(pair, plant, late):
    """The negative test. A row that nobody claimed for two minutes is looked for first, so a promotion that takes
    longer repeats nothing (the wait is skipped: the rows are made that much older).
    """
    pair.follow(synchronous=False)
    works = plant(key=False, lookup=True)
    worker, beat = works.worker(), works.beat()
    beside = Beside(works, pair.url, 600)
    works.publish(150, seconds=4)
    pair.cut()
    unheard = works.world.publish(20, timezone.now() + timezone.timedelta(hours=1))
    plants.wait_until(lambda: done() > 50 and beside.begun(), "the middle of the burst", worker.child)
    works.struck()
    pair.fail_over(LATER.format(late) if late else "")
    works.ready()
    took = works.wait_for_end(worker.child)
    control = beside.came_of_it()
    worker.kill(), beat.kill()
    plants.report(f"failover, asynchronous, {late or 'at once'}", works, took, control)
    left = Publication.objects.filter(text__in=[each.text for each in unheard]).count()
    repeated = [text for text, times in works.standing().items() if times > 1]
    print(f"{len(repeated)} repeated; of {len(unheard)} that were made after the cut {left} are known")
    assert left == 0, "the standby should have heard of nothing after the cut: the test proves nothing"
    assert control[0] > 0, "the naive sender should have sent some twice: the test proves nothing"
    assert bool(repeated) == (not late)
