"""A connection that will end, told to people in time. Which posts it takes with it is publishing's to say.

due    live connections that only a person can renew, and the threshold that they have come to
warn   tell it once a threshold: a row keeps that it was told
tell_stopped
       one line an incident and person about everything that stops on a connection that died, however much it is
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.db import transaction

from accounts import audit, notifying
from accounts.models import Notification, Person
from channels_registry.health import days_left
from channels_registry.models import Channel, Connection, ConnectionWarning
from channels_registry.queries import custody

audit.register("connection.ending", "warned that a channel’s connection ends")

WARN_DAYS = (1, 3, 7, 14, 30)


def due() -> list[tuple[Connection, int]]:
    """(connection, days) for each threshold that was reached and not told yet; the nearest only. Two queries."""
    rows = list(custody.ending(timedelta(days=max(WARN_DAYS))))
    told = ConnectionWarning.objects.filter(connection__in=rows)
    known = set(told.values_list("connection", "secret_version", "days"))
    reached = ((each, _step(each)) for each in rows if _needs_somebody(each))
    return [(each, days) for each, days in reached if days and (each.pk, each.secret_version, days) not in known]


@transaction.atomic
def warn(connection: Connection, days: int, text: str, posts: int, answerable: Iterable[Person]) -> bool:
    """One line each to owner, backup, authoriser, next authoriser and those who answer for the posts. False: it was
    told before, or the connection was renewed meanwhile.
    """
    row = Connection.objects.select_for_update().filter(pk=connection.pk, state="live").first()
    if row is None or row.secret_version != connection.secret_version:
        return False
    _, new = ConnectionWarning.objects.get_or_create(
        connection=row, secret_version=row.secret_version, days=days, defaults={"posts": posts}
    )
    if not new:
        return False
    channel, url = connection.channel, f"/channels/{connection.channel_id}/connection/health/"
    named = (channel.owner, channel.backup_owner, connection.authorised_by, connection.next_authoriser, *answerable)
    people = sorted({each.pk: each for each in named if each}.items())  # in one order, whoever tells whom
    for _, person in people:
        notifying.notify(person, "connection.ending", text[:300], url, mail=True)
    audit.record(None, "connection.ending", row, channel=channel.pk, days=days, posts=posts)
    return True


def tell_stopped(stopped: Iterable[tuple[Person, Channel]], since: Mapping[int, datetime]) -> None:
    """`since`: when each channel lost its connection. Who was told since then hears no more of it."""
    for person, channel in sorted(set(stopped), key=lambda each: (each[0].pk, each[1].pk)):
        url = f"/channels/{channel.pk}/"
        lines = Notification.objects.filter(person=person, kind="connection.lost", url=url)
        if not lines.filter(created_at__gte=since[channel.pk]).exists():
            text = f"{channel.name} is no longer connected. What you have scheduled there waits until it is."
            notifying.notify(person, "connection.lost", text, url, mail=True)


def _needs_somebody(connection: Connection) -> bool:
    """It is in trouble, or its network has no way to renew it without a person."""
    return bool(connection.trouble) or not connection.channel.connector.renews_itself(connection.facts)


def _step(connection: Connection) -> int:
    left = days_left(connection)
    return next((days for days in WARN_DAYS if left is not None and left < days), 0)
