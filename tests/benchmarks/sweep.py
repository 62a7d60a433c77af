"""Somebody with 120 doors over there leaves, at a network that takes 100 ms for each call; then fifty people at once.

The product: real web, worker and beat, from the departure's minute to the last revocation. Beside it, in the same run
and at the same sandbox, a bare aiohttp client that shuts as many doors, 16 at once. Then the leaver's own session and
key: at the minute, and for a second leaver with worker and beat stopped.
"""

import statistics
import time
from contextlib import ExitStack
from typing import Any

from tests.benchmarks import ground
from tests.benchmarks.leaving import DELAY_MS, Company, Knock, floor

DOORS, PLACES = 120, 16
LEAVERS, DOORS_EACH = 50, 40
TARGETS = {"vs_floor": 1.3, "own_access_s": 1.0, "own_access_alone_s": 1.0, "dry_run_s": 2.0, "pack_s": 10.0}


def run(rounds: int = 3) -> None:
    ground.prepare()
    with ExitStack() as stack:
        sandbox = stack.enter_context(ground.sandbox(DELAY_MS))
        web = stack.enter_context(ground.web())
        company = Company(ground.url_of(sandbox), web)
        machines = stack.enter_context(ExitStack())
        machines.enter_context(ground.worker())
        machines.enter_context(ground.beat())
        company.pages(40)  # what is asked for the first time takes its time
        runs = [{**_one(company), "floor_s": floor(company, DOORS, PLACES)} for _ in range(rounds)]
        figures = {**sorted(runs, key=lambda each: each["last_s"] / each["floor_s"])[len(runs) // 2]}
        figures["each_round"] = [[round(each["last_s"], 3), round(each["floor_s"], 3)] for each in runs]
        figures["agency"] = _many(company)
        machines.close()
        figures["own_access_alone_s"] = max(_own_access(company, company.leaver(doors=0)).values())
        company.close()
    _report(figures)


def _report(figures: dict[str, Any]) -> None:
    figures["vs_floor"] = figures["last_s"] / figures["floor_s"]
    kinds = figures["by_kind"]
    print(f"\n{DOORS} doors of one person, a network of {DELAY_MS:g} ms; seconds after the minute")
    print(ground.table(("", "count", "p50", "p95"), [(kind, *each.values()) for kind, each in kinds.items()]))
    for name, target in TARGETS.items():
        print(f"{name}: {figures[name]:.3f} (target {target})")
    agency = figures["agency"]
    print(f"{LEAVERS} people x {DOORS_EACH} doors: revoked in {agency['revoked_s']:.1f} s, proven in "
          f"{agency['proven_s']:.1f} s; a page at p95 in {agency['page_p95_ms']:.0f} ms "
          f"({agency['calm_page_p95_ms']:.0f} ms before)")  # fmt: skip
    ground.result("sweep", {"vs_floor": figures["vs_floor"]}, figures)


def _one(company: Company) -> dict[str, Any]:
    leaver = company.leaver(DOORS)
    case = company.case_of(leaver)
    dry_run = company.page(f"/offboarding/{case.pk}/")
    own = _own_access(company, leaver)
    ground.wait_for(lambda: company.proven([leaver]) == DOORS, "every door to be proven", 120)
    shut = company.shut([leaver])
    pack = company.pack(case)
    late = [late for each in shut.values() for late in each]
    return {
        "last_s": max(late), "first_s": min(late), "own_access_s": max(own.values()), "own": own, "dry_run_s": dry_run,
        "proven_s": company.proven_after([leaver]), "page_s": company.page(f"/offboarding/{case.pk}/"), "pack_s": pack,
        "by_kind": {kind: _spread(each) for kind, each in sorted(shut.items())},
    }  # fmt: skip


def _own_access(company: Company, leaver: Any) -> dict[str, float]:
    """Seconds from the minute until the last request that was let in, for a session and for a key of theirs."""
    at = leaver.leaves.timestamp()
    knocks = [Knock(company, leaver, kind, until=at + 3) for kind in ("session", "key")]
    time.sleep(max(at - 1 - time.time(), 0))
    for knock in knocks:
        knock.start()
    return {knock.kind: knock.let_in_until(at) for knock in knocks}


def _many(company: Company) -> dict[str, Any]:
    """Fifty leave at one minute; meanwhile somebody reads pages."""
    calm = company.pages(40)
    leavers = company.leavers(LEAVERS, DOORS_EACH)
    wanted = LEAVERS * DOORS_EACH
    time.sleep(max(leavers[0].leaves.timestamp() - time.time(), 0))
    pages: list[float] = []

    def all_proven() -> bool:
        pages.extend(company.pages(4))
        return company.proven(leavers) == wanted

    ground.wait_for(all_proven, "every door of everybody to be proven", 300)
    late = [late for each in company.shut(leavers).values() for late in each]
    return {
        "revoked_s": max(late), "proven_s": company.proven_after(leavers), "page_p95_ms": _p95(pages) * 1000,
        "calm_page_p95_ms": _p95(calm) * 1000, "pages": len(pages),
    }  # fmt: skip


def _spread(late: list[float]) -> dict[str, float]:
    return {"count": len(late), "p50": statistics.median(late), "p95": _p95(late)}


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[18]
