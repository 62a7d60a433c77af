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
    nudge = 1.0  # how often a lane without a shift is given one (socialops/schedule.py)
    looks = 3
    tries = 6

    def bound(self, start: float) -> float:
        """Seconds from the death of a worker until all that it held has ended. `start`: until another one is ready.

        Not counted: a network that fails again when the row is sent again, which begins another round.
        """
        return sum(seconds for _, seconds in self._legs(start))

    def formula(self, start: float) -> str:
        """The bound with each of its terms, in words."""
        return f"{' + '.join(words for words, _ in self._legs(start))} = {self.bound(start):.1f} s"

    def _legs(self, start: float) -> list[tuple[str, float]]:
        heir = start + self.silence + self.nudge  # ready, its slot free, and woken
        heirs = f"(start {start:.1f} + silence {self.silence:g} + nudge {self.nudge:g})"
        noticed = self.poll + self.nudge  # until a shift sees what is due, even if one has just ended
        times = self.looks + 2  # the reaping, each look, the sending again
        return [
            (f"the longer of lease {self.lease:g} and {heirs}", max(self.lease, heir)),
            (f"reaper {self.reap:g}", self.reap),
            (f"settle {self.settle:g}", self.settle),
            (f"looks {self.looks - 1} x {self.apart:g}", (self.looks - 1) * self.apart),
            (f"last look {self.deadline:g}", self.deadline),
            (f"sending again {self.deadline:g}", self.deadline),
            (f"noticing {times} x {noticed:g}", times * noticed),
        ]


@cache
def _pace(factor: float) -> Pace:
    return Pace(factor)


def pace() -> Pace:
    return _pace(settings.PACE)
