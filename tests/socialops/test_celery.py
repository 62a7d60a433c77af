"""The Celery application, where it differs from Celery's own habits."""

import pytest
from kombu import Connection
from kombu.transport.redis import Channel

from socialops.celery import app


def closed_by_the_second_try() -> None:
    """What a worker does when the broker dies while it has a message in hand and listens for the next one."""
    with Connection(app.conf.broker_url) as connection:
        queue = connection.SimpleQueue("in hand")
        queue.put("look now")
        assert queue.get(timeout=5)  # and not acknowledged
        transport = connection.transport
        transport.client = None  # the first try to close has got as far as this
        queue.channel.close()
        transport.client = connection


def test_a_worker_outlives_its_broker_with_a_message_in_hand():
    closed_by_the_second_try()


def test_control_with_kombus_own_habit_it_ends(monkeypatch):
    """If this fails, kombu has been mended, and socialops/celery.py may say less."""
    monkeypatch.setattr(Channel, "do_restore", True)
    with pytest.raises(AttributeError, match="hostname"):
        closed_by_the_second_try()
