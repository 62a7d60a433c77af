"""One line an event: readable on a developer's machine, JSON everywhere else; with the request's or the task's id.

The ids are bound by django-structlog's middleware and its Celery step, and travel from a request to the tasks it
starts. The libraries' own lines pass the same formatter.
"""

import re
from collections.abc import MutableMapping
from typing import Any

import structlog

# Addresses that are secrets: whoever reads a log must not be able to open what they open.
PRIVATE_LINK = re.compile(r"/(feeds|asking|asked|agreements|agreement-files|invitations)/[^/?\s]+")


def without_links(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The address that was asked for, without the part that is a secret."""
    for said in ("event", "request"):
        if said in event:
            event[said] = PRIVATE_LINK.sub(r"/\1/***", str(event[said]))
    return event


SHARED: list[structlog.types.Processor] = [
    structlog.contextvars.merge_contextvars,
    without_links,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]
# Beat nudges every lane each second: that a task came and went is news only when somebody looks for it.
QUIET = ("celery.worker.strategy", "celery.app.trace", "celery.beat.Scheduler", "django_structlog.celery.receivers")


def configuration(*, readable: bool, level: str) -> dict:
    """Django's LOGGING. Also tells structlog to hand its events to the standard library."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    last: list[structlog.types.Processor] = (
        # plain: the default shows every frame's local variables where rich is installed, opened secrets among them
        [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
        if readable
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": SHARED,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            **{name: {"level": "WARNING"} for name in QUIET},
            "django.server": {"handlers": ["stderr"], "propagate": False},
        },
    }
