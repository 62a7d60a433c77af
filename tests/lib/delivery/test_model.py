"""Every order of events that Hypothesis thinks of: claims, answers, lost answers, deaths, frozen workers, holds.

The rows, the statements and the judging are the real ones. The network is a list, time passes by moving the rows'
clocks, and a worker is what it has in hand. Two workers share the lane; after each step nothing stands there twice, and
what stands there is known or being looked for. A small world is gone through whole as well.
"""

import asyncio
import itertools
import os
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta

import hypothesis
import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from channels_registry.connector.errors import OutcomeUnknown, Refused, TryLater
from channels_registry.connector.types import Draft
from channels_registry.models import Connection, ConnectionBudget
from channels_registry.reaching import Reached
from publishing import holding, resolving, scheduling
from publishing.delivering import LANE, Parcel
from publishing.models import Hold, Publication
from socialops.lib.delivery import judging
from socialops.lib.delivery.claiming import Claimer, Job
from socialops.lib.delivery.lane import Done, Looking, Unclear
from socialops.lib.delivery.late import late_acceptance
from socialops.lib.delivery.reaping import reap
from socialops.lib.delivery.sending import Sender
from socialops.lib.delivery.settling import Verdict, settle
from tests import factories

CLOCKS = ("due_at", "not_after", "next_attempt_at", "lease_until")
FATES = ("accepted", "answer lost", "refused", "unreachable", "slow down", "died after", "died before")
SEEN = ("truth", "error", "unclear")
OPEN = ("scheduled", "sending", "unknown", "needs_human")


class Died(BaseException):
    """The worker, in the middle of a request."""


@dataclass
class Network:
    """What stands there, and what happens to the next request."""

    standing: Counter
    fate: str = "accepted"
    sight: str = "truth"

    async def send(self, parcel):
        pk = parcel.publication.pk
        if self.fate in ("accepted", "answer lost", "died after"):
            self.standing[pk] += 1
        match self.fate:
            case "accepted":
                return Done(f"r{pk}", f"http://there/{pk}")
            case "refused":
                raise Refused("No.")
            case "unreachable":
                raise TryLater("Nobody there.")
            case "slow down":
                raise TryLater("Slower.", after=1, status=429)
            case "answer lost":
                raise OutcomeUnknown("No answer.")
        raise Died

    async def look(self, parcel):
        pk = parcel.publication.pk
        if self.sight == "error":
            raise TryLater("Nobody there.")
        if self.sight == "unclear":
            return Unclear("Several match.")
        return Done(f"r{pk}", f"http://there/{pk}") if self.standing[pk] else None


