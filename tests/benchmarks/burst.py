"""Ten thousand publications due at one instant, at a sandbox that takes 100 ms for each.

The product: real Celery workers and beat, claim, attempt and audit rows, fsync on. Beside it, in the same run and at
the same sandbox: bare aiohttp with as many processes as the lane has slots, raw sockets, Celery by eta and
procrastinate. In a burst apart somebody's doors are shut as well.
"""

import time
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from tests.benchmarks import ground, rivals
from tests.benchmarks.leaver import Leaver

COUNT, DELAY_MS, SLOTS = 10_000, 100.0, 2
PLACES = (300, 1000)
TARGETS = {"p99_at_300": 1.15, "p99_at_1000": 1.3}
RIVALS = {"procrastinate_at_1000": ("rate_vs_procrastinate", 5), "celery_eta_at_300": ("rate_vs_celery_eta", 3)}


def run(rounds: int = 3, count: int = COUNT, with_rivals: bool = True) -> None:
    ground.prepare()
    figures: dict[str, Any] = {}
    for places in PLACES:
        kinds = {"product": _product, "aiohttp": _yardstick, "raw": _yardstick}
        runs: dict[str, list[dict[str, float]]] = {kind: [] for kind in kinds}
        for _ in range(rounds):  # in turn, so that whatever else the machine does falls on all alike
            for kind, measure in kinds.items():
                runs[kind].append(measure(kind, places, count))
        for kind, measured in runs.items():
            figures[f"{kind}_at_{places}"] = sorted(measured, key=lambda figure: figure["p99"])[len(measured) // 2]
            figures[f"{kind}_at_{places}"]["p99_of_each_round"] = [round(each["p99"], 3) for each in measured]
    figures["with_a_leaver"] = _product("with_a_leaver", PLACES[0], count)
    if with_rivals:
        figures["celery_eta_at_300"] = rivals.celery_eta(300, count, DELAY_MS)
        figures["procrastinate_at_1000"] = rivals.procrastinate(1000, count, DELAY_MS, SLOTS)
    _report(figures, count)


def _report(figures: dict[str, Any], count: int) -> None:
    columns = ("count", "p50", "p99", "last", "per_second")
    print(f"\n{count} due at one instant, a network of {DELAY_MS:g} ms, {SLOTS} processes; seconds after due")
    print(ground.table(("", *columns), [(name, *(each.get(c, "") for c in columns)) for name, each in figures.items()]))
    ratios = {}
    for places in PLACES:
        ours = figures[f"product_at_{places}"]["p99"]
        ratios[f"p99_at_{places}"] = ours / figures[f"aiohttp_at_{places}"]["p99"]
        ratios[f"raw_at_{places}"] = ours / figures[f"raw_at_{places}"]["p99"]
    rate = figures[f"product_at_{PLACES[-1]}"]["per_second"]
    for rival, (name, _) in RIVALS.items():
        if rival in figures:
            ratios[name] = rate / figures[rival]["per_second"]
    for name, target in TARGETS.items():
        print(f"{name}: {ratios[name]:.3f} x bare aiohttp (target {target})")
    for name, target in RIVALS.values():
        print(f"{name}: {ratios.get(name, 0):.2f} x (target {target})")
    waited = figures["with_a_leaver"]["revocation_p99"]
    print(f"a revocation during a burst: {waited:.3f} s at p99 to its claim (target 0.25)")
    ground.result("burst", ratios, figures)


def _product(kind: str, places: int, count: int) -> dict[str, float]:
    from django.db import connection
    from django.utils import timezone

    from accounts.models import AuditEvent
    from publishing.models import Publication, PublicationAttempt
    from socialops.sandbox.control import Control
    from tests import deliveries

    with ExitStack() as stack:
        control = Control(ground.url_of(stack.enter_context(ground.sandbox(DELAY_MS))))
        world = deliveries.world(control, channels=50)
        control.promise(delay_ms=DELAY_MS)
        stack.enter_context(_worker(places // SLOTS))
        stack.enter_context(ground.beat())
        made = world.publish(count, timezone.now() + timezone.timedelta(hours=1))
        due = datetime.now(UTC) + timezone.timedelta(seconds=8)
        leaver = Leaver(control, world.channels, due.timestamp()) if kind == "with_a_leaver" else None
        ids = [publication.pk for publication in made]
        mine = Publication.objects.filter(pk__gte=ids[0])
        with connection.cursor() as cursor:
            mine.update(due_at=due, next_attempt_at=due)
            cursor.execute("VACUUM ANALYZE")
        if leaver:
            leaver.start()
        ground.wait_for(lambda: not mine.exclude(state="done").exists(), "every publication", 120)
        settled = time.time() - due.timestamp()
        measured = ground.lateness(control.arrivals(), due.timestamp())
        more = {"revocation_p99": leaver.waited()["p99"]} if leaver else {}
        attempts = PublicationAttempt.objects.filter(delivery_id__gte=ids[0], outcome="accepted").count()
        audited = AuditEvent.objects.filter(action="publication.published", subject_id__in=map(str, ids)).count()
        if not attempts == audited == measured["count"] == count:
            raise RuntimeError(f"{count} wanted, {measured['count']} arrived, {attempts} attempts, {audited} events")
        connection.close()
        return {**measured, "settled": settled, **more}


def _worker(places: int) -> ground.Process:
    command = ("-m", "celery", "-A", "socialops", "worker", "--pool", "prefork", "-c", "9")
    quiet = ("--without-gossip", "--without-mingle", "--loglevel", "INFO")
    return ground.Process("worker", *command, *quiet, ready=" ready.", PUBLISH_PLACES=str(places))


def _yardstick(kind: str, places: int, count: int) -> dict[str, float]:
    from socialops.sandbox.control import Control

    with ExitStack() as stack:
        control = Control(ground.url_of(stack.enter_context(ground.sandbox(DELAY_MS))))
        token = control.account("acme")["token"]
        due = time.time() + 4
        share = (str(due), str(count // SLOTS), str(places // SLOTS))
        for _ in range(SLOTS):
            stack.enter_context(
                ground.Process(
                    kind, "-m", "tests.benchmarks.yardsticks", kind, control.url, token, *share, ready="ready"
                )
            )
        ground.wait_for(lambda: control.figures()["arrivals"] >= count, "every request", 120)
        return ground.lateness(control.arrivals(), due)
