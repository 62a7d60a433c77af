"""Whose turn it is: one row is leased at a time, by one worker, so a network that hangs keeps only itself waiting."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from channels_registry import connecting, polling, refreshing, verifying
from channels_registry.connector.errors import TryLater
from channels_registry.models import Connection
from channels_registry.polling import observe_due, prove_due
from channels_registry.refreshing import refresh_due
from tests import factories


def connections(number: int, **of) -> list[Connection]:
    """Live connections of as many channels, due now."""
    made = [
        Connection.objects.create(channel=factories.channel(), authorised_by=factories.erin(), sealed_secrets=b"", **of)
        for _ in range(number)
    ]
    Connection.objects.filter(pk__in=[each.pk for each in made]).update(state="live")
    return made


def due() -> int:
    return Connection.objects.exclude(next_check_at__gt=timezone.now()).count()


def test_a_network_that_hangs_takes_one_worker_and_one_row(transactional_db, monkeypatch):
    connections(3)
    reading, go_on = threading.Event(), threading.Event()

    def hangs(channel):
        reading.set()
        assert go_on.wait(10)

    monkeypatch.setattr(polling, "observe", hangs)
    monkeypatch.setattr(polling, "can", lambda *_: True)

    def run():
        try:
            return observe_due()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(run)
        assert reading.wait(10)
        assert due() == 2  # the others are free, whoever comes to them
        assert observe_due() == 0  # the next nudge does not wait beside it
        assert prove_due() == 0 and refresh_due() == 0 and verifying.verify_due() == 0
        go_on.set()
        assert first.result(10) == 3


@pytest.mark.django_db
def test_a_channel_that_breaks_costs_the_others_nothing(monkeypatch):
    connections(2)
    monkeypatch.setattr(polling, "can", lambda *_: 1 / 0)
    assert observe_due() == 2 and observe_due() == 0


@pytest.mark.django_db
def test_a_renewal_that_breaks_costs_the_others_nothing_and_waits_for_its_turn(monkeypatch):
    soon = timezone.now() + timedelta(minutes=5)
    rows, tried = connections(2, expires_at=soon, proven_at=soon - timedelta(hours=1)), []

    def breaks(row):
        tried.append(row.pk)
        raise RuntimeError("the network sent nonsense")

    monkeypatch.setattr(refreshing, "refresh", breaks)
    assert refresh_due() == 2 and sorted(tried) == [row.pk for row in rows]
    assert refresh_due() == 0


def test_a_conversation_ends_however_many_requests_it_is(monkeypatch):
    monkeypatch.setattr(connecting, "LONGEST_TALK", 0.1)

    async def page_after_page(http):
        while True:
            await asyncio.sleep(0.01)

    began = time.monotonic()
    with pytest.raises(TryLater, match="too long"):
        connecting.talk(page_after_page)
    assert time.monotonic() - began < 5
