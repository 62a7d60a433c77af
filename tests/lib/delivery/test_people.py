"""What people do in the middle of a delivery: cancel while it is claimed, lose a right right before it is due."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from channels_registry.models import AccessGrant
from publishing import scheduling
from publishing.delivering import LANE
from publishing.models import Publication
from socialops.lib.delivery.claiming import Claimer
from tests import factories


def elsewhere(act):
    """In another thread, with a connection of its own, as another process would."""

    def run():
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        return threads.submit(run).result(30)


def claimed():
    return [job.id for job in Claimer(LANE, "test").claim(10).jobs]


@pytest.fixture
def dana(world):
    who = factories.person("dana")
    factories.grant(world.channels[0], who, "publisher")
    return who


def test_what_is_being_cancelled_is_not_claimed(world, states, dana):
    publication, other = world.publish(2)
    with transaction.atomic():
        scheduling.cancel(publication, dana)
        assert elsewhere(claimed) == [other.pk]  # nor does it wait for the person
    assert states() == {"cancelled": 1, "sending": 1}
    assert elsewhere(claimed) == []


def test_what_is_being_claimed_is_not_cancelled(world, dana):
    (publication,) = world.publish(1)
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            assert claimed() == [publication.pk]
            cancelling = threads.submit(_cancel, publication, dana)
            with pytest.raises(TimeoutError):
                cancelling.result(0.2)  # it waits for the claim
        with pytest.raises(ValidationError, match="may already be out"):
            cancelling.result(30)
    assert Publication.objects.get().state == "sending"


def _cancel(publication, by):
    try:
        scheduling.cancel(publication, by)
    finally:
        connection.close()


@pytest.mark.parametrize(("ends", "state"), [(-1, "blocked"), (60_000, "done")])
def test_a_right_that_ends_a_millisecond_before_it_is_due(world, network, shift, states, ends, state):
    due = timezone.now() + timedelta(seconds=0.3)
    AccessGrant.objects.update(expires_at=due + timedelta(milliseconds=ends))
    world.publish(2, due)
    assert elsewhere(claimed) == []
    shift(until=lambda: states() == {state: 2})
    assert states() == {state: 2}
    assert len(network.arrivals()) == (2 if state == "done" else 0)
