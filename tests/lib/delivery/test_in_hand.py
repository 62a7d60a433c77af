"""How many rows a shift takes in hand: enough that no place waits for a claim, and no more than it can send in time."""

import pytest

from accounts.calling import LANE as WEBHOOKS
from accounts.delivering import LANE as MAILS
from channels_registry.shutting import LANE as REVOCATIONS
from inbox.delivering import LANE as REPLIES
from publishing.correcting import LANE as CORRECTIONS
from publishing.delivering import LANE as PUBLICATIONS
from socialops.lib.delivery.claiming import MOST, Job
from socialops.lib.delivery.pace import Pace
from socialops.lib.delivery.shift import MOST_AHEAD, Shift

LANES = [PUBLICATIONS, CORRECTIONS, REPLIES, REVOCATIONS, MAILS, WEBHOOKS]
SLOW, PACE = 10.0, Pace(1.0)  # seconds that each takes, at the pace of production


@pytest.mark.parametrize("lane", LANES, ids=lambda lane: lane.name)
def test_all_of_it_begins_before_its_lease_is_too_short(lane):
    shift = Shift(lane)
    assert shift.in_hand / lane.places * SLOW <= PACE.lease - PACE.deadline - PACE.margin
    assert shift.in_hand - lane.places <= MOST_AHEAD


@pytest.mark.parametrize(("waiting", "room"), [(0, 100), (1, 39), (27, 13), (28, 0), (40, 0)])
def test_with_rows_waiting_it_claims_many_or_none(waiting, room):
    shift = Shift(MAILS)
    shift.sender.queue.extend(Job(n, 1, 0) for n in range(waiting))
    assert shift.in_hand == 40
    assert shift._room() == min(room, shift.in_hand, MOST)
