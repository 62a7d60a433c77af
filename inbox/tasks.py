"""What the inbox's workers do. Beat nudges each of these every second; rows in the database say what is due."""

import logging
import os

from celery import shared_task
from django.db import Error, connection
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from inbox import receiving, triaging
from inbox.delivering import LANE
from inbox.watching import Watch
from socialops.lib.delivery import draining

log = logging.getLogger(__name__)
NUDGE_EXPIRES = 5.0

drain = draining.task(LANE)


@shared_task(name="inbox.tasks.poll", ignore_result=True, expires=NUDGE_EXPIRES)
def poll() -> None:
    parent = os.getppid()
    try:
        Watch(lambda: draining.stopping() or os.getppid() != parent).run(_successor)
    except Error as error:
        connection.close()
        log.warning("no reading without the database: %s", error)


@shared_task(name="inbox.tasks.catch_up", ignore_result=True, expires=NUDGE_EXPIRES)
def catch_up() -> None:
    """File what was stored and not filed, and bring back what was snoozed until now."""
    for channel in receiving.channels_behind():
        receiving.process(channel, wait=False)
    triaging.wake()


def _successor() -> None:
    """Somebody else goes on at once; without the broker, beat's next nudge does."""
    if not draining.stopping():
        try:
            poll.apply_async(expires=NUDGE_EXPIRES, retry=False)
        except (OperationalError, RedisError, OSError):
            log.warning("the broker is away, so the next nudge goes on reading")
