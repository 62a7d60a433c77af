"""Where a test may kill a worker. SOCIALOPS_FAULT_POINT="point:n:file": at the n-th passing, once (the file is taken).

Read only where SOCIALOPS_LOCAL is set; an installation in production has no such points.
"""

import asyncio
import os
import signal
from pathlib import Path

from django.conf import settings

ACCEPTED_AFTER = 0.03
POINTS = (
    "before_claim",
    "after_claim",
    "connected",
    "written",
    "accepted",
    "answered",  # by send itself, see sending.py
    "reaping",
    "looking",
    "settling",
)


def _wish() -> tuple[str, int, str]:
    point, _, rest = os.environ.get("SOCIALOPS_FAULT_POINT", "").partition(":")
    count, _, once = rest.partition(":")
    return point, int(count or 1), once


_point, _left, _once = _wish() if settings.LOCAL else ("", 0, "")


def armed() -> bool:
    return bool(_point)


def reach(point: str) -> None:
    """Die here with the whole worker, kill -9, if a test asked for it."""
    global _left
    if point != _point:
        return
    _left -= 1
    if _left <= 0 and _take(_once):
        os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)


def trace(event: str, url: str) -> None:
    """For a client that tells when it is "connected" and has "written". The other side has accepted a moment later."""
    if event != "answered":
        reach(event)
    if event == "written":
        asyncio.get_running_loop().call_later(ACCEPTED_AFTER, reach, "accepted")


def _take(once: str) -> bool:
    try:
        Path(once).unlink()
    except FileNotFoundError:
        return False
    return True
