"""A worker frozen past its lease: others take over, and when it thaws it sends nothing and changes nothing."""

import os
import signal
import time

from publishing.models import Publication, PublicationAttempt
from tests.faults import plant as plants


def test_frozen_past_its_lease(plant, tmp_path):
    works = plant(key=False, lookup=True)
    beat, frozen = works.beat(), works.worker()
    works.publish(120, seconds=0.5)
    plants.wait_until(lambda: Publication.objects.filter(state="sending").exists(), "something to be under way")
    plants.wait_until(lambda: len(works.control.arrivals()) > 10, "the burst to begin")
    os.killpg(frozen.pid, signal.SIGSTOP)
    works.struck()
    held = list(Publication.objects.filter(state="sending").values_list("pk", "fence"))
    heir = works.worker()
    works.ready()
    plants.wait_until(lambda: not still_sending(held), "the leases of the frozen one to be reaped")
    os.killpg(frozen.pid, signal.SIGCONT)
    took = works.wait_for_end()
    time.sleep(1)  # time for the thawed one to do its worst
    frozen.kill(), heir.kill(), beat.kill()
    control = plants.naive(works.control, tmp_path)
    plants.report(f"frozen with {len(held)} under way", works, took, control)
    assert held, "it held nothing: the test proves nothing"
    assert control[0] > 0, "the naive sender should have sent some twice: the test proves nothing"
    assert PublicationAttempt.objects.filter(outcome=None).count() == 0
    works.none_twice_none_lost()


def still_sending(held):
    """Whether any of these is still in the hands that it was in."""
    now = set(Publication.objects.filter(state="sending").values_list("pk", "fence"))
    return bool(now.intersection(held))
