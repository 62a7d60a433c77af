"""Every wait of a delivery, in seconds, scaled together by settings.PACE (1 in production, less in tests).

lease > deadline + margin    a request that begins late in its lease is over before the lease is
settle >= deadline           a look before that could miss what is still being processed over there
"""

from dataclasses import dataclass
from functools import cache

from django.conf import settings


@dataclass(frozen=True)
class Pace:
    factor: float

    lease = property(lambda self: 120 * self.factor)  # how long a claimed row is ours
    deadline = property(lambda self: 30 * self.factor)  # one send or look, in all
    margin = property(lambda self: 15 * self.factor)  # what must remain of the lease after the deadline
    reap = property(lambda self: 5 * self.factor)  # how often expired leases are looked for
    settle = property(lambda self: 60 * self.factor)  # a look earlier than this proves nothing
    apart = property(lambda self: 90 * self.factor)  # between two looks: three of them span three minutes
    retry = property(lambda self: 2 * self.factor)  # the first wait before another try; it doubles
    longest_retry = property(lambda self: 900 * self.factor)
    silence = property(lambda self: max(5 * self.factor, 2))  # the database lets go of a shift that says nothing
    shift = 50.0  # a shift claims for this long (plus up to a fifth, so that two slots do not change at once)
    poll = 0.25  # how often an idle shift asks what is due
    looks = 3
    tries = 6

    @property
    def bound(self) -> float:
        """How long a row can go without its state being known, after whatever happened to the worker that held it."""
        return self.lease + self.reap + self.settle + (self.looks - 1) * self.apart + self.deadline

    @property
    def formula(self) -> str:
        return (
            f"lease {self.lease:g} + reaper {self.reap:g} + settle {self.settle:g} + "
            f"looks {self.looks - 1} x {self.apart:g} + deadline {self.deadline:g} = {self.bound:g} s"
        )


@cache
def _pace(factor: float) -> Pace:
    return Pace(factor)


def pace() -> Pace:
    return _pace(settings.PACE)
