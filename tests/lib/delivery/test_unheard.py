"""A shift that the database let go of: only what it never heard of goes back, because only that was surely not sent."""

from dataclasses import replace

from django.db import OperationalError

from publishing.delivering import LANE
from publishing.models import Publication
from socialops.lib.delivery.claiming import Claimer
from socialops.lib.delivery.settling import return_unheard
from socialops.lib.delivery.shift import Shift


def test_what_nobody_heard_of_goes_back_and_the_rest_stays(still_world):
    still_world.publish(2)
    heard, unheard = Claimer(LANE, "me").claim(10).jobs
    return_unheard(LANE, "me", {(heard.id, heard.fence)})
    states = dict(Publication.objects.values_list("pk", "state"))
    assert states == {heard.id: "sending", unheard.id: "scheduled"}


def test_what_was_sent_and_could_not_be_written_is_looked_for_and_not_sent_again(world, network, shift, monkeypatch):
    [publication] = world.publish(1)
    claim, calls = Claimer.claim, []

    def once(claimer, room):
        calls.append(room)
        if len(calls) > 1:
            raise OperationalError("the database is gone")
        return claim(claimer, room)

    def forgetful(rows):
        if any(row.state == "done" for row in rows):
            raise OperationalError("the database is gone")
        LANE.settled(rows)

    with monkeypatch.context() as patch:
        patch.setattr(Claimer, "claim", once)
        Shift(replace(LANE, settled=forgetful), seconds=5).run()
    publication.refresh_from_db()
    assert (publication.state, len(network.arrivals())) == ("sending", 1), "control: it went out, and that is not known"

    shift(until=lambda: Publication.objects.filter(state="done").exists())
    assert len(network.posts()) == len(network.arrivals()) == 1
