"""The Celery application. Workers run shifts; messages only say "look now"."""

from typing import Any, ClassVar

import redis
from celery import Celery, signals
from celery.worker import request
from django.db import close_old_connections
from django_structlog.celery.steps import DjangoStructLogInitStep
from kombu.transport.redis import Channel

from socialops.lib.clock import steady
from socialops.schedule import NUDGE_EXPIRES
from socialops.starting import load_settings

load_settings()
PULSE_KEY, PULSE_SECONDS = "socialops:pulse", 5.0

app = Celery("socialops")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    # A broker that is away must not hold up a worker that is at work: short waits here, and patience at the start.
    broker_connection_max_retries=None,
    broker_connection_retry=True,
    broker_connection_timeout=2,
    broker_transport_options={"socket_connect_timeout": 2, "socket_timeout": 10, "retry_on_timeout": False},
    worker_cancel_long_running_tasks_on_connection_loss=False,
    task_acks_late=False,
    task_default_expires=None,
)
# A lost message costs nothing: the next nudge says the same. Putting messages back when the broker is gone ends the
# whole worker, though (kombu 5.7 asks the closed connection for its host).
Channel.do_restore = False
app.autodiscover_tasks()
app.steps["worker"].add(DjangoStructLogInitStep)


class Request(request.Request):
    """A message that has expired, perhaps only because its sender's clock and ours differ.

    Expiry is for the heap that a worker finds after a while away. So of each task one is heeded every few seconds,
    expired or not, and the heap goes all the same.
    """

    heeded: ClassVar[dict[str, float]] = {}
    heeds = False

    def maybe_expire(self) -> Any:
        last = self.heeded.get(self.name, float("-inf"))
        if self.heeds or steady() - last > NUDGE_EXPIRES or not super().maybe_expire():
            self.heeds, self.heeded[self.name] = True, steady()
        return not self.heeds


app.Task.Request = "socialops.celery:Request"


@signals.setup_logging.connect
def leave_logging_to_django(**_: object) -> None:
    """Celery would set up its own otherwise; settings.LOGGING holds for all processes alike."""


@signals.task_prerun.connect
def look_after_connections(**_: object) -> None:
    """What a request does for a web thread: one that is old, or that the database has let go of, is made anew."""
    close_old_connections()


@app.task(name="socialops.pulse")
def pulse() -> None:
    """A sign of life of beat and a worker together, for doctor. Lost when Redis is, and back within seconds."""
    from django.conf import settings

    with redis.from_url(settings.REDIS_URL, socket_timeout=2) as client:
        client.set(PULSE_KEY, client.time()[0], ex=3600)
