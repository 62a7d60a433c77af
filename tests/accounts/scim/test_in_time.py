"""A deactivation by SCIM opens the offboarding case within 5 seconds: web, worker and beat as they really run."""

import json
import statistics
import time
import urllib.request

import pytest

from accounts import entrusting
from accounts.models import Person
from governance.models import OffboardingCase
from socialops import schedule
from tests.accounts.scim.client import PATCH
from tests.factories import erin, person
from tests.processes import wait_until

PEOPLE = 5


@pytest.mark.django_db(transaction=True)
def test_a_deactivation_opens_the_case_within_five_seconds(processes, worker, beat, capsys):
    """The bound is the schedule's: what nudges the sweep comes more often than every 5 s, with room for the sweep."""
    _, token = entrusting.entrust(erin(), "scim", "Entra")
    Person.objects.bulk_create(Person(name=f"P{i}", email=f"p{i}@example.test") for i in range(60))  # 6 may go an hour
    leavers = [person(f"leaver {i}") for i in range(PEOPLE)]
    web = processes.web()
    wait_until(lambda: "governance.tasks.sweep" in worker.said(400), "a sweep to run", worker.child)
    took = []
    for i, each in enumerate(leavers):
        _deactivate(web.url, token, each.pk)
        begun = time.monotonic()
        wait_until(lambda pk=each.pk: OffboardingCase.objects.filter(person=pk).exists(), "the case", worker.child)
        took.append(time.monotonic() - begun)
        time.sleep(0.37 * i)  # at other moments between two sweeps
    with capsys.disabled():
        print(f"\ncase opened after {statistics.median(took):.2f} s (median), {max(took):.2f} s at most, of {PEOPLE}")
    assert schedule.SLOW_READS["governance.tasks.sweep"] <= 2.0


def _deactivate(url: str, token: str, pk: int) -> None:
    body = {"schemas": [PATCH], "Operations": [{"op": "Replace", "path": "active", "value": "False"}]}
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
    request = urllib.request.Request(f"{url}/scim/v2/Users/{pk}", json.dumps(body).encode(), headers, method="PATCH")
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert json.load(answer)["active"] is False
