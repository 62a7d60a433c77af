"""Who may do what with posts. Fetching is authorising: what somebody may not see does not exist for them."""

from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404

from accounts.models import Person
from accounts.permissions import is_present
from channels_registry import permissions as channel_permissions
from channels_registry.models import Channel
from publishing.models import Approval, Hold, Post, Publication, Variant


def visible_posts(person: Person) -> QuerySet[Post]:
    """Posts on a channel that the person may see, their own, and those they were asked to decide on."""
    if not is_present(person):
        return Post.objects.none()
    there = Variant.objects.current().filter(
        post=OuterRef("pk"), channel__in=channel_permissions.seen_by(person).values("pk")
    )
    asked = Approval.objects.filter(post=OuterRef("pk"), asked_of=person)
    return Post.objects.filter(Q(author=person) | Exists(there) | Exists(asked))


def visible_publications(person: Person) -> QuerySet[Publication]:
    if not is_present(person):
        return Publication.objects.none()
    return Publication.objects.filter(channel__in=channel_permissions.seen_by(person).values("pk"))


def access_post(user, pk: int, *, for_update: bool = False) -> Post:
    """The post, or Http404. `for_update` locks it until the transaction ends."""
    return _one(visible_posts(user.person).select_related("author"), pk, "post", for_update)


def access_approval(user, pk: int) -> Approval:
    """The approval with its post and revision, or Http404. The verbs lock it themselves."""
    found = Approval.objects.filter(post__in=visible_posts(user.person).values("pk"))
    return _one(found.select_related("post__author", "revision__by", "asked_by", "asked_of"), pk, "approval")


def access_variant(user, pk: int) -> Variant:
    found = Variant.objects.current().filter(post__in=visible_posts(user.person).values("pk"))
    return _one(found.select_related("post__author", "channel"), pk, "post on this channel")


def access_publication(user, pk: int) -> Publication:
    found = visible_publications(user.person).select_related("variant__post", "channel", "answerable", "revision")
    return _one(found, pk, "publication")


def access_hold(user, pk: int) -> Hold:
    """Everybody who is here may know what is held, and why."""
    holds = Hold.objects.select_related("channel", "placed_by", "lifted_by")
    return _one(holds if is_present(user.person) else holds.none(), pk, "hold")


def _one(found: QuerySet, pk: int, noun: str, for_update: bool = False):
    one = (found.select_for_update(of=("self",)) if for_update else found).filter(pk=pk).first()
    if one is None:
        raise Http404(f"There is no such {noun}, or you may not see it.")
    return one


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


def barred(post: Post) -> dict[int, str]:
    """The people who may not approve this post now, by id, each with the reason: its author and all who changed it
    since the last revision that was approved."""
    approved = (
        post.approvals.filter(decisions__verdict="approved", state__in=("approved", "void"))
        .order_by("-revision__number")
        .values_list("revision__number", flat=True)
        .first()
    )
    changed = post.revisions.filter(number__gt=approved or 0).values_list("by_id", flat=True)
    reasons = dict.fromkeys(changed, "changed it since it was last approved")
    return reasons | {post.author_id: "wrote it"}
