"""Posts without end, and a fault after every fifty of them (F11).

FAULT_POSTS says how many (else a million); FAULT_SECONDS, after how long to stop with fewer. Every wait is a tenth of
production's: a look has three seconds.
"""

import os
import random
import time
from collections import Counter

import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction

from publishing.models import Publication, PublicationAttempt
from tests.faults import grounds
from tests.faults import plant as plants
from tests.faults.test_servers import start_without_redis

pytestmark = pytest.mark.heavy
POSTS = int(os.environ.get("FAULT_POSTS", "1000000"))
SECONDS = float(os.environ.get("FAULT_SECONDS", "inf"))
EVERY = 50
SCALE = 0.1
UNDER_WAY = 600  # posts that have not ended, at most: as many as a worker has places for in a few seconds
NETWORK = {
    "hang": {"count": 5},
    "reset_after": {"count": 5},
    "reset_before": {"count": 5},
    "error_after": {"count": 5},
    "storm": {"count": 5, "seconds": 0.2},
    "garbage": {"count": 5},
}
FAULTS = ("worker", "flush", "postgres", *NETWORK)


class Soak:
    def __init__(self, servers, works):
        self.servers, self.works, self.struck = servers, works, dict.fromkeys(FAULTS, 0)
        servers.up()
        self.worker, self.beat = start_without_redis(works)

    def strike(self, fault):
        self.struck[fault] += 1
        self.works.struck()
        if fault == "worker":
            self.worker.kill()
            self.beat.kill()
            self.worker, self.beat = start_without_redis(self.works)
        elif fault == "postgres":
            grounds.restart_postgres(self.servers)
        elif fault == "flush":
            grounds.hurt_redis(self.servers, "flush")
        else:
            self.works.control.fault(fault, match={"method": "POST", "path": "/posts"}, **NETWORK[fault])

    def run(self):
        """(posts, seconds, the longest that any of them took from due to its end)."""
        began, faults = time.monotonic(), iter(())
        while len(self.works.texts) < POSTS and time.monotonic() - began < SECONDS:
            self.publish()
            fault = next(faults, None)
            if fault is None:
                faults = iter(random.sample(FAULTS, len(FAULTS)))
                fault = next(faults)
            self.strike(fault)
            plants.wait_until(lambda: under_way() < UNDER_WAY, "fewer posts under way", seconds=120)
        self.works.struck()
        self.works.control.no_faults()
        plants.wait_until(lambda: not self.works.open(), "everything to end", seconds=180)
        return time.monotonic() - began

    def publish(self):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = on")  # or the restart of this database forgets them
            made = self.works.world.publish(EVERY)
        self.works.texts += [publication.text for publication in made]


def under_way():
    return Publication.objects.filter(state__in=["scheduled", "sending", "unknown"]).count()


def longest():
    """Seconds from due to the last word about it, of the slowest, and of all but one in a hundred."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT max(took), percentile_cont(0.99) WITHIN GROUP (ORDER BY took) FROM (
            SELECT extract(epoch FROM settled_at - due_at) AS took FROM publishing_publication) AS each"""
        )
        return cursor.fetchone()


def unanswered():
    """What was said instead, how often."""
    looks = PublicationAttempt.objects.filter(evidence__has_key="looks").values_list("evidence__looks", flat=True)
    return Counter(f"{look['seen']}: {look.get('detail', '')[:60]}" for each in looks for look in each)


def test_a_fault_after_every_fifty_posts(servers, plant, tmp_path):
    assert django_settings.LOCAL
    works = plant(scale=SCALE, key=False, lookup=True)
    soak = Soak(servers, works)
    seconds = soak.run()
    soak.worker.kill(), soak.beat.kill()
    control = plants.naive(works.control, tmp_path)
    count, standing, asked = len(works.texts), works.standing(), works.asked()
    twice = sum(times > 1 for times in standing.values())
    waiting = set(Publication.objects.filter(state="needs_human").values_list("text", flat=True))
    lost = sum(text not in standing and text not in waiting for text in works.texts)
    slowest, most = longest()
    print(f"soak: {count} posts, {sum(soak.struck.values())} faults {soak.struck}, {twice} twice, {lost} lost")
    print(f"soak: {works.states()}, {len(waiting)} asked of a person, {len(asked)} as a look was not answered")
    print(f"soak: from due to end {slowest:.1f} s at most, {most:.1f} s for 99 in 100")
    print(f"soak: {seconds:.0f} s, {count / seconds:.1f} a second: {1e6 / count * seconds / 3600:.1f} h for a million")
    print(f"soak: why a look said nothing: {unanswered().most_common(5)}")
    print(f"soak, naive sender: {control[0]} twice, {control[1]} lost")
    assert control[0] > 0, "the naive sender should have sent some twice: the test proves nothing"
    assert (twice, lost) == (0, 0)
    assert set(works.states()) <= {"done", "needs_human"}, works.states()
    assert len(waiting) <= count / plants.MOST_ASKED
