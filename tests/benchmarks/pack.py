"""Packs: of a case with 120 doors, and of a period with 400,000 rows of the ledger, from the ask to the signed ZIP.

The worker's part runs in this process, so that its memory can be read; PostgreSQL is durable.
"""

import resource
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.benchmarks import ground

DOORS, ROWS, CHANNELS, PEOPLE = 120, 400_000, 3_000, 10_000
TARGET = 10.0  # seconds, of the case


def run(rounds: int = 3) -> None:
    ground.prepare()
    from accounts import verifying
    from governance import evidence, offboarding
    from governance.models import OffboardingCase
    from tests import factories

    frank, dana = factories.person("frank", "auditor"), factories.person("dana")
    for number in range(DOORS):
        factories.grant(factories.channel(name=f"Channel {number}"), dana, "publisher")
    factories.departed(dana)
    offboarding.sweep()
    case = OffboardingCase.objects.get(person=dana)
    measured = [_made(evidence.export_case(frank, case)) for _ in range(rounds)]
    small = _megabytes()
    _fill()
    now = datetime.now(UTC)
    scope = {"first": (now - timedelta(days=400)).isoformat(), "last": (now + timedelta(days=1)).isoformat()}
    period = _made(evidence.ask(frank, "period", scope))
    period["rss_mb"], period["grew_mb"] = _megabytes(), _megabytes() - small
    started = time.perf_counter()
    found = verifying.check_pack(period.pop("path")).findings
    period["checked_s"] = time.perf_counter() - started
    print(f"\nA case with {DOORS} doors; a period with {ROWS} doors, {CHANNELS} channels, {PEOPLE} people")
    for name, each in (("case", measured), ("period", [period])):
        for one in each:
            print(name, {key: round(value, 1) for key, value in one.items() if key != "path"})
    if found:
        raise RuntimeError(f"the pack does not hold: {found[:3]}")
    worst = max(each["seconds"] for each in measured)
    print(f"case: {worst:.1f} s at worst (target {TARGET:g} s)")
    ground.result(
        "pack", {}, {"case_s": round(worst, 2), "period_s": round(period["seconds"], 1),
                     "rss_mb": round(period["rss_mb"]), "grew_mb": round(period["grew_mb"])},
    )  # fmt: skip


def _made(bundle) -> dict[str, Any]:
    from pathlib import Path

    from governance import packing

    started = time.perf_counter()
    packing.work_due()
    bundle.refresh_from_db()
    if bundle.state != "made":
        raise RuntimeError(bundle.problem)
    return {"seconds": time.perf_counter() - started, "mb": bundle.size / 1e6, "path": Path(bundle.file.path)}


def _fill() -> None:
    """Rows as the ledger has them, by SQL: nobody waits for half a million verbs."""
    from django.db import connection

    from channels_registry.models import AccessGrant, Channel

    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM accounts_person ORDER BY id LIMIT 1")
        owner = cursor.fetchone()[0]
        cursor.execute(
            "INSERT INTO accounts_person (name, email, title, time_zone, working_days, working_from, working_until, "
            "created_at) SELECT 'Person ' || n, 'p' || n || '@example.test', 'Editor', 'UTC', '{0,1,2,3,4}', '09:00', "
            "'17:00', now() FROM generate_series(1, %s) n", [PEOPLE],
        )  # fmt: skip
    channels = Channel.objects.bulk_create(
        [Channel(network="sandbox", handle=f"bench{n}", name=f"Bench {n}", owner_id=owner) for n in range(CHANNELS)]
    )
    people = list(_people())
    started = datetime.now(UTC) - timedelta(days=100)
    for begin in range(0, ROWS, 20_000):
        AccessGrant.objects.bulk_create(
            [
                AccessGrant(channel=channels[n % CHANNELS], person_id=people[n // 40 % PEOPLE], door="role",
                            entitlement="Editor", label=f"role {n}", remote_id=str(n), source="observed",
                            reason="Team of the brand",
                            starts_at=started, granted_by_id=owner)
                for n in range(begin, begin + 20_000)
            ]
        )  # fmt: skip


def _people():
    from accounts.models import Person

    return Person.objects.filter(name__startswith="Person ").values_list("pk", flat=True)


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
