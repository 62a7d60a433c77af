"""From the commit of a hold to the last byte that the network receives, with three hundred requests in flight.

The product: real Celery workers and beat, a network that answers each request after two seconds, three thousand rows
due at once. The hold is placed through the verb, in a process of its own. The sandbox notes when the last byte of a
request has arrived; every request that was open then must have been let go, and looked for afterwards.
"""

import subprocess
import sys
import time
from contextlib import ExitStack
from typing import Any

from tests.benchmarks import ground

COUNT, DELAY_MS, PLACES, SLOTS = 3000, 2000.0, 400, 2  # places: some are between two requests
OPEN = 300  # requests, at the least, when the hold is placed
TARGET = 1.0  # seconds
QUIET = 3.0  # seconds after the hold in which something could still come


def run(rounds: int = 3) -> None:
    ground.prepare()
    from django.db import connection
    from django.utils import timezone

    from accounts.models import Person
    from publishing import holding
    from publishing.models import Hold, Publication
    from socialops.sandbox.control import Control
    from tests import deliveries, factories
    from tests.benchmarks.burst import _worker

    measured = []
    with ExitStack() as stack:
        control = Control(ground.url_of(stack.enter_context(ground.sandbox(0.0))))
        world = deliveries.world(control, channels=50)
        control.promise(delay_ms=DELAY_MS)
        gina: Person = factories.person("gina", "social_lead")
        stack.enter_context(_worker(PLACES // SLOTS))
        stack.enter_context(ground.beat())
        for _ in range(rounds):
            control.forget_arrivals()
            ours = [p.pk for p in world.publish(COUNT, timezone.now() + timezone.timedelta(hours=1))]
            hand = _hand(gina.pk)
            now = timezone.now()
            Publication.objects.filter(pk__in=ours).update(due_at=now, next_attempt_at=now)
            ground.wait_for(lambda: control.figures()["arrivals"] >= 2.5 * PLACES, "a network that is busy", 60)
            clicked, committed = _place(hand)
            time.sleep(QUIET)
            measured.append(_figures(control.arrivals(), clicked, committed))
            holding.lift(Hold.objects.get(lifted_at=None), gina)
            Publication.objects.filter(pk__in=ours, state="scheduled").update(state="held")
        left = Publication.objects.filter(state__in=("sending", "unknown"))
        ground.wait_for(lambda: not left.exists(), "what was cut off to be looked for", 180)
        out = {post["key"] for post in control.posts()}
        looked = Publication.objects.filter(attempts__outcome="accepted", state="done", looks__gt=0).count()
        done = Publication.objects.filter(state="done").count()
        connection.close()
    if done != len(out) or any(each["in_flight"] < OPEN for each in measured):
        raise RuntimeError(f"{done} known to be out, {len(out)} are; in flight {[e['in_flight'] for e in measured]}")
    columns = tuple(measured[0])
    print(f"\nA hold while {OPEN} requests and more are open at a network that takes {DELAY_MS / 1000:g} s for each")
    print(ground.table(("round", *columns), [(n + 1, *each.values()) for n, each in enumerate(measured)]))
    print(f"{looked} that were cut off had gone out, and were found by looking; none went out twice")
    worst = max(each["seconds"] for each in measured)
    print(f"hold to last byte out: {worst:.3f} s at worst (target {TARGET:g} s)")
    figures = {"seconds": round(worst, 3), "rounds": [round(e["seconds"], 3) for e in measured], "looked_for": looked}
    ground.result("hold", {}, figures)


def _figures(arrivals: list[dict[str, Any]], clicked: float, committed: float) -> dict[str, Any]:
    """Seconds on the wall clock of this machine, which the sandbox shares."""
    last = max(row["wall"] for row in arrivals)
    open_then = sum(row["wall"] <= committed < row["wall"] + DELAY_MS / 1000 for row in arrivals)
    return {
        "in_flight": open_then,
        "after_it": sum(row["wall"] > committed for row in arrivals),
        "seconds": max(last - committed, 0.0),
        "from_the_click": max(last - clicked, 0.0),
    }


def _hand(person: int) -> subprocess.Popen:
    """A process that is ready to place the hold at a word."""
    command = [sys.executable, "-m", "tests.benchmarks.hold", str(person)]
    hand = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ground.CHECKOUT, text=True)
    assert hand.stdout is not None
    if hand.stdout.readline().strip() != "ready":
        raise RuntimeError("the process that places the hold did not start")
    return hand


def _place(hand: subprocess.Popen) -> tuple[float, float]:
    said, _ = hand.communicate("now\n", timeout=30)
    clicked, committed = said.split()[-2:]
    return float(clicked), float(committed)


def _placed_by(person: int) -> None:
    """What the process does: get ready, wait for the word, place it, say when."""
    import django

    django.setup()
    from accounts.models import Person
    from publishing import holding

    by = Person.objects.get(pk=person)
    print("ready", flush=True)
    sys.stdin.readline()
    clicked = time.time()
    holding.place(by, "A benchmark")
    print(clicked, time.time(), flush=True)


if __name__ == "__main__":
    _placed_by(int(sys.argv[1]))
