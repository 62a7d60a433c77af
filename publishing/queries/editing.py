"""Who else is at a post, and what one has written there and not saved."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Person
from publishing.models import Editing, Post

HERE = timedelta(seconds=45)  # three times as long as a page that is open waits between two words


@dataclass(frozen=True)
class Presence:
    """`others` edit the post now; `twice`: so does the reader, in another tab. `unsaved` is the reader's own."""

    others: list[Person] = field(default_factory=list)
    twice: bool = False
    unsaved: Sequence[Editing] = field(default_factory=list)


def presence(post: Post, person: Person, tab: UUID | None = None) -> Presence:
    """One query. `tab` is the page that asks, which is not told of itself."""
    rows = post.editings.filter(ended=False).select_related("person").annotate(here=Q(seen_at__gt=Now() - HERE))
    others: dict[int, Person] = {}
    mine = []
    for row in rows.order_by("-kept_at", "id"):
        if row.person_id == person.pk:
            mine += [row] if row.tab != tab else []
        elif row.here:
            others[row.person_id] = row.person
    unsaved = [row for row in mine if row.unsaved is not None]
    return Presence(sorted(others.values(), key=str), any(row.here for row in mine), unsaved)
