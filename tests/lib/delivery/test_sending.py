"""The requests of one shift: how many at once, what goes back, and that each job is told of once, whatever escapes."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from publishing.models import Publication, PublicationAttempt
from socialops.lib.clock import steady
from socialops.lib.delivery.claiming import Job
from socialops.lib.delivery.lane import Done, Errors, Lane, Unclear
from socialops.lib.delivery.sending import Sender, gate

HERE = Done("r1")


class Dead(Exception): ...


class Desk:
    """A sender, what was sent and looked for, and what it told."""

    def __init__(self, places: int = 5, **lane: Any) -> None:
        self.sent: list[Any] = []
        self.told: list[Any] = []
        self.most, self.open = 0, 0
        self.answer: Callable[[], Any] = lambda: HERE
        errors = Errors(dead=(Dead,))
        lane = {"look": self.look, "send": self.send, "errors": errors, **lane}
        made = Lane(name="desk", model=Publication, attempts=PublicationAttempt, load=dict, **lane)
        self.sender = Sender(made, places, self.told.append)
        self.seen: Any = None

    async def send(self, parcel: Any) -> Any:
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            await asyncio.sleep(0.001)
            self.sent.append(parcel)
            return self.answer()
        finally:
            self.open -= 1

    async def look(self, parcel: Any) -> Any:
        if isinstance(self.seen, Exception):
            raise self.seen
        return self.seen

    async def end(self) -> list[tuple[int, str, str | None]]:
        async with asyncio.timeout(10):
            while self.sender.held:
                await asyncio.sleep(0.001)
        return [(verdict.job.id, verdict.state, verdict.outcome) for verdict in self.told]


def job(number: int = 1, **known: Any) -> Job:
    return Job(**{"id": number, "fence": 1, "tries": 0, "send_before": steady() + 60, "parcel": number, **known})


def fails(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any) -> Any:
        raise error

    return fail


async def test_so_many_at_once_and_the_others_after_them():
    desk = Desk(places=2)
    desk.sender.take(job(n) for n in range(5))
    assert (desk.sender.held, len(desk.sender.flying), len(desk.sender.jobs())) == (5, 2, 5)
    assert await desk.end() == [(n, "done", "accepted") for n in range(5)]
    assert (desk.most, desk.sent) == (2, [0, 1, 2, 3, 4])


async def test_what_may_begin_too_late_goes_back():
    desk = Desk()
    desk.sender.take([job(send_before=steady() - 1)])
    assert await desk.end() == [(1, "scheduled", "not_sent")]
    assert desk.told[0].evidence == {"detail": "too late in its lease to begin"}
    assert desk.sent == []
    gate()  # outside of a job it stops nobody


async def test_a_stop_aborts_what_flies_sends_back_what_waits_and_leaves_the_rest():
    desk = Desk(places=3)
    look = job(2, looks=1)
    desk.sender.take([job(1), look, job(3), job(4), job(5)])
    await asyncio.sleep(0)
    desk.sender.stop({1, 2, 4})
    ends = dict.fromkeys([3, 5], ("done", "accepted")) | {
        1: ("unknown", "unknown"), 2: ("scheduled", "proven_absent"), 4: ("scheduled", "not_sent")
    }  # fmt: skip
    assert {pk: (state, outcome) for pk, state, outcome in await desk.end()} == ends
    assert desk.sent == [3, 5]


async def test_one_stopped_before_its_first_step_is_told_of_as_well():
    desk = Desk()
    desk.sender.take([job()])
    desk.sender.stop({1})
    assert await desk.end() == [(1, "unknown", "unknown")]
    assert desk.told[0].evidence == {"detail": "CancelledError()"}


async def test_a_worker_that_stops_gives_back_what_has_not_begun():
    desk = Desk(places=1)
    desk.sender.take([job(1), job(2), job(3, looks=1)])
    desk.sender.give_back()
    assert [(each.job.id, each.outcome) for each in desk.told] == [(2, "not_sent")]
    assert await desk.end() == [(2, "scheduled", "not_sent"), (1, "done", "accepted")]


async def test_what_escapes_is_told_of_by_its_name():
    desk = Desk(looking=fails(RuntimeError("no plan")))
    desk.answer = fails(KeyError("lost"))
    desk.sender.take([job()])
    assert await desk.end() == [(1, "unknown", "unknown")]
    assert desk.told[0].evidence == {"detail": "RuntimeError('no plan')"}


LATE = {  # what the look before the sending saw: the verdict, and whether it was sent
    "there": (HERE, {}, ("done", "accepted"), 0),
    "not there": (None, {}, ("done", "accepted"), 1),
    "not there, and expired": (None, {"expired": True}, ("scheduled", "not_sent"), 0),
    "unclear": (Unclear("busy"), {}, ("unknown", "unknown"), 0),
    "an error": (RuntimeError("502"), {}, ("unknown", "unknown"), 0),
}


@pytest.mark.parametrize("what", LATE)
async def test_what_was_due_long_ago_is_looked_for_first(what):
    desk = Desk()
    desk.seen, more, ended, sendings = LATE[what]
    desk.sender.take([job(late=True, **more)])
    assert await desk.end() == [(1, *ended)]
    assert len(desk.sent) == sendings
    if ended[0] == "unknown":
        assert desk.told[0].evidence == {"detail": "late, and not proven absent", "person": False}
        assert desk.told[0].delay == desk.sender.deadline


@pytest.mark.parametrize("without", [{"look": None}, {"looking": lambda parcel: None}])
async def test_due_long_ago_where_nobody_can_look_a_person_decides(without):
    desk = Desk(**without)
    desk.sender.take([job(late=True)])
    assert await desk.end() == [(1, "unknown", "unknown")]
    assert desk.told[0].evidence["person"] is True
    assert desk.sent == []


@pytest.mark.parametrize(
    ("error", "revive", "state"),
    [
        (Dead(), None, "blocked"),
        (Dead(), lambda: True, "scheduled"),
        (Dead(), lambda: False, "blocked"),
        (Dead(), fails(RuntimeError("refused")), "blocked"),
        (RuntimeError(), lambda: True, "unknown"),
    ],
)
async def test_a_dead_credential_is_revived_once(error, revive, state):
    asked = []

    async def again(parcel: Any) -> bool:
        asked.append(parcel)
        return revive()

    desk = Desk(revive=again if revive else None)
    desk.answer = fails(error)
    desk.sender.take([job()])
    [(_, ended, _)] = await desk.end()
    assert ended == state
    assert asked == ([1] if revive and isinstance(error, Dead) else [])


@pytest.mark.parametrize(
    ("known", "ended"),
    [
        ({}, ("scheduled", "proven_absent")),
        ({"parcel": RuntimeError("not loaded")}, ("unknown", None)),
        ({"evidence": {"person": True}}, ("needs_human", None)),
    ],
)
async def test_a_look(known, ended):
    desk = Desk()
    desk.sender.take([job(looks=1, **known)])
    assert await desk.end() == [(1, *ended)]
    assert desk.sent == []


async def test_what_could_not_be_loaded_is_not_sent():
    desk = Desk()
    desk.sender.take([job(parcel=Dead()), job(2, parcel=RuntimeError())])
    assert await desk.end() == [(1, "blocked", "rejected"), (2, "scheduled", "not_sent")]
    assert desk.sent == []


async def test_a_sending_and_a_look_have_their_deadline(settings):
    async def hang(parcel: Any) -> None:
        await asyncio.sleep(60)

    settings.PACE = 0.001
    desk = Desk(send=hang, look=hang)
    desk.sender.take([job(), job(2, looks=1)])
    assert sorted(await desk.end()) == [(1, "unknown", "unknown"), (2, "unknown", None)]
