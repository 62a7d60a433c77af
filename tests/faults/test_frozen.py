"""A worker frozen past its lease: others take over, and when it thaws it sends nothing and changes nothing."""

import os
import signal
import time

from publishing.models import Publication, PublicationAttempt
from socialops.lib.delivery.pace import pace
from tests.faults import plant as plants


def test_frozen_past_its_lease(plant, tmp_path):
    works = plant(key=False, lookup=True)
    works.beat()
    frozen = works.worker()
    works.publish(120, seconds=0.5)
    plants.wait_until(lambda: Publication.objects.filter(state="sending").exists(), "something to be under way")
    plants.wait_until(lambda: len(works.control.arrivals()) > 10, "the burst to begin")
    os.killpg(frozen.pid, signal.SIGSTOP)
    held = Publication.objects.filter(state="sending").count()
    works.worker()
    time.sleep(pace().lease + pace().reap)
    plants.wait_until(lambda: not Publication.objects.filter(state="sending").exists(), "the leases to be reaped")
    os.killpg(frozen.pid, signal.SIGCONT)
    took = works.wait_for_end()
    time.sleep(1)
    control = plants.naive(works.control, tmp_path)
    plants.report(f"frozen with {held} under way", works, took, control)
    assert control[0] > 0, "the naive sender should have sent some twice: the test proves nothing"
    assert PublicationAttempt.objects.filter(outcome=None).count() == 0
    works.none_twice_none_lost()
