"""The pages about who reaches what, and the export of the ledger, at both sizes of company.

Each size has servers of its own, in a process of its own: `python -m tests.benchmarks.seeded 3000 10000 400000`.
"""

import csv
import json
import logging
import os
import re
import statistics
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from urllib.parse import urlencode

from tests.benchmarks import ground

SIZES = {"300 x 1,000": (300, 1_000, 12_000), "3,000 x 10,000": (3_000, 10_000, 400_000)}
REQUESTS, WARM = 80, 8
PAGE_MS, QUERIES, TIMES_PLAIN, RSS_MB = 60, 12, 2.0, 150  # what has to be reached
THEN = {"at": "2026-05-03T14:00", "zone": "Europe/Paris"}


def matrix(rounds: int = 1) -> None:
    found = {size: _apart("pages", *numbers, rounds) for size, numbers in SIZES.items()}
    rows = [(size, page, *figures.values()) for size, pages in found.items() for page, figures in pages.items()]
    print(ground.table(("size", "page", "p50_ms", "p95_ms", "queries", "kb"), rows))
    worst = {
        name: {size: max(page[name] for page in pages.values()) for size, pages in found.items()}
        for name in ("p95_ms", "queries")
    }
    reached = max(worst["p95_ms"].values()) <= PAGE_MS and max(worst["queries"].values()) <= QUERIES
    target = {"page_p95_ms": PAGE_MS, "queries": QUERIES}
    _said("matrix", {"page_p95_ms": worst["p95_ms"], "queries": worst["queries"], "pages": found}, target, reached)


def export(rounds: int = 3) -> None:
    figures = _apart("export", *SIZES["3,000 x 10,000"], rounds)
    reached = figures["vs_plain_csv"] <= TIMES_PLAIN and figures["rss_mb"] <= RSS_MB
    _said("export", figures, {"vs_plain_csv": TIMES_PLAIN, "rss_mb": RSS_MB}, reached)


def _said(workload: str, figures: dict, target: dict, reached: bool) -> None:
    ground.result(workload, {}, figures | {"target": target, "reached": reached})


