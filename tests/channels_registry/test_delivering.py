"""What the lanes that call networks share: how absence is proven, and what is learnt of a connection."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from channels_registry import budgets
from channels_registry.connector.capabilities import Publishes
from channels_registry.connector.errors import Disconnected
from channels_registry.delivering import learnt, looking, told
from socialops.lib.delivery.lane import Settled


class Keyed(Publishes):
    """A network of the class that is asked for; `safe`: it keeps our key for ever."""

    settle_seconds = 10.0

    def __init__(self, idempotency: str, safe: bool = False):
        self.idempotency, self.safe = idempotency, safe

    def resend_is_safe(self, access) -> bool:
        return self.safe

    marker = advance = find_published = None


@dataclass
class Parcel:
    reached: SimpleNamespace = field(default_factory=SimpleNamespace)


def parcel(network=None, connection: int = 7):
    return Parcel(SimpleNamespace(network=network, access=None, connection_id=connection))


@pytest.mark.parametrize(
    ("network", "by_handle", "looks"),
    [
        (Keyed("K", safe=True), False, 1),
        (Keyed("K"), False, 3),
        (Keyed("L"), True, 3),
        (Keyed("C"), True, 1),
        (Keyed("C"), False, 3),  # a reply has no handle to ask about
    ],
)
def test_only_a_key_or_a_handle_proves_absence_at_the_first_look(settings, network, by_handle, looks):
    settings.PACE = 0.5
    plan = looking(parcel(network), by_handle=by_handle)
    assert (plan.absences, plan.settle) == (looks, 5.0)


def test_where_nothing_can_be_looked_for_a_person_decides():
    assert looking(parcel(Keyed("N"))) is None


def test_a_connection_is_judged_by_what_went_through_it(monkeypatch):
    noted = []
    monkeypatch.setattr(budgets, "note", lambda *said: noted.append(said))
    learnt([
        Settled(1, 1, "done", parcel=parcel(connection=1), infra=False),
        Settled(2, 1, "scheduled", parcel=parcel(connection=2), infra=True, after=9.0),
        Settled(3, 1, "failed", parcel=Disconnected("gone"), infra=True),  # it never reached a connection
        Settled(4, 1, "held"),
    ])  # fmt: skip
    assert noted == [({1}, [2], {2: 9.0})]

    learnt([Settled(5, 1, "held")])
    assert len(noted) == 1


def test_the_trail_is_told_what_is_known_and_no_more():
    row = Settled(5, 2, "done", remote_id="r", parcel=parcel())
    assert told(row, fence=2) == {"fence": 2, "remote_id": "r"}
