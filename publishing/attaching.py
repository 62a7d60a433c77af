"""Pictures on a post: which, in which order and format, with what alt text. Each change is a revision of its own.

A picture is meant for all channels of the post whose networks take it, unless `channels` (ids) says otherwise.
"""

from collections.abc import Callable, Collection
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Person
from publishing import drafting, queries, rendering
from publishing.models import Asset, Post, Revision, Variant
from publishing.permissions import visible_assets
from publishing.rights import require_on_all

Shown = list[dict[str, Any]]
Change = Callable[[Variant], Shown]


@transaction.atomic
def attach(
    post: Post, asset: Asset, by: Person, *, expected_revision: int, format: str = "original", alt: str | None = None,
    channels: Collection[int] | None = None,
) -> Revision:  # fmt: skip
    """Show it, as the last one. On a channel where it stands already, in this format and with this text from now on.

    Without `alt` it has the library's. A file that is too large for a network is made smaller for it.
    """
    asset = _usable(asset, by)
    words = asset.alt_text if alt is None else alt.replace("\r\n", "\n").strip()
    if len(words) > drafting.LONGEST:
        raise ValidationError({"alt": "This alt text is too long."})
    original = rendering.latest(asset, format)
    taken: list[Variant] = []

    def shown(variant: Variant) -> Shown:
        limits = queries.media_limits_of(variant.channel)
        rendition = rendering.fitting(original, limits) if limits and limits.count else None
        if rendition is None:
            return variant.media
        taken.append(variant)
        entry = {"asset": asset.pk, "rendition": rendition.pk, "sha256": rendition.sha256, "alt": words}
        standing = [entry if each["asset"] == asset.pk else each for each in variant.media]
        return standing if entry in standing else [*standing, entry]

    revision = _change(post, by, expected_revision, channels, shown)
    if not taken:
        raise ValidationError({"asset": f"No channel of this post takes {_kind(asset)}. Choose another, or a channel."})
    return revision


@transaction.atomic
def detach(
    post: Post, asset_id: int, by: Person, *, expected_revision: int, channels: Collection[int] | None = None
) -> Revision:
    """Show it no more."""
    return _change(
        post, by, expected_revision, channels, lambda v: [each for each in v.media if each["asset"] != asset_id]
    )


@transaction.atomic
def move(
    post: Post, asset_id: int, by: Person, *, expected_revision: int, places: int,
    channels: Collection[int] | None = None,
) -> Revision:  # fmt: skip
    """Show it so many places later, or earlier (below 0); at most at the end or the beginning."""

    def moved(variant: Variant) -> Shown:
        at = next((at for at, each in enumerate(variant.media) if each["asset"] == asset_id), None)
        if at is None:
            return variant.media
        others = variant.media[:at] + variant.media[at + 1 :]
        to = min(max(at + places, 0), len(others))
        return [*others[:to], variant.media[at], *others[to:]]

    return _change(post, by, expected_revision, channels, moved)


def _change(
    post: Post, by: Person, expected_revision: int, channels: Collection[int] | None, shown: Change
) -> Revision:
    post = Post.objects.select_for_update().get(pk=post.pk)
    variants = queries.variants_of(post)
    require_on_all(by, "draft", post, [v.channel for v in variants], "change")
    latest = post.revisions.select_related("by").latest("number")
    if expected_revision != post.revision_number:
        raise drafting.Conflict(latest, {})
    if foreign := set(channels or ()) - {v.channel_id for v in variants}:
        raise ValidationError({"channels": f"This post does not go to {len(foreign)} of these channels."})
    if not variants:
        raise ValidationError({"channels": "Choose a channel first: what may be shown depends on it."})
    for variant in variants:
        if channels is None or variant.channel_id in channels:
            variant.media = shown(variant)
            variant.save(update_fields=["media"])
    return drafting.keep_change(post, by, latest)


def _usable(asset: Asset, by: Person) -> Asset:
    found = visible_assets(by).filter(pk=asset.pk).first()
    if found is None:
        raise ValidationError({"asset": "There is no such picture in the library, or you may not see it."})
    if found.archived_at:
        raise ValidationError({"asset": "This picture is archived. Bring it back first, or choose another."})
    if found.rights_ended:
        raise ValidationError({"asset": "The rights to this picture have ended. Choose another."})
    return found


def _kind(asset: Asset) -> str:
    return {"image": "pictures", "gif": "animated pictures", "video": "videos"}[asset.kind]
