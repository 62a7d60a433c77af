"""The burst by what others would use for it: Celery's own eta, and procrastinate."""

import os
import time
from contextlib import ExitStack
from datetime import UTC, datetime

from tests.benchmarks import apart, ground


def celery_eta(places: int, count: int, delay_ms: float) -> dict[str, float]:
    """One task a post, sent beforehand with its time."""
    from django.conf import settings

    from socialops.sandbox.control import Control

    os.environ["ETA_BROKER"] = settings.CELERY_BROKER_URL
    from tests.benchmarks.yardsticks import eta, send

    eta.conf.broker_url = settings.CELERY_BROKER_URL
    worker = ("-m", "celery", "-A", "tests.benchmarks.yardsticks:eta", "worker", "--pool", "threads", "-c", str(places))
    with ExitStack() as stack:
        control = Control(ground.url_of(stack.enter_context(ground.sandbox(delay_ms))))
        token = control.account("acme")["token"]
        stack.enter_context(ground.Process("eta", *worker, "--loglevel", "INFO", ready=" ready."))
        due = time.time() + 30
        for number in range(count):
            send.apply_async((control.url, token, number), eta=datetime.fromtimestamp(due, UTC))
        ground.wait_for(lambda: control.figures()["arrivals"] >= count, "every task", 200)
        return ground.lateness(control.arrivals(), due)


def procrastinate(places: int, count: int, delay_ms: float, workers: int) -> dict[str, float]:
    """One job a post, deferred beforehand to its time, in a database of its own beside ours."""
    from django.db import connection

    from socialops.sandbox.control import Control

    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE procrastinated")
    database = os.environ["DATABASE_URL"].replace("/socialops?", "/procrastinated?")
    module, python, due = "tests.benchmarks.procrastinated", apart.python(), time.time() + 60
    with ExitStack() as stack:
        control = Control(ground.url_of(stack.enter_context(ground.sandbox(delay_ms))))
        filling = ("-m", module, "fill", database, control.url, control.account("acme")["token"], str(due), str(count))
        ground.Process("fill", *filling, ready="ready", python=python).popen.wait(50)
        for _ in range(workers):
            working = ("-m", module, "work", database, str(places // workers))
            stack.enter_context(ground.Process("procrastinate", *working, ready="ready", python=python))
        ground.wait_for(lambda: control.figures()["arrivals"] >= count, "every job", 200)
        return ground.lateness(control.arrivals(), due)
