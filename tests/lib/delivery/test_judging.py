"""What each answer of a network means for the row, verdict by verdict and field by field."""

from types import SimpleNamespace

import pytest

from publishing.models import Publication, PublicationAttempt
from socialops.lib.delivery import judging
from socialops.lib.delivery.claiming import Job
from socialops.lib.delivery.judging import NOBODY_KNOWS, NotNow
from socialops.lib.delivery.lane import Done, Errors, Lane, Looking, Step, Unclear
from socialops.lib.delivery.settling import Verdict

HERE = Done("r1", "http://there/r1", {"step": "post"})
FOUND = {"seen": "found", "remote_id": "r1"}
NOTHING = {"seen": "nothing"}
SAID = {"reason": "Too long.", "status": 422, "request_id": "q1", "evidence": {"detail": "422 over there"}}


class Said(Exception):
    reason, detail, status, request_id = "Too long.", "422 over there", 422, "q1"


class Refused(Said): ...


class Later(Said): ...


class Dead(Said): ...


class SlowDown(Said):
    status, after = 429, 7.0


ERRORS = Errors(refused=(Refused,), later=(Later, SlowDown), dead=(Dead,))


def lane(settle: float | None = None, look=True) -> Lane:
    return Lane(
        name="judged", model=Publication, attempts=PublicationAttempt, load=dict, send=None, errors=ERRORS,
        look=print if look else None, looking=lambda parcel: Looking(settle=settle),
    )  # fmt: skip


@pytest.fixture(autouse=True)
def steady_waits(settings, monkeypatch):
    """The pace of production; a random wait is the longest it may be."""
    settings.PACE = 1.0
    monkeypatch.setattr(judging.random, "uniform", lambda least, most: most - least)


def job(**known) -> Job:
    return Job(**{"id": 1, "fence": 2, "tries": 0, "parcel": "parcel", **known})


def told(state, outcome, **more) -> dict:
    return {"state": state, "outcome": outcome, **more}


AGAIN = told("scheduled", "not_sent", delay=2, tried=True, infra=True, **SAID)
UNWELL = told("unknown", "unknown", infra=True, **SAID)
SENT = {
    "refused": (Refused(), {}, told("failed", "rejected", infra=False, bytes_sent=True, **SAID)),
    "dead": (Dead(), {}, told("blocked", "rejected", infra=False, bytes_sent=True, **SAID)),
    "dead, and lives again": (Dead(), {"revived": True}, AGAIN),
    "later": (Later(), {}, AGAIN),
    "the fifth try": (Later(), {"tries": 4}, AGAIN | {"delay": 32}),
    "the sixth try": (Later(), {"tries": 5}, told("failed", "not_sent", tried=True, infra=True,
                                                  **SAID | {"reason": "Tried 6 times. Too long."})),
    "slow down": (SlowDown(), {"tries": 8}, told("scheduled", "not_sent", delay=519, tried=False, infra=False, after=7,
                                                 **SAID | {"status": 429})),
    "slow down, for long": (SlowDown(), {"tries": 9}, told("scheduled", "not_sent", delay=907, infra=False, after=7,
                                                           **SAID | {"status": 429})),
    "not now": (NotNow("held"), {}, told("scheduled", "not_sent", bytes_sent=False, evidence={"detail": "held"})),
    "anything else": (Said(), {}, UNWELL | {"delay": 60}),
    "at a slow network": (Said(), {"settle": 300.0}, UNWELL | {"delay": 300}),
    "at a quick network": (Said(), {"settle": 0.0}, UNWELL | {"delay": 30}),
    "nowhere to look": (Said(), {"settle": 300.0, "look": False}, UNWELL | {"delay": 60}),
    "never loaded": (Said(), {"settle": 300.0, "parcel": None}, UNWELL | {"delay": 60}),
    "without words": (KeyError("x"), {}, told("unknown", "unknown", reason=NOBODY_KNOWS, delay=60, infra=True,
                                              evidence={"detail": "KeyError('x')"})),
    "of many words": (KeyError("x" * 900), {}, told("unknown", "unknown", reason=NOBODY_KNOWS, delay=60, infra=True,
                                                    evidence={"detail": repr(KeyError("x" * 900))[:500]})),
}  # fmt: skip


@pytest.mark.parametrize("what", SENT)
def test_what_sending_raised(what):
    error, known, verdict = SENT[what]
    network = {name: known[name] for name in ("settle", "look") if name in known}
    mine = job(**{name: known[name] for name in ("tries", "parcel") if name in known})
    found = judging.failed_sending(lane(**network), mine, error, known.get("revived", False))
    assert found == Verdict(mine, **verdict)


