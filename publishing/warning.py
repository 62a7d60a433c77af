"""Warns of connections that will end, 30, 14, 7, 3 and 1 days ahead, naming the posts that will fail with them.

Level-triggered: what was missed while nothing ran is told at the next turn, the nearest threshold only. Each threshold
once (channels_registry.warning keeps the row), to those who answer for the channel and for the posts.
"""

from collections.abc import Sequence

from channels_registry import warning
from channels_registry.models import Connection
from publishing import queries
from publishing.models import Publication
from socialops.lib import turns

NAMED = 2  # titles in the line that people read; the page behind it shows all


def warn_due() -> int:
    """Returns how many connections were told of."""
    return sum(bool(turns.safely(_warn, each)) for each in warning.due())


def _warn(due: tuple[Connection, int]) -> bool:
    connection, days = due
    failing = list(queries.failing_with(connection))
    answerable = {each.answerable_id: each.answerable for each in failing}.values()
    return warning.warn(connection, days, _words(connection, days, failing), len(failing), answerable)


def _words(connection: Connection, days: int, failing: Sequence[Publication]) -> str:
    span = "1 day" if days == 1 else f"{days} days"
    who = connection.next_authoriser
    mend = f"{who.name} connects it again." if who else "Nobody is named to connect it again."
    return f"The connection of {connection.channel.name} ends within {span}. {_posts(failing)} {mend}"


def _posts(failing: Sequence[Publication]) -> str:
    if not failing:
        return "Nothing is scheduled after that yet."
    titles = list(dict.fromkeys(f"“{each.variant.post.title[:40]}”" for each in failing))
    more = len(failing) - len(titles[:NAMED])
    named = ", ".join(titles[:NAMED]) + (f" and {more} more" if more else "")
    return f"{'1 post' if len(failing) == 1 else f'{len(failing)} posts'} will fail: {named}."
