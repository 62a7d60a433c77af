"""Three hundred publications spread over a minute: how late each is when all is calm, and that none is early."""

import random
import time
from contextlib import ExitStack

from tests.benchmarks import ground
from tests.benchmarks.burst import _worker

COUNT, SECONDS, PLACES = 300, 60.0, 150


def run(rounds: int = 1) -> None:
    ground.prepare()
    from django.db import connection
    from django.utils import timezone

    from publishing.models import Publication
    from socialops.sandbox.control import Control
    from tests import deliveries

    with ExitStack() as stack:
        control = Control(ground.url_of(stack.enter_context(ground.sandbox(100.0))))
        world = deliveries.world(control, channels=20)
        stack.enter_context(_worker(PLACES))
        stack.enter_context(ground.beat())
        began = timezone.now() + timezone.timedelta(seconds=8)
        made = world.publish(COUNT, began + timezone.timedelta(hours=1))
        for publication in made:
            publication.due_at = publication.next_attempt_at = began + timezone.timedelta(
                seconds=random.uniform(0, SECONDS)
            )
        Publication.objects.bulk_update(made, ["due_at", "next_attempt_at"])
        done = Publication.objects.filter(state="done")
        time.sleep(8 + SECONDS)
        ground.wait_for(lambda: done.count() == COUNT, "every publication", 60)
        due = {publication.text: publication.due_at.timestamp() for publication in made}
        late = sorted(row["wall"] - due[_text(row)] for row in control.arrivals())
        connection.close()
    figures = {
        "count": len(late), "p50_ms": late[len(late) // 2] * 1000, "p99_ms": late[int(len(late) * 0.99)] * 1000,
        "worst_ms": late[-1] * 1000, "early": sum(one < 0 for one in late),
    }  # fmt: skip
    print(ground.table(tuple(figures), [tuple(figures.values())]))
    ground.result("idle", {}, figures)


def _text(row: dict) -> str:
    return ground.json.loads(row["text"])["text"]