class World:
    """Two workers at one lane. Each holds jobs that it has not sent, and verdicts that it has not written down."""

    def __init__(self, made):
        self.made, self.network = made, Network(Counter())
        self.lane = replace(
            LANE, send=self.network.send, look=self.network.look, looking=lambda _: Looking(absences=1), revive=None
        )
        self.jobs: dict[str, list[Job]] = {"one": [], "two": []}
        self.told: dict[str, list[Verdict]] = {"one": [], "two": []}
        self.lead, self.second = factories.person("gina", "social_lead"), factories.person("dana")
        connection = Connection.objects.get(channel=made.channels[0])
        self.reached = Reached(connection.pk, 1, made.channels[0].connector, None)
        self.ids: list[int] = []

    def publish(self, count):
        self.ids += [publication.pk for publication in self.made.publish(count)]

    def claim(self, worker, limit=2):
        self._take(worker, self.made.claimer.claim(limit).jobs)

    def send(self, worker, fate="accepted", sight="truth"):
        if not self.jobs[worker]:
            return
        for job in self.jobs[worker]:
            job.stopped = job.stopped or job.id in self.made.claimer.stopped([job.id])
        self.network.fate, self.network.sight = fate, sight
        sender = Sender(self.lane, 1, lambda verdict: None)
        try:
            self.told[worker].append(asyncio.run(sender._one(self.jobs[worker].pop(0))))
        except Died:
            self.die(worker)

    def look(self, worker):
        self._take(worker, self.made.claimer.look(2))

    def _take(self, worker, jobs):
        as_at_a_commit()
        for job in jobs:
            job.parcel = Parcel(Publication(pk=job.id, text="Text"), self.reached, Draft("Text"), "")
        self.jobs[worker] += jobs

    def settle(self, worker):
        verdicts, self.told[worker] = self.told[worker], []
        if verdicts:
            settle(self.lane, verdicts)
            as_at_a_commit()

    def die(self, worker):
        self.jobs[worker], self.told[worker] = [], []

    def reap(self):
        reap(self.lane)
        as_at_a_commit()

    def passes(self, seconds):
        """The rows' clocks go on, and so do those of what the workers hold."""
        Publication.objects.update(**{name: F(name) - timedelta(seconds=seconds) for name in CLOCKS})
        budgets = {name: F(name) - timedelta(seconds=seconds) for name in ("cooldown_until", "breaker_until")}
        ConnectionBudget.objects.update(**budgets)
        for job in itertools.chain(*self.jobs.values()):
            job.send_before -= seconds

    def finish(self):
        """No more faults: both workers are new, holds are lifted, and people do what they are asked to do."""
        for worker in self.jobs:
            self.die(worker)
        for hold in Hold.objects.filter(lifted_at=None):
            holding.lift(hold, self.lead)
        for _ in range(14):
            if not Publication.objects.filter(state__in=OPEN).exists():
                return
            self.passes(130)
            self.reap()
            for step in (self.claim, self.look):
                step("one")
                while self.jobs["one"]:
                    self.send("one")
                self.settle("one")
            for publication in Publication.objects.filter(state="needs_human"):
                self.asked(publication)

    def asked(self, publication):
        """A person looks, and sees what is there."""
        if self.network.standing[publication.pk] or late_acceptance(publication):
            resolving.confirm_out(publication, self.made.alice, f"http://there/{publication.pk}")
        else:
            resolving.confirm_absent(publication, self.made.alice)
        as_at_a_commit()

    def check(self):
        as_at_a_commit()
        for publication in Publication.objects.filter(pk__in=self.ids):
            times = self.network.standing[publication.pk]
            assert times <= 1, f"{publication.pk} stands there {times} times"
            if publication.state == "done":
                assert times, f"{publication.pk} is said to be out, and is not"
            elif times:
                known = publication.state in ("sending", "unknown", "needs_human") or late_acceptance(publication)
                assert known, f"{publication.pk} is out, and is {publication.state} here"

    def check_end(self):
        self.check()
        left = Publication.objects.filter(pk__in=self.ids, state__in=OPEN)
        assert not left, f"nothing is done any more with {list(left.values('pk', 'state', 'reason'))}"


