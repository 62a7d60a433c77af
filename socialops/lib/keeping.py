"""What must be kept whatever its age, in words that every app understands: people, channels, times."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

NOTHING = Q(pk__in=[])


@dataclass(frozen=True)
class Kept:
    """What is under a legal hold. `everything`: nothing may go at all."""

    everything: bool = False
    people: frozenset[int] = frozenset()
    channels: frozenset[int] = frozenset()
    periods: tuple[tuple[datetime, datetime], ...] = ()

    def may_go(self, at: str, people: tuple[str, ...] = (), channels: tuple[str, ...] = ()) -> Q:
        """The rows that no hold covers. `at` is their time; the others are paths to their people and channels.

        Where a table cannot tell whose its rows are, a hold on a person keeps all of them: nothing is lost by guessing.
        """
        if self.everything or (self.people and not people) or (self.channels and not channels):
            return NOTHING
        free = Q()
        for first, last in self.periods:
            free &= ~Q(**{f"{at}__gte": first, f"{at}__lt": last})
        for paths, held in ((people, self.people), (channels, self.channels)):
            for path in paths if held else ():
                free &= ~Q(**{f"{path}__in": held})
        return free
