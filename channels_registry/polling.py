"""Whose turn it is: connections to be proven, channels whose doors are to be read. A turn is leased in the row."""

import logging
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from channels_registry.connecting import prove
from channels_registry.connector.capabilities import ListsDoors
from channels_registry.models import Connection
from channels_registry.observing import EVERY, can, observe

log = logging.getLogger(__name__)
LEASE = timedelta(minutes=2)  # longer than a conversation with a network may take
BATCH = 20


def prove_due() -> int:
    """Prove the connections that people have just asked for. Returns how many were tried."""
    turns = _turns(Q(state=Connection.State.PENDING))
    for connection in turns:
        _safely(prove, connection)
    return len(turns)


def observe_due() -> int:
    """Read the doors of channels whose turn it is. Returns how many were read."""
    turns = _turns(Q(state=Connection.State.LIVE))
    for connection in turns:
        if can(connection, ListsDoors):
            _safely(observe, connection.channel)
        else:
            Connection.objects.filter(pk=connection.pk).update(next_check_at=Now() + EVERY * 24)
    return len(turns)


def _turns(of: Q) -> list[Connection]:
    """Take up to a batch; each is nobody else's until its lease ends."""
    due = Connection.objects.filter(of, Q(next_check_at=None) | Q(next_check_at__lte=Now()))
    wanted = due.order_by("next_check_at", "pk").values_list("pk", flat=True)[:BATCH]
    taken = [
        pk
        for pk in list(wanted)
        if due.filter(pk=pk).update(next_check_at=Now() + max(LEASE * settings.PACE, LEASE / 4))
    ]
    return list(Connection.objects.filter(pk__in=taken).select_related("channel"))


def _safely(work, subject) -> None:
    """One that breaks costs the others nothing; its lease brings it back."""
    try:
        work(subject)
    except Exception:
        log.exception("%s failed for %s", work.__name__, subject)
