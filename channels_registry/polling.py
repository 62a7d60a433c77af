"""Whose turn it is: connections to be proven, channels whose doors are to be read. A turn is leased in the row."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from channels_registry.connecting import prove
from channels_registry.connector.capabilities import ListsDoors
from channels_registry.models import Connection
from channels_registry.observing import EVERY, can, observe
from channels_registry.parting import part
from socialops.lib import turns

LEASE = timedelta(minutes=2)  # longer than a conversation with a network may take


def prove_due() -> int:
    """Prove the connections that people have just asked for. Returns how many were tried."""
    return turns.in_turn("prove connections", lambda: _next(Q(state=Connection.State.PENDING)), prove)


def observe_due() -> int:
    """Read the doors of channels whose turn it is. Returns how many were read."""
    return turns.in_turn("read doors", lambda: _next(Q(state=Connection.State.LIVE)), _observe)


def part_due() -> int:
    """Give back the tokens of channels that people have disconnected. Returns how many were tried."""
    return turns.in_turn("give tokens back", lambda: _next(Q(given_back=Connection.GivenBack.ASKED)), part)


def _next(of: Q) -> Connection | None:
    """The one that has waited longest; it is nobody else's until its lease ends."""
    due = Connection.objects.filter(of, Q(next_check_at=None) | Q(next_check_at__lte=Now()))
    with transaction.atomic():
        rows = due.select_for_update(of=("self",), skip_locked=True).select_related("channel")
        taken = rows.order_by(F("next_check_at").asc(nulls_first=True), "pk").first()
        if taken:
            until = Now() + max(LEASE * settings.PACE, LEASE / 4)
            Connection.objects.filter(pk=taken.pk).update(next_check_at=until)
    return taken


def _observe(connection: Connection) -> None:
    if can(connection, ListsDoors):
        observe(connection.channel)
    else:
        Connection.objects.filter(pk=connection.pk).update(next_check_at=Now() + EVERY * 24)
