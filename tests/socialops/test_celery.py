"""The Celery application, where it differs from Celery's own habits."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from celery import signals
from django.db import OperationalError, connection
from kombu import Connection, Message
from kombu.transport.redis import Channel
from kombu.utils.imports import symbol_by_name

from socialops.celery import Request, app


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


def said(expires_in: timedelta) -> Request:
    """A nudge as a worker gets it, from a sender whose clock differs from ours by as much as is missing."""
    expires = (datetime.now(UTC) + expires_in).isoformat()
    headers = {"task": "socialops.pulse", "id": str(uuid4()), "expires": expires, "root_id": None, "parent_id": None}
    message = Message(body=b"", headers=headers, delivery_info={}, properties={"reply_to": "", "correlation_id": ""})
    task, body = app.tasks["socialops.pulse"], ((), {}, {})
    return symbol_by_name(task.Request)(message, app=app, task=task, decoded=True, headers=headers, body=body)


@pytest.fixture
def long_idle(monkeypatch):
    """This worker has heeded nothing for long."""
    app.finalize()
    monkeypatch.setattr(Request, "heeded", {})


def test_a_worker_whose_clock_is_ahead_still_hears_that_it_has_to_look(long_idle):
    nudge = said(timedelta(hours=-1))
    assert not nudge.revoked(), "as it arrives"
    assert not nudge.revoked(), "as it is handed to a process"


def test_of_a_heap_of_expired_messages_one_is_heeded(long_idle):
    assert [nudge.revoked() for nudge in (said(timedelta(hours=-1)) for _ in range(5))] == [False, *[True] * 4]
    assert not said(timedelta(seconds=5)).revoked(), "and each that has not expired"


@pytest.fixture
def let_go():
    """The database ends this process's connection, between two messages."""
    connection.ensure_connection()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])
    other.close()
    yield
    connection.close()


def asks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
def test_a_message_finds_a_connection_that_works(let_go):
    signals.task_prerun.send(sender=app.tasks["socialops.pulse"])
    assert asks() == 1


@pytest.mark.django_db(transaction=True)
def test_control_without_looking_after_it_the_connection_is_dead(let_go):
    with pytest.raises(OperationalError):
        asks()
