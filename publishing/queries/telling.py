"""What happened to a publication, and what to do about it, in plain words."""

from publishing.models import Publication
from socialops.lib import wall_clock
from socialops.lib.delivery.models import Attempt

TOLD = {
    None: "It is under way.",
    "accepted": "The network took it.",
    "continued": "One step is done; the next follows.",
    "rejected": "The network refused it. Nothing was published.",
    "not_sent": "Nothing was sent.",
    "unknown": "It was sent, and no clear answer came. It may be out.",
    "proven_absent": "It was looked for, and is not there.",
}
TO_DO = {
    "late": "It goes out as soon as a worker is free. If others go out and this one does not, give it another time.",
    "unknown": "Nothing to do yet: Socialops looks on the network. If that gives no answer, it asks you.",
    "needs_human": "Look on the network, then say whether it is out. Nothing is sent again meanwhile.",
    "held": "Keep it, give it another time, or drop it. Nothing goes out by itself.",
    "blocked": "Mend what keeps it, then give it a time again, or let somebody else answer for it.",
    "failed": "Read what the network said, change what it did not like, and give it another time.",
    "missed": "It came too late to be useful. Give it another time, or cancel it.",
    "done": "Nothing to do.",
    "cancelled": "Nothing to do. It does not go out.",
}


def attempts_told(attempts: list) -> list[tuple[Attempt, str]]:
    """Each with what it means."""
    return [(attempt, TOLD[attempt.outcome]) for attempt in attempts]


def what_to_do(publication: Publication, now) -> str:
    """One sentence; "" for what is simply ahead."""
    if publication.state == "scheduled":
        return TO_DO["late"] if publication.due_at < now else ""
    return TO_DO["unknown" if publication.state == "sending" else publication.state]


def clocks_told(publication: Publication) -> str:
    """What the clocks did to the wall time that was asked for; empty if nothing."""
    wall = publication.wall_time.replace(tzinfo=None)
    reading = wall_clock.read(wall, publication.time_zone, publication.fold)
    zone = publication.time_zone
    if reading.skipped:
        return f"That day has no {wall:%H:%M} in {zone}: clocks go forward. It goes out at {reading.wall(zone):%H:%M}."
    if reading.twice:
        which = "second" if publication.fold else "first"
        return f"On that day {wall:%H:%M} comes twice in {zone}: clocks go back. It goes out at the {which} one."
    return ""
