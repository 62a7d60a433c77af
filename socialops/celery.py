"""The Celery application. Workers run shifts; messages only say "look now" (delivery.md section 2)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "socialops.settings")
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
app.autodiscover_tasks()
