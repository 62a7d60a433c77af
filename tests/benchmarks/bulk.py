"""A file of ten thousand posts, checked: by a real worker and beat, on PostgreSQL with fsync on, from the click to the
last row that a page shows as checked. The worker's memory is read while it is at it."""

import os
import random
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.benchmarks import ground

ROWS, CHANNELS, FEW = 10_000, 20, 1_000
TARGET = 20.0  # seconds
COLUMNS = ("Key", "Channels", "Text", "Title", "Date and time", "Campaign", "Tags", "Link")


def run(rounds: int = 3) -> None:
    ground.prepare()
    from django.core.files.base import ContentFile

    from publishing import campaigning, importing
    from publishing.models import Post
    from socialops.lib.export import csv_bytes
    from tests import factories

    alice = factories.person("alice")
    channels = [factories.channel("sandbox", name=f"Channel {n}") for n in range(CHANNELS)]
    for channel in channels:
        factories.grant(channel, alice, "author")
    campaigning.create(alice, "Spring fair", link_rule={"utm_campaign": "{campaign}"})
    measured: list[dict[str, Any]] = []
    with ExitStack() as stack:
        worker = stack.enter_context(_worker())
        stack.enter_context(ground.beat())
        for count in [FEW, *[ROWS] * rounds]:
            data = csv_bytes(COLUMNS, _rows(channels, count))
            started, before = time.perf_counter(), _rss(worker.popen.pid)
            made = importing.read(alice, ContentFile(data, "posts.csv"), "posts.csv")
            read = time.perf_counter() - started
            made = importing.check(made, alice, made.mapping, "Europe/Berlin")
            most = 0.0
            while made.state == "checking":
                time.sleep(0.05)
                most = max(most, _rss(worker.popen.pid))
                made.refresh_from_db(fields=["state"])
                if time.perf_counter() - started > 120:
                    raise RuntimeError(f"{made.rows.count()} of {count} rows were checked in two minutes")
            seconds = time.perf_counter() - started
            wrong = made.rows.exclude(problems={}).count()
            measured.append({"rows": count, "read": read, "seconds": seconds, "wrong": wrong, "grew_mb": most - before})
            if made.rows.count() != count or Post.objects.exists() or not wrong:
                raise RuntimeError("the check left rows out, or wrote something else")
    print(f"\nA file of posts checked, {CHANNELS} channels, one worker; seconds from the click")
    print(ground.table(tuple(measured[0]), [tuple(each.values()) for each in measured]))
    worst = max(each["seconds"] for each in measured)
    grown = max(each["grew_mb"] for each in measured[1:]) - measured[0]["grew_mb"]
    print(f"dry run of {ROWS} rows: {worst:.1f} s at worst (target {TARGET:g} s)")
    print(f"ten times the rows: {grown:.1f} MB more than {FEW} rows made the worker grow")
    ground.result("import", {}, {"seconds": round(worst, 2), "rss_growth_mb": round(grown, 1)})


def _rows(channels: list, count: int) -> list[tuple]:
    """Believable ones; one in fifty is wrong in one of three ways."""
    dice = random.Random(7)
    rows = []
    for n in range(count):
        where = "; ".join(str(c.pk) for c in dice.sample(channels, 3))
        text = f"Post {n}: what we mend lasts. Come by, bring it, wait for it. 🧵 {'More. ' * dice.randrange(12)}"
        at = f"2031-{1 + n % 12:02}-{1 + n % 28:02} 09:{n % 60:02}"
        row = [f"k{n}", where, text, f"Post {n}", at, "Spring fair", "fair, lyon", f"https://example.test/{n}"]
        if n % 50 == 0:
            row[(1, 2, 4)[n // 50 % 3]] = ("nowhere", "x" * 501, "2031-03-30 02:30")[n // 50 % 3]
        rows.append(tuple(row))
    return rows


def _worker() -> ground.Process:
    command = ("-m", "celery", "-A", "socialops", "worker", "--pool", "prefork", "-c", "12")  # lanes keep their places
    return ground.Process(
        "worker", *command, "--without-gossip", "--without-mingle", "--loglevel", "INFO", ready=" ready."
    )


def _rss(pid: int) -> float:
    """MB that the processes of the worker hold for themselves."""
    page = os.sysconf("SC_PAGE_SIZE") / 1e6
    pids = [pid, *(int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    held = 0.0
    for each in pids:
        try:
            _, resident, shared, *_ = Path(f"/proc/{each}/statm").read_text().split()
        except OSError:
            continue
        held += (int(resident) - int(shared)) * page
    return held
