"""Blackouts and embargoes: who declares them, what they refuse, and what stood there before."""

from datetime import datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models.functions import Now

from accounts.audit import record, record_many, register
from accounts.models import Person
from accounts.permissions import has_role
from channels_registry import networks
from channels_registry import permissions as channel_permissions
from channels_registry.models import Channel
from publishing import queries
from publishing.models import Blackout, Campaign, Embargo, Post, Publication, Variant
from publishing.permissions import LEADS
from publishing.queries import silences
from publishing.rights import require_on_all

register("blackout.declared", "declared a blackout")
register("blackout.ended", "took a blackout back")
register("embargo.set", "put a post under embargo")
register("publication.held", "held a post that was due")
register("embargo.lifted", "lifted the embargo of a post")
WHO = "A blackout is declared by a social lead or an administrator, or by who manages the channel."


@transaction.atomic
def declare_blackout(
    by: Person, starts_at: datetime, ends_at: datetime, reason: str, network: str = "",
    channel: Channel | None = None, campaign: Campaign | None = None,
) -> Blackout:  # fmt: skip
    """From now on nothing is scheduled there and then. What is (`silences.inside`) stays until a person decides."""
    require_blackouts(by, channel)
    if ends_at <= starts_at:
        raise ValidationError({"ends_at": "It has to end after it begins."})
    if ends_at <= queries.now():
        raise ValidationError({"ends_at": "This is over already."})
    if not reason.strip():
        raise ValidationError({"reason": "Say why. Whoever is refused a time reads it."})
    if network and network not in networks.slugs():
        raise ValidationError({"network": "Choose one of the networks."})
    if sum(map(bool, (network, channel, campaign))) > 1:
        raise ValidationError({"scope": "Choose one: a network, a channel or a campaign."})
    blackout = Blackout.objects.create(
        network=network, channel=channel, campaign=campaign, starts_at=starts_at, ends_at=ends_at,
        reason=reason.strip().rstrip("."), declared_by=by,
    )  # fmt: skip
    record(by, "blackout.declared", blackout, reason=blackout.reason, inside=silences.inside(blackout).count())
    return blackout


@transaction.atomic
def end_blackout(blackout: Blackout, by: Person) -> Blackout:
    """Take it back: what it refused may be scheduled again."""
    blackout = Blackout.objects.select_for_update(of=("self",)).select_related("channel").get(pk=blackout.pk)
    require_blackouts(by, blackout.channel)
    if blackout.ended_at:
        raise ValidationError("It was taken back already.")
    blackout.ended_by, blackout.ended_at = by, queries.now()
    blackout.save(update_fields=["ended_by", "ended_at"])
    record(by, "blackout.ended", blackout)
    return blackout


@transaction.atomic
def set_embargo(post: Post, until: datetime, reason: str, by: Person) -> list[Publication]:
    """Nothing of it goes out before. What was planned earlier is held; returned, for a person to decide each."""
    post = Post.objects.select_for_update().get(pk=post.pk)
    _require_embargo(post, by)
    if until <= queries.now():
        raise ValidationError({"until": "This moment has passed."})
    if not reason.strip():
        raise ValidationError({"reason": "Say why. Whoever is refused a time reads it."})
    reason = reason.strip().rstrip(".")
    Embargo.objects.update_or_create(post=post, defaults={"until": until, "reason": reason, "by": by, "at": Now()})
    early = Publication.objects.select_for_update().filter(variant__post=post, state="scheduled", due_at__lt=until)
    held = list(early.order_by("id"))
    words = f"Under embargo: {reason}."[:300]
    Publication.objects.filter(pk__in=[p.pk for p in held], state="scheduled").update(state="held", reason=words)
    record(by, "embargo.set", post, until=until.isoformat(), reason=reason)
    record_many([(by, "publication.held", p, {"reason": words}) for p in held])
    return held


@transaction.atomic
def lift_embargo(post: Post, by: Person) -> None:
    """What it held stays held: a person decides each."""
    post = Post.objects.select_for_update().get(pk=post.pk)
    _require_embargo(post, by)
    gone, _ = Embargo.objects.filter(post=post).delete()
    if not gone:
        raise ValidationError("It is under no embargo.")
    record(by, "embargo.lifted", post)


def may_declare(by: Person, channel: Channel | None = None) -> bool:
    return has_role(by, *LEADS) or (channel is not None and channel_permissions.may(by, "manage", channel))


def require_some_blackout(by: Person) -> None:
    """Whoever may declare one anywhere."""
    if not may_declare(by) and not channel_permissions.channels_with(by, "manage").exists():
        raise PermissionDenied(WHO)


def require_blackouts(by: Person, channel: Channel | None) -> None:
    if not may_declare(by, channel):
        raise PermissionDenied(WHO)


def _require_embargo(post: Post, by: Person) -> None:
    variants = Variant.objects.current().filter(post=post).select_related("channel")
    require_on_all(by, "draft", post, [variant.channel for variant in variants], "put under embargo")
