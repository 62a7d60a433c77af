"""Two at the same moment: one grant, one refresh, one revocation; and what the database refuses by itself."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from channels_registry import access, revoking
from channels_registry.models import AccessGrant, Connection, Revocation
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
