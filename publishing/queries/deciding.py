"""Who may be asked to agree, what was decided, and with what to compare."""

from django.db.models import QuerySet

from accounts.models import Person
from channels_registry import permissions as channel_permissions
from channels_registry.models import Channel
from publishing.models import Decision, ExternalApprover, Post, Revision
from publishing.rights import barred


def approvers_of(post: Post, channels: list[Channel]) -> QuerySet[Person]:
    """Who may be asked: they may approve on every channel, and neither wrote nor changed it."""
    able = Person.objects.none() if not channels else Person.objects.exclude(pk__in=barred(post))
    for channel in channels:
        able = able.filter(pk__in=channel_permissions.people_with(channel, "approve").values("pk"))
    return able.order_by("name")


def decisions_on(post: Post) -> list[Decision]:
    """Everything that was ever decided about the post, the latest first. One query."""
    found = Decision.objects.filter(approval__post=post).select_related("by", "external", "stage", "approval__revision")
    return list(found.order_by("-id"))


def seen_outside(external: ExternalApprover | None, now: Revision) -> Revision | None:
    """The revision of the same post that somebody from outside decided on last."""
    theirs = Decision.objects.filter(approval__post=now.post_id, external=external).exclude(approval__revision=now)
    last = theirs.select_related("approval__revision").order_by("-id").first() if external else None
    return last.approval.revision if last else None


def seen_before(decisions: list[Decision], person: Person, now: Revision) -> tuple[Revision | None, str]:
    """The revision to compare with: the one this person decided on last, else the last that was approved."""
    others = [d for d in decisions if d.approval.revision_id != now.pk]
    if mine := next((d for d in others if d.by_id == person.pk), None):
        return mine.approval.revision, "since you last decided"
    agreed = next((d for d in others if d.verdict == "approved"), None)
    return (agreed.approval.revision, "since it was last approved") if agreed else (None, "")