def as_at_a_commit():
    """What a commit checks is checked here, where the whole example is one transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


WORKERS = st.sampled_from(["one", "two"])


class Machine(RuleBasedStateMachine):
    made: object = None  # set by the test: a world of channels (tests/deliveries.py)

    @initialize(count=st.integers(1, 3))
    def begin(self, count):
        self.mark = transaction.savepoint()
        self.world = World(self.made)
        self.world.publish(count)

    @rule(worker=WORKERS, limit=st.integers(1, 3))
    def claim(self, worker, limit):
        self.world.claim(worker, limit)

    @rule(worker=WORKERS, fate=st.sampled_from(FATES), sight=st.sampled_from(SEEN))
    def send(self, worker, fate, sight):
        self.world.send(worker, fate, sight)

    @rule(worker=WORKERS, fate=st.sampled_from(FATES))
    def deliver(self, worker, fate):
        """All at once, as when nothing comes between."""
        self.world.claim(worker, 1)
        self.world.send(worker, fate)
        self.world.settle(worker)

    @rule(worker=WORKERS)
    def settle(self, worker):
        self.world.settle(worker)

    @rule(worker=WORKERS)
    def look(self, worker):
        self.world.look(worker)

    @rule(worker=WORKERS)
    def die(self, worker):
        self.world.die(worker)

    @rule()
    def reap(self):
        self.world.reap()

    @rule(seconds=st.sampled_from([1, 50, 70, 130, 7300]))
    def passes(self, seconds):
        self.world.passes(seconds)

    @rule()
    def hold(self):
        _allowed(lambda: holding.place(self.world.lead, "Stop"))

    @rule()
    def lift(self):
        for hold in Hold.objects.filter(lifted_at=None):
            holding.lift(hold, self.world.lead)

    @rule(which=st.integers(0, 2), verb=st.sampled_from(["cancel", "move", "keep", "answer", "again"]))
    def person(self, which, verb):
        pk = self.world.ids[which % len(self.world.ids)]
        publication, alice = Publication.objects.get(pk=pk), self.made.alice
        if verb in ("answer", "again") and publication.state != "needs_human":
            return
        if verb == "again" and not self.world.network.standing[pk]:
            _allowed(lambda: resolving.send_again(publication, self.world.second))
        elif verb in ("answer", "again"):
            self.world.asked(publication)
        elif verb == "move":
            soon = (timezone.now() + timedelta(minutes=2)).replace(tzinfo=None)
            _allowed(lambda: scheduling.reschedule(publication, soon, "UTC", alice))
        else:
            _allowed(lambda: {"cancel": scheduling.cancel, "keep": holding.keep}[verb](publication, alice))

    @invariant()
    def nothing_twice(self):
        if hasattr(self, "world"):
            self.world.check()

    def teardown(self):
        if hasattr(self, "world"):
            try:
                self.world.finish()
                self.world.check_end()
            finally:
                transaction.savepoint_rollback(self.mark)


def _allowed(verb):
    """People try what they like; what is refused changes nothing."""
    try:
        with transaction.atomic():
            verb()
    except (ValidationError, PermissionDenied):
        pass


@pytest.fixture
def made(still_world, settings):
    settings.PACE = 1.0
    for channel in still_world.channels:
        factories.grant(channel, factories.person("dana"), "publisher")
    still_world.claimer = Claimer(LANE, "test")  # its SQL is made once
    return still_world


def try_out(made, examples, steps=25, **more):
    run_state_machine_as_test(
        type("Machine", (Machine,), {"made": made}),
        settings=hypothesis.settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, database=None,
            suppress_health_check=list(HealthCheck), print_blob=False, **more,
        ),
    )  # fmt: skip


def naively(job, reason, evidence, *_, **__):
    """What a sender does that takes silence for a no."""
    return Verdict(job, "scheduled", "not_sent", evidence=dict(evidence))


def test_whatever_happens_nothing_is_out_twice_or_forgotten(made):
    try_out(made, examples=40)


def test_a_sender_that_takes_silence_for_a_no_is_found_out(made, monkeypatch):
    monkeypatch.setattr(judging, "unknown", naively)
    with pytest.raises(AssertionError, match=r"stands there 2 times|is out, and is scheduled"):
        try_out(made, examples=300, phases=[hypothesis.Phase.generate])


@pytest.mark.faults
def test_whatever_happens_at_length(made):
    try_out(made, examples=50 * int(os.environ.get("FAULT_SEEDS", "20")), steps=60)


def interleavings(one, two):
    """Every order of these two scripts, each in its own order."""
    for places in itertools.combinations(range(len(one) + len(two)), len(one)):
        mine, theirs = iter(one), iter(two)
        yield [next(mine) if n in places else next(theirs) for n in range(len(one) + len(two))]


def go_through(made, posts, pauses, fates=("accepted", "answer lost", "died after")):
    """Two workers, each claims, sends and settles once a post; the lease may end before any one of the steps.

    Returns how many orders there were.
    """
    count = 0
    for fate_of in itertools.product(fates, repeat=2):
        scripts = [
            [(verb, worker, fate) for _ in range(posts - 1) for verb in ("claim", "send", "settle")]
            for worker, fate in zip(("one", "two"), fate_of, strict=True)
        ]
        for order in interleavings(*scripts):
            for pause in pauses:
                with transaction.atomic():
                    _one_order(made, posts, order, pause)
                    transaction.set_rollback(True)
                count += 1
    return count


def _one_order(made, posts, order, pause):
    world = World(made)
    world.publish(posts)
    for number, (verb, worker, fate) in enumerate(order):
        if number == pause:
            world.passes(130)
            world.reap()
        if verb == "claim":
            world.claim(worker, 1)
        elif verb == "send":
            world.send(worker, fate)
        else:
            world.settle(worker)
        world.check()
    world.finish()
    world.check_end()


def test_two_workers_and_two_posts_in_every_order(made):
    assert go_through(made, posts=2, pauses=(3,)) == 9 * 20


@pytest.mark.faults
def test_two_workers_and_three_posts_in_every_order(made):
    assert go_through(made, posts=3, pauses=(None, 3, 6, 9)) == 9 * 924 * 4
