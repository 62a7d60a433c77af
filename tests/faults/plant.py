"""A whole plant under fault: worker, beat and sandbox as processes, and the accounts kept at the sandbox's gate."""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from django.db.models import Max, Q
from django.utils import timezone

from accounts.models import AuditEvent
from publishing.models import Publication, PublicationAttempt
from socialops.lib.delivery.pace import pace
from socialops.local.supervising import Child
from socialops.sandbox.control import Control
from tests import deliveries
from tests.processes import Processes, Running, wait_until
from tests.servers import CHECKOUT

ENDED = ("done", "failed", "needs_human", "missed", "blocked", "held", "cancelled")
DELAY_MS = 100
MOST_ASKED = 5  # one in so many may wait for a person when the machine is too busy to answer in time


class Plant:
    def __init__(self, processes: Processes, directory: Path, scale: float, **promises: bool):
        self.processes, self.directory = processes, directory
        self.env = {"SOCIALOPS_PACE": str(scale), "PUBLISH_PLACES": "20"}
        self.control = Control(processes.sandbox().url)
        self.world = deliveries.world(self.control, channels=3, **promises)
        self.control.promise(delay_ms=DELAY_MS)
        self.texts: list[str] = []
        self.struck()

    def publish(self, count: int, seconds: float = 0.0, **more) -> list[Publication]:
        """So many posts, due within the next `seconds`."""
        made = self.world.publish(count, timezone.now(), **more)
        for publication in made:
            later = timezone.now() + timezone.timedelta(seconds=random.uniform(0, seconds))
            Publication.objects.filter(pk=publication.pk).update(due_at=later, next_attempt_at=later)
        self.texts += [publication.text for publication in made]
        return made

    def worker(self, fault: str = "", count: int = 1) -> Running:
        """A worker; with a fault it is killed at the `count`-th passing of that point, once."""
        env = dict(self.env)
        if fault:
            once = self.directory / f"once-{time.monotonic_ns()}"
            once.touch()
            env["SOCIALOPS_FAULT_POINT"] = f"{fault}:{count}:{once}"
        return self.processes.worker(9, **env)

    def beat(self) -> Running:
        return self.processes.beat(**self.env)

    def died(self, worker: Running, seconds: float = 60.0) -> None:
        """The worker has met its fault point; from now on everything waits for another one."""
        wait_until(lambda: not worker.child.alive(), "the worker to be killed at its point", seconds=seconds)
        self.struck()
        worker.kill()

    def struck(self) -> None:
        """The last fault is now."""
        self.struck_at, self.struck_on, self.start = time.monotonic(), timezone.now(), 0.0

    def ready(self) -> None:
        """What the fault took away is there again: the measured term of the bound."""
        self.start = time.monotonic() - self.struck_at

    def wait_for_end(self, worker: Child | None = None, patience: float = 60.0) -> float:
        """Wait until every publication has ended; the seconds since the last fault, which are within the bound.

        `worker` has to live through it. `patience` is how far beyond it we look, to say by how much it was missed.
        """
        bound = pace().bound(self.start)
        left = self.struck_at + bound + patience - time.monotonic()
        wait_until(lambda: not self.open(), f"every publication to end. Bound: {self.formula}", worker, left)
        took = time.monotonic() - self.struck_at
        print(f"ended {took:.1f} s after the last fault; bound: {self.formula}")
        assert took <= bound, f"ended {took:.1f} s after the last fault, beyond {self.formula}"
        return took

    @property
    def formula(self) -> str:
        return pace().formula(self.start)

    def open(self) -> int:
        return Publication.objects.exclude(state__in=ENDED).count()

    def states(self) -> dict[str, int]:
        return dict(Counter(Publication.objects.values_list("state", flat=True)))

    def given_up(self) -> str:
        """When the last rows of the dead were reaped and sent again, in seconds after the last fault."""
        unknown = AuditEvent.objects.filter(action="publication.unknown").aggregate(at=Max("at"))["at"]
        again = PublicationAttempt.objects.filter(fence__gt=1).aggregate(at=Max("started_at"))["at"]
        said = [
            f"{words} after {(at - self.struck_on).total_seconds():.1f} s"
            for words, at in (("last unknown", unknown), ("last sent again", again))
            if at
        ]
        return ", ".join(said) or "nothing was unknown"

    def asked(self) -> set[str]:
        """Texts that rightly wait for a person: a look for them was not answered, or did not get there.

        Its deadline is short when scaled, and long past on a busy machine.
        """
        failed = [Q(evidence__looks__contains=[{"seen": seen}]) for seen in ("error", "unclear")]
        looked = PublicationAttempt.objects.filter(failed[0] | failed[1])
        return set(looked.filter(delivery__state="needs_human").values_list("delivery__text", flat=True))

    def evidence(self) -> str:
        """The attempts of those that wait for a person."""
        rows = PublicationAttempt.objects.filter(delivery__state="needs_human").select_related("delivery")
        told = [
            f"{row.delivery_id} attempt {row.fence} {row.outcome}, looks begun {row.delivery.looks}: {row.evidence}"
            for row in rows.order_by("delivery", "fence")[:20]
        ]
        return "\n".join(told)

    def standing(self) -> Counter[str]:
        """How often each text stands on the network."""
        mine = set(self.texts)
        return Counter(post["text"] for post in self.control.posts() if post["text"] in mine)

    def none_twice_none_lost(self) -> None:
        standing, asked = self.standing(), self.asked()
        twice = [text for text, times in standing.items() if times > 1]
        lost = [text for text in self.texts if text not in standing and text not in asked]
        assert not twice, f"{len(twice)} twice: {twice[:5]}"
        assert not lost, f"{len(lost)} of {len(self.texts)} lost: {lost[:5]}, {self.states()}\n{self.evidence()}"
        assert self.states().get("done") == len(self.texts) - len(asked), f"{self.states()}\n{self.evidence()}"
        assert len(asked) <= len(self.texts) / MOST_ASKED, f"{len(asked)} asked of a person"