@pytest.mark.parametrize(("error", "like"), [(Refused(), "refused"), (Dead(), "dead"), (Later(), "later")])
def test_what_could_not_be_loaded_was_not_sent(error, like):
    mine = job()
    assert judging.not_loaded(lane(), mine, error) == Verdict(mine, **SENT[like][2])


def test_whatever_kept_it_from_being_loaded_may_be_over_later():
    mine = job()
    assert judging.not_loaded(lane(), mine, Said()) == Verdict(mine, **AGAIN)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (HERE, told("done", "accepted", remote_id="r1", remote_url="http://there/r1", evidence={"step": "post"},
                    bytes_sent=True, infra=False)),
        (Step({"at": 2}, 3.0), told("scheduled", "continued", handle={"at": 2}, delay=3, bytes_sent=True, infra=False)),
        ("ok", told("unknown", "unknown", reason=NOBODY_KNOWS, delay=60, evidence={"detail": "send returned str"})),
    ],
)  # fmt: skip
def test_what_sending_returned(answer, verdict):
    mine = job()
    assert judging.sent(mine, answer) == Verdict(mine, **verdict)


def person(*looks) -> dict:
    evidence = {"looks": list(looks)} if looks else {}
    return told("needs_human", None, reason=judging.NOT_TOLD, evidence=evidence)


def once_more(*looks) -> dict:
    return told("unknown", None, reason=NOBODY_KNOWS, evidence={"looks": list(looks)})


def absent(*looks) -> dict:
    return told("scheduled", "proven_absent", tried=True, evidence={"looks": list(looks)})


TWICE, VAGUE, BROKE = Looking(absences=2), {"seen": "unclear", "detail": "busy"}, {"seen": "error", "detail": "502"}
FIVE = Looking(absences=5)
LOOKED = {
    "at once": (Looking(), [], None, 1, absent(NOTHING)),
    "once of twice": (TWICE, [], None, 1, once_more(NOTHING)),
    "the second time": (TWICE, [NOTHING], None, 2, absent(NOTHING, NOTHING)),
    "twice, something between": (TWICE, [NOTHING, BROKE], None, 3, absent(NOTHING, BROKE, NOTHING)),
    "once of three looks": (TWICE, [BROKE, VAGUE], None, 3, person(BROKE, VAGUE, NOTHING)),
    "unclear": (Looking(), [], Unclear("busy"), 1, once_more(VAGUE)),
    "unclear, without words": (Looking(), [], SimpleNamespace(), 1, once_more({"seen": "unclear", "detail": ""})),
    "unclear after nothing": (Looking(), [NOTHING], Unclear("busy"), 2, once_more(NOTHING, VAGUE)),
    "an error": (Looking(), [], RuntimeError("x"), 1, once_more({"seen": "error", "detail": "RuntimeError('x')"})),
    "unclear three times": (Looking(), [VAGUE, VAGUE], Unclear("busy"), 3, person(VAGUE, VAGUE, VAGUE)),
    "three of five": (FIVE, [VAGUE, VAGUE], Unclear("busy"), 3, once_more(VAGUE, VAGUE, VAGUE)),
    "looks that died": (Looking(), [], Unclear("busy"), 5, once_more(VAGUE)),
    "too many that died": (Looking(), [], Unclear("busy"), 6, person(VAGUE)),
    "no way to": (None, [NOTHING], None, 1, told("needs_human", None, reason=judging.NO_LOOK_UP)),
    "found": (TWICE, [NOTHING], HERE, 2,
              told("done", "accepted", remote_id="r1", remote_url="http://there/r1", bytes_sent=True, infra=False,
                   evidence={"step": "post", "looks": [NOTHING, FOUND]})),
}  # fmt: skip


@pytest.mark.parametrize("what", LOOKED)
def test_what_a_look_found(what):
    plan, before, seen, looks, verdict = LOOKED[what]
    mine = job(looks=looks, evidence={"looks": before})
    assert judging.looked(mine, plan, seen) == Verdict(mine, **verdict)


LATE = {"outcome": "accepted", "remote_id": "r1", "remote_url": "http://there/r1"}


@pytest.mark.parametrize(
    ("known", "verdict"),
    [
        ({"late": LATE, "person": True}, told("done", "accepted", remote_id="r1", remote_url="http://there/r1")),
        ({"late": {**LATE, "outcome": "rejected"}}, None),
        ({"late": {**LATE, "outcome": "rejected"}, "person": True}, person()),
        ({"person": True}, person()),
        ({"person": False}, None),
        ({}, None),
    ],
)
def test_what_is_known_without_a_look(known, verdict):
    mine = job(looks=1, evidence=known)
    assert judging.needs_no_look(mine) == (verdict and Verdict(mine, **verdict))
