"""Where what was declared and what the network was seen to hold do not agree."""

from collections.abc import Iterable

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, F, Q, QuerySet

from channels_registry.models import AccessGrant
from channels_registry.models.access_grant import Door

OBSERVED = AccessGrant.Source.OBSERVED
MARKS = {
    "undeclared": "Seen over there, and nobody has declared it",
    "unseen": "Declared, and not among those the network lists",
    "differs": "Another level over there than was declared",
}
SEEN_ROLE = Q(door=Door.ROLE, source=OBSERVED)
DECLARED_ROLE = Q(door=Door.ROLE) & ~Q(source=OBSERVED)


def mark_of(doors: Iterable[tuple], lists_roles: bool) -> str:
    """Of the standing doors that one person has on one channel, each (door, entitlement, source), without our own.
    "" where all agree. `lists_roles`: somebody's role was read from the network, so who is missing is really missing.
    """
    declared, seen, only_seen = set(), set(), True
    for door, level, source in doors:
        if source != OBSERVED:
            only_seen = False
        if door == Door.ROLE:
            (seen if source == OBSERVED else declared).add(level)
    if only_seen:
        return "undeclared"
    if not declared or not lists_roles:
        return ""
    if not seen:
        return "unseen"
    return "differs" if declared - seen else ""


def where_it_may_be(doors: QuerySet[AccessGrant], mark: str) -> QuerySet:
    """Of standing doors of known people, without our own: the pairs of channel and person that have this mark ("any":
    one of them), and some that have not, where the network lists no roles.
    """
    undeclared, unseen = Q(declared=0), Q(declared_roles__gt=0, seen_roles=0)
    differs = Q(declared_roles__gt=0, seen_roles__gt=0) & ~Q(said__contained_by=F("seen"))
    having = {"undeclared": undeclared, "unseen": unseen, "differs": differs}
    return (
        doors.order_by()
        .values("channel", "person")
        .annotate(
            declared=Count("pk", filter=~Q(source=OBSERVED)),
            declared_roles=Count("pk", filter=DECLARED_ROLE),
            seen_roles=Count("pk", filter=SEEN_ROLE),
            said=ArrayAgg("entitlement", filter=DECLARED_ROLE),
            seen=ArrayAgg("entitlement", filter=SEEN_ROLE),
        )
        .filter(having.get(mark, undeclared | unseen | differs))
    )