def naive(control: Control, directory: Path, count: int = 150) -> tuple[int, int]:
    """(texts that stand there twice, texts that do not) after a kill -9 in the middle and a restart."""
    token = control.account(f"naive-{time.monotonic_ns()}")["token"]
    home = directory / f"naive-{time.monotonic_ns()}"
    home.mkdir()
    texts = [f"naive {number}" for number in range(count)]
    (home / "texts.json").write_text(json.dumps(texts))
    command = [sys.executable, "-m", "tests.faults.naive", control.url, token, str(home)]
    first = subprocess.Popen(command, cwd=CHECKOUT, env=os.environ)
    wait_until(lambda: _count(control, texts) > count // 3, "the naive sender to be half way")
    first.kill()
    first.wait()
    subprocess.run(command, cwd=CHECKOUT, env=os.environ, check=True, timeout=60)
    standing = Counter(post["text"] for post in control.posts() if post["text"].startswith("naive "))
    return sum(times > 1 for times in standing.values()), count - len(standing)


def _count(control: Control, texts: Iterable[str]) -> int:
    wanted = set(texts)
    return sum(post["text"] in wanted for post in control.posts())


def report(name: str, plant: Plant, took: float, control: tuple[int, int]) -> None:
    """What came of it, beside the naive sender's."""
    standing, bound = plant.standing(), pace().bound(plant.start)
    twice, asked = sum(times > 1 for times in standing.values()), plant.asked()
    lost = sum(text not in standing and text not in asked for text in plant.texts)
    print(f"{name}: {len(plant.texts)} posts, {twice} twice, {lost} lost, {plant.states()}; {plant.given_up()}")
    if evidence := plant.evidence():
        print(f"{name}: these wait for a person, {len(asked)} as a look was not answered in time:\n{evidence}")
    print(f"{name}: ended {took:.1f} s after the last fault, bound {bound:.1f} s")
    print(f"{name}, naive sender: {control[0]} twice, {control[1]} lost")
