"""The one steady clock for leases and deadlines. The wall clock is the database's and is read in SQL."""

import time

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady() -> float:
    """Seconds that only go forward, also while the machine sleeps (where the system can tell)."""
    return time.clock_gettime(_CLOCK)