def _apart(what: str, *numbers: int) -> dict:
    """The last line of a process with servers of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.seeded", what, *map(str, numbers)]
    out = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=ground.CHECKOUT, text=True)
    return json.loads(out.stdout.splitlines()[-1])


def _seeded(channels: int, people: int, doors: int) -> str:
    """Servers with such a company; the session of its administrator."""
    ground.prepare()
    from django.core.management import call_command

    from accounts.models import Person
    from tests import factories

    logging.disable(logging.INFO)
    begun = time.monotonic()
    call_command("seed_access", channels=channels, people=people, doors=doors, stdout=sys.stderr)
    print(f"seeded in {time.monotonic() - begun:.0f} s", file=sys.stderr)
    erin = Person.objects.get(email="erin@example.test")
    return factories.signed_in(erin).cookies["session"].value


def _pages(rounds: int, session: str) -> dict:
    from socialops.wsgi import application

    return {name: _measured(application, session, url, rounds) for name, url in _addresses().items()}


def _addresses() -> dict[str, str]:
    """What is asked for: of channels and people, those with most doors."""
    from django.db.models import Count
    from django.urls import reverse

    from channels_registry.models import AccessGrant

    standing = AccessGrant.objects.standing().exclude(person=None).order_by()
    channel = standing.values_list("channel").annotate(n=Count("pk")).order_by("-n")[0][0]
    person = standing.values_list("person").annotate(n=Count("pk")).order_by("-n")[0][0]
    doors, access, crossed = (
        reverse("channel_doors", args=[channel]),
        reverse("person_access", args=[person]),
        "/matrix/",
    )
    found = {
        "matrix": crossed, "matrix, administrators over there": f"{crossed}?level=admin",
        "matrix, any drift": f"{crossed}?drift=any", "matrix, a region": f"{crossed}?region=Japan",
        "matrix, a name": f"{crossed}?q=anna", "matrix, left": f"{crossed}?who=left",
        "who can reach": doors, "who could reach then": f"{doors}?{urlencode(THEN)}",
        "what she can reach": access, "what she could reach then": f"{access}?{urlencode(THEN)}",
        "channel": reverse("channel", args=[channel]), "channels": reverse("channel_list"),
    }  # fmt: skip
    return found | _of_governance(person)


def _of_governance(person: int) -> dict[str, str]:
    from django.urls import NoReverseMatch, reverse

    try:
        away = reverse("person_cover", args=[person])
        return {"single points": reverse("single_points"), "away for two weeks": away}
    except NoReverseMatch:
        return {}


def _measured(application, session: str, url: str, rounds: int) -> dict[str, float]:
    from django.db import connection

    for _ in range(WARM):
        body = _ask(application, session, url)
    asked: list[str] = []
    with connection.execute_wrapper(lambda run, sql, *more: asked.append(sql) or run(sql, *more)):
        _ask(application, session, url)
    took = sorted(_timed(application, session, url) for _ in range(REQUESTS * rounds))
    return {
        "p50_ms": round(statistics.median(took), 1), "p95_ms": round(took[int(len(took) * 0.95)], 1),
        "queries": len(asked), "kb": round(len(body) / 1024, 1),
    }  # fmt: skip


def _timed(application, session: str, url: str) -> float:
    begun = time.perf_counter()
    _ask(application, session, url)
    return (time.perf_counter() - begun) * 1000


def _ask(application, session: str, url: str) -> bytes:
    said = {}
    path, _, query = url.partition("?")
    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query, "SERVER_NAME": "localhost",
        "SERVER_PORT": "80", "HTTP_HOST": "localhost", "HTTP_COOKIE": f"session={session}", "wsgi.url_scheme": "https",
        "wsgi.input": BytesIO(), "REMOTE_ADDR": "127.0.0.1",
    }  # fmt: skip
    answer = application(environ, lambda status, headers: said.update(status=status, headers=headers))
    body = b"".join(answer)
    answer.close()
    assert said["status"].startswith("200"), (url, said, body[:500])
    return body


def _export(rounds: int, session: str) -> dict:
    """Through a real gunicorn to a file, beside psycopg2 and csv.writer with the same question, in turn."""
    ours, plain, rows = [], [], 0
    with _web() as (url, worker):
        token = _csrf(url, session)
        for _ in range(rounds):
            begun = time.perf_counter()
            rows = _download(url, session, token)
            ours.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            assert _plainly() == rows, "not the same rows"
            plain.append(time.perf_counter() - begun)
        rss = _peak_mb(worker)
    return {
        "vs_plain_csv": round(statistics.median(ours) / statistics.median(plain), 2), "rss_mb": rss, "rows": rows,
        "ours_s": round(statistics.median(ours), 2), "plain_s": round(statistics.median(plain), 2),
    }  # fmt: skip


@contextmanager
def _web():
    """(address, process id of the one worker)"""
    threads = ("--worker-class", "gthread", "--threads", "4", "--no-control-socket", "--timeout", "120")
    command = ("-m", "gunicorn", "socialops.wsgi", "--bind", "127.0.0.1:0", *threads)
    with ground.Process("web", *command, ready="Booting worker") as web:
        time.sleep(3)
        address = re.search(r"Listening at: (http://[\d.:]+)", web.said())
        worker = re.search(r"Booting worker with pid: (\d+)", web.said())
        assert address and worker, web.said()
        yield address[1], int(worker[1])


def _csrf(url: str, session: str) -> str:
    page = urllib.request.urlopen(_request(f"{url}/matrix/", session), timeout=60).read().decode()
    return re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]  # type: ignore[index]


def _request(url: str, session: str, data: bytes | None = None, **headers: str) -> urllib.request.Request:
    return urllib.request.Request(url, data, {"Cookie": f"session={session}", **headers})


def _download(url: str, session: str, token: str) -> int:
    data, lines = urlencode({"csrfmiddlewaretoken": token}).encode(), 0
    asked = _request(f"{url}/matrix/export/", session, data, Referer=f"{url}/matrix/")
    asked.add_header("Cookie", f"session={session}; csrf={token}; csrftoken={token}")
    with urllib.request.urlopen(asked, timeout=300) as answer, _file("ours").open("wb") as file:
        while part := answer.read(1 << 20):
            file.write(part)
    with _file("ours").open(newline="", encoding="utf-8-sig") as file:
        for _ in csv.reader(file):
            lines += 1
    return lines - 1


def _plainly() -> int:
    """The yardstick: psycopg2 and csv.writer, nothing between; then the same count of rows."""
    import psycopg2

    from channels_registry import ledger_exporting
    from channels_registry.permissions import Oversight
    from channels_registry.queries.narrowing import Filters

    sql, params = ledger_exporting.ledger(Oversight(True, []), Filters()).query.sql_with_params()
    lines = 0
    with psycopg2.connect(os.environ["DATABASE_URL"]) as connection, connection.cursor() as cursor:
        cursor.execute(sql, params)
        with _file("plain").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(cursor)
    with _file("plain").open(newline="", encoding="utf-8") as file:
        for _ in csv.reader(file):
            lines += 1
    return lines


def _file(name: str) -> Path:
    return Path(os.environ["SOCIALOPS_HOME"]) / f"{name}.csv"


def _peak_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return round(int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024, 1)  # type: ignore[index]


if __name__ == "__main__":
    workload, *sizes = sys.argv[1:]
    channels, people, doors, rounds = map(int, sizes)
    session = _seeded(channels, people, doors)
    print(json.dumps({"pages": _pages, "export": _export}[workload](rounds, session)))
