"""What somebody may do on all channels of a post, and who may not decide about it."""

from functools import reduce
from operator import or_

from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.models import Person
from accounts.permissions import is_present
from channels_registry import permissions as channel_permissions
from channels_registry.models import Channel
from publishing.models import Approval, Ask, Post, Revision

WROTE, CHANGED = "wrote it", "changed it since it was last approved"


def require_on_all(person: Person, right: str, post: Post, channels: list[Channel], verb: str) -> None:
    """Raises PermissionDenied unless the person holds the right on every one of the channels.

    A draft that goes nowhere yet is its author's alone.
    """
    if not is_present(person):
        raise PermissionDenied("Somebody who has left cannot do this.")
    if not channels and post.author_id != person.pk:
        raise PermissionDenied(f"This draft has no channel yet, so only {post.author} may {verb} it.")
    missing = without(person, right, channels)
    if missing:
        names = ", ".join(str(c) for c in missing)
        raise PermissionDenied(f"To {verb} this post you need the right to {right} on {names}. Ask who manages it.")


def may_on_all(person: Person, right: str, channels: list[Channel]) -> bool:
    return bool(channels) and not without(person, right, channels)


def without(person: Person, right: str, channels: list[Channel]) -> list[Channel]:
    """The channels on which this person does not have the right. One query."""
    rights = channel_permissions.channels_with(person, right).filter(pk__in=[c.pk for c in channels])
    allowed = set(rights.values_list("pk", flat=True))
    return [c for c in channels if c.pk not in allowed]


def rights_on(person: Person, channels: list[Channel], *rights: str) -> dict[str, set[int]]:
    """The ids of the channels on which this person has each of the rights. One query."""
    rows = reduce(or_, (channel_permissions.rights_rows(right) for right in rights))
    rows = rows.filter(user__person=person, content_object__in=channels)
    found: dict[str, set[int]] = {right: set() for right in rights}
    for right, channel in rows.values_list("permission__codename", "content_object"):
        found[right].add(channel)
    return found


def barred(post: Post) -> dict[int, str]:
    """The people who may not approve this post now, by id, each with the reason: its author and all who changed it
    since the last revision that was approved anew at each stage (what was taken over says nothing of their change)."""
    changed = since_agreed().filter(post=post).values_list("by_id", flat=True)
    return dict.fromkeys(changed, CHANGED) | {post.author_id: WROTE}


def reason_against(approval: Approval, person: Person) -> str:
    """The same for one person, of an approval from access_approval; "" if there is none. No query."""
    if approval.post.author_id == person.pk:
        return WROTE
    return CHANGED if approval.changed_by_reader else ""


def since_agreed() -> QuerySet[Revision]:
    """The revisions that nobody has agreed to anew, of whichever post."""
    taken_over = Ask.objects.filter(stage__approval=OuterRef("pk"), carried_from__isnull=False)
    agreed = Approval.objects.filter(
        ~Exists(taken_over), post=OuterRef("post"), approved_at__isnull=False, state__in=("approved", "void")
    )
    latest = agreed.order_by("-revision__number").values("revision__number")[:1]
    return Revision.objects.filter(number__gt=Coalesce(Subquery(latest), 0))
