"""A company whose people leave, for the benchmark: doors on a sandbox, pages as a browser asks, keys that knock."""

import asyncio
import http.client
import itertools
import threading
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from tests.benchmarks import ground

KINDS = (("app_password", "publish"), ("role", "editor"), ("app", "publish"), ("invitation", "editor"))
DELAY_MS = 100.0
AHEAD = 14.0  # seconds from the record of a departure to its minute
_number = itertools.count(1)


class Company:
    """40 channels on the sandbox, and people with doors on them."""

    def __init__(self, sandbox: str, web: Any):
        from socialops.sandbox.control import Control
        from tests import deliveries, factories

        self.control, self.web = Control(sandbox), web
        self.control.promise(delay_ms=0)
        self.world = deliveries.world(self.control, channels=40)
        self.erin = factories.erin()
        self.cookie = _cookie(self.erin)

    def close(self) -> None:
        from django.db import connection

        connection.close()

    def leaver(self, doors: int) -> Any:
        return self.leavers(1, doors)[0]

    def leavers(self, count: int, doors: int) -> list[Any]:
        """People with `doors` doors each, who leave at one minute a little ahead; that is recorded through the verb."""
        from accounts import people
        from tests import factories

        self.control.promise(delay_ms=0)
        made = [factories.person(f"leo{next(_number)}") for _ in range(count)]
        for person in made:
            self._doors(person, doors)
            person.cookie, person.key = _cookie(person), _key(person)
        at = datetime.now(UTC) + timedelta(seconds=AHEAD)
        for person in made:
            departure = people.mark_departed(person, at.replace(tzinfo=None), "UTC", self.erin, "last day")
            person.leaves = departure.at
        self._analyze()
        self.control.promise(delay_ms=DELAY_MS)
        return made

    def _doors(self, person: Any, count: int) -> None:
        from django.utils import timezone

        from channels_registry.models import AccessGrant
        from tests import factories

        rows = []
        for n in range(count):
            channel, (kind, level) = self.world.channels[n % 40], KINDS[n // 40 % len(KINDS)]
            door = self.control.door(channel.remote_id, kind, level, label=f"{person.name} {n}", handle=person.name)
            rows.append(
                AccessGrant(
                    channel=channel, person=person, door=kind, entitlement=level, source="observed",
                    label=door["label"], remote_id=door["id"], starts_at=timezone.now() - timedelta(days=30),
                )
            )  # fmt: skip
        AccessGrant.objects.bulk_create(rows)
        if count:
            factories.grant(self.world.channels[0], person, "publisher")

    def _analyze(self) -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

    def case_of(self, person: Any) -> Any:
        from governance.models import OffboardingCase

        cases = OffboardingCase.objects.filter(person=person)
        ground.wait_for(cases.exists, "the case to be opened", 30)
        return cases.get()

    def _asked(self, people: list[Any]) -> Any:
        from channels_registry.models import Revocation

        return Revocation.objects.filter(grant__person__in=people).exclude(grant__door="right")

    def proven(self, people: list[Any]) -> int:
        return self._asked(people).filter(stage="verified").count()

    def proven_after(self, people: list[Any]) -> float:
        last = max(self._asked(people).values_list("verified_at", flat=True))
        return (last - people[0].leaves).total_seconds()

    def shut(self, people: list[Any]) -> dict[str, list[float]]:
        """Seconds from the minute until the network was asked and had answered, by its own clock, by kind of door."""
        answered = {row["door"]: row["wall"] + DELAY_MS / 1000 for row in self.control.shut()}
        found: dict[str, list[float]] = {}
        for kind, door in self._asked(people).values_list("grant__door", "grant__remote_id"):
            found.setdefault(kind, []).append(answered[door] - people[0].leaves.timestamp())
        return found

    def page(self, path: str) -> float:
        """Seconds until the page is whole, as erin reads it."""
        began = time.perf_counter()
        status = _get(self.web.url, path, {"Cookie": self.cookie})
        if status != 200:
            raise RuntimeError(f"{path} answered {status}")
        return time.perf_counter() - began

    def pages(self, count: int) -> list[float]:
        paths = ("/", "/offboarding/", f"/channels/{self.world.channels[0].pk}/", "/posts/")
        return [self.page(paths[n % len(paths)]) for n in range(count)]

    def pack(self, case: Any) -> float:
        """Seconds until the pack of the case has been made and is downloaded."""
        began = time.perf_counter()
        cookies, data = f"{self.cookie}; csrf={'a' * 32}", f"csrfmiddlewaretoken={'a' * 32}".encode()
        request = urllib.request.Request(f"{self.web.url}/offboarding/{case.pk}/evidence/", data, {"Cookie": cookies})
        with urllib.request.build_opener(_Keep()).open(request, timeout=60) as answer:
            file = f"{urlsplit(answer.url).path}file/"
        ground.wait_for(lambda: _get(self.web.url, file, {"Cookie": self.cookie}) == 200, "the pack to be made", 60)
        return time.perf_counter() - began


class _Keep(urllib.request.HTTPRedirectHandler):
    """A redirect with the cookies of the request."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        return urllib.request.Request(newurl, headers={"Cookie": req.get_header("Cookie")})


class Knock(threading.Thread):
    """The leaver at the door: a request every few milliseconds until `until`, with a session or a key of theirs."""

    def __init__(self, company: Company, leaver: Any, kind: str, until: float):
        super().__init__(daemon=True)
        self.kind, self.until, self.url, self.last = kind, until, company.web.url, 0.0
        self.headers = {"session": {"Cookie": leaver.cookie}, "key": {"Authorization": f"Bearer {leaver.key}"}}[kind]

    def run(self) -> None:
        path, pause = {"session": ("/", 0.02), "key": ("/api/v1/me", 0.05)}[self.kind]
        while time.time() < self.until:
            asked = time.time()
            if _get(self.url, path, self.headers) == 200:
                self.last = asked  # let in at a moment after this; what matters is that it is asked again at once
            time.sleep(pause)

    def let_in_until(self, at: float) -> float:
        """Seconds after `at` of the last request that was let in; 0 for none after it."""
        self.join()
        if not self.last:
            raise RuntimeError(f"the {self.kind} was never let in")
        return max(self.last - at, 0.0)


def floor(company: Company, count: int, places: int) -> float:
    """Seconds that bare aiohttp needs to shut as many doors, so many at once."""
    company.control.promise(delay_ms=0)
    channel = company.world.channels[0]
    doors = [
        company.control.door(channel.remote_id, "app_password", "publish", label=f"floor {n}") for n in range(count)
    ]
    mine = company.control.door(channel.remote_id, "app", "manage", label="floor", token=True)
    company.control.promise(delay_ms=DELAY_MS)
    wanted = {door["id"] for door in doors}
    began = asyncio.run(_shut(company.control.url, mine["token"], sorted(wanted), places))
    return max(row["wall"] for row in company.control.shut() if row["door"] in wanted) + DELAY_MS / 1000 - began


async def _shut(url: str, token: str, doors: list[str], places: int) -> float:
    """When it began."""
    connector = aiohttp.TCPConnector(limit=places)
    async with aiohttp.ClientSession(connector=connector, headers={"Authorization": f"Bearer {token}"}) as session:

        async def worker() -> None:
            while doors:
                async with session.delete(f"{url}/api/v1/doors/{doors.pop()}") as answer:
                    await answer.read()
                    answer.raise_for_status()

        began = time.time()
        await asyncio.gather(*(worker() for _ in range(places)))
        return began


def _get(url: str, path: str, headers: dict[str, str]) -> int:
    line = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        line.request("GET", path, headers=headers)
        answer = line.getresponse()
        answer.read()
        return answer.status
    finally:
        line.close()


def _cookie(person: Any) -> str:
    from tests import factories

    return "; ".join(f"{name}={cookie.value}" for name, cookie in factories.signed_in(person).cookies.items())


def _key(person: Any) -> str:
    from accounts import issuing
    from accounts.models import Scope

    return issuing.issue(person, "benchmark", [Scope.values[0]], 7)[1]
