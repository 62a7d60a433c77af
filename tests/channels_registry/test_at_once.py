"""Two at the same moment: one grant, one refresh, one revocation; and what the database refuses by itself."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from channels_registry import access, revoking
from channels_registry.models import AccessGrant, Channel, Connection, Revocation, RevocationAttempt
from channels_registry.models.access_grant import Door
from channels_registry.models.connection import MOVES
from channels_registry.refreshing import refresh
from tests import factories
from tests.channels_registry.places import open_place


def at_once(*calls):
    """Run them together; what each returned, or the error it ended with."""
    start = threading.Barrier(len(calls))

    def one(call):
        start.wait(10)
        try:
            return call()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def test_two_managers_who_grant_the_same_at_once_make_one_grant(transactional_db):
    channel, alice, erin = factories.channel(), factories.person("alice"), factories.erin()
    found = at_once(*[lambda: access.grant(channel, alice, "author", erin, "both")] * 4)
    assert AccessGrant.objects.count() == 1
    assert sum(isinstance(each, ValidationError) for each in found) == 3


def test_a_door_asked_for_twice_at_once_has_one_revocation(transactional_db):
    channel, dana, erin = factories.channel(), factories.person("dana"), factories.erin()
    held = factories.grant(channel, dana, "poster", door=Door.SHARED_LOGIN)
    found = at_once(*[lambda: revoking.request_revocation(held, erin, "leaves")] * 4)
    assert len(set(found)) == 1 and Revocation.objects.count() == 1


def test_a_token_is_renewed_once_by_four_workers_at_once(there, transactional_db):
    here = open_place(there).connected()
    live = Connection.objects.get(channel=here.channel)
    calls = [lambda: refresh(Connection.objects.get(pk=live.pk))] * 4
    there.promise(delay_ms=150)
    at_once(*calls)
    live.refresh_from_db()
    assert live.secret_version == 3 and live.state == "live"


def somebody_waits(seconds=10):
    """Until another session waits for a row that somebody holds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    pytest.fail("nobody waits")


def test_a_lane_that_writes_an_outcome_and_a_person_at_the_same_door_wait_for_one_another(transactional_db):
    dana, erin, held_row = factories.person("dana"), factories.erin(), threading.Event()
    door = factories.grant(factories.channel(), dana, "poster", door=Door.SHARED_LOGIN)
    task = revoking.request_revocation(door, erin, "leaves")

    def the_lane():
        with transaction.atomic():
            Revocation.objects.filter(pk=task.pk).update(reason="It was shut.")  # as it settles: the row first
            held_row.set()
            somebody_waits()
            access.end(door, None, "left")  # then the ledger, under the channel's lock

    def a_person():
        assert held_row.wait(10)
        return revoking.take(task, erin)

    settled, taken = at_once(the_lane, a_person)
    assert settled is None and taken == task
    door.refresh_from_db()
    assert door.revoked_at is not None


def test_a_case_that_takes_a_revocation_in_and_a_person_at_it_wait_for_one_another(transactional_db):
    dana, erin, held_channel = factories.person("dana"), factories.erin(), threading.Event()
    door = factories.grant(factories.channel(), dana, "poster", door=Door.SHARED_LOGIN)
    task = revoking.request_revocation(door, erin, "leaves")

    def the_sweep():
        with transaction.atomic():
            Channel.objects.select_for_update().get(pk=door.channel_id)
            held_channel.set()
            somebody_waits()
            attempt = RevocationAttempt(delivery=task, fence=1, started_at=timezone.now(), deadline_at=timezone.now())
            attempt.save()  # refers to the row

    def a_person():
        assert held_channel.wait(10)
        return revoking.take(task, erin)

    swept, taken = at_once(the_sweep, a_person)
    assert swept is None and taken == task


@pytest.mark.django_db
@pytest.mark.parametrize("before", list(MOVES))
@pytest.mark.parametrize("after", list(MOVES))
def test_the_database_refuses_every_move_that_is_not_declared(before, after):
    if before == after:
        return
    channel = factories.channel()
    row = Connection.objects.create(channel=channel, authorised_by=factories.erin(), sealed_secrets=b"")
    way = {"pending": [], "live": ["live"], "disconnected": ["live", "disconnected"], "refused": ["refused"],
           "ended": ["ended"]}[before]  # fmt: skip
    for state in way:
        Connection.objects.filter(pk=row.pk).update(state=state)
    if after in MOVES[before]:
        Connection.objects.filter(pk=row.pk).update(state=after)
        return
    with pytest.raises(IntegrityError, match="not a declared transition"), transaction.atomic():
        Connection.objects.filter(pk=row.pk).update(state=after)
