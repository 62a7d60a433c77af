"""Writing posts. Whoever may draft on every channel of a post may change it; any change voids what was agreed."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from accounts.audit import record, register
from accounts.models import Person
from channels_registry.models import Channel
from publishing import approving, scheduling
from publishing.models import Campaign, Hold, Post, Revision, Variant
from publishing.models.revision import content_of, parts_of, sha256, texts_in
from publishing.queries import cards
from publishing.rights import require_on_all

register("post.created", "wrote a post")
register("post.edited", "changed a post")

LONGEST, MOST = 100_000, 100  # characters of one text, and texts of one thread; no network takes more


class Unchanged:
    """Stands where None would say something."""


UNCHANGED = Unchanged()


class Conflict(ValidationError):
    """Somebody saved another revision meanwhile. Both: `theirs` (a Revision), `mine` (what was to be saved)."""

    def __init__(self, theirs: Revision, mine: dict[str, Any]):
        super().__init__(f"{theirs.by} saved this post while you were writing. Your text is not lost: it stands below.")
        self.theirs = theirs
        self.mine = mine


@transaction.atomic
def create_post(
    by: Person, channels: Iterable[Channel], text: str, title: str = "", why_now: str = "",
    variants: Mapping[int, str | None] | None = None, placements: Mapping[int, str] | None = None,
    threads: Mapping[int, list[str]] | None = None, first_comments: Mapping[int, str] | None = None,
    campaign: Campaign | None = None, tags: Iterable[str] = (), card_link: str = "",
) -> Post:  # fmt: skip
    """A draft on these channels. `variants` maps a channel's id to a text of its own; the others inherit `text`.

    By the same id: `placements` one of the network's places for a post (by default the first), `threads` the texts that
    follow the post there, `first_comments` what is said under it. `card_link`: see Post.
    """
    channels = list(channels)
    post = Post(author=by, text=text, title=_title(title, text), why_now=why_now, card_link=card_link)
    post.campaign, post.tags = _open(campaign), _tags(tags)
    require_on_all(by, "draft", post, channels, "write")
    post.save()
    _place(post, [], channels, _own(variants, placements, threads, first_comments))
    _save_revision(post, by)
    record(by, "post.created", post, channels=[c.pk for c in channels])
    return post


@transaction.atomic
def edit_post(
    post: Post, by: Person, *, expected_revision: int, text: str | None = None, title: str | None = None,
    why_now: str | None = None, channels: Iterable[Channel] | None = None,
    variants: Mapping[int, str | None] | None = None, placements: Mapping[int, str] | None = None,
    threads: Mapping[int, list[str]] | None = None, first_comments: Mapping[int, str] | None = None,
    campaign: Campaign | Unchanged | None = UNCHANGED, tags: Iterable[str] | None = None,
    card_link: str | None = None,
) -> Revision:  # fmt: skip
    """Change what is given and leave the rest. Raises Conflict if `expected_revision` is no longer the latest.

    `variants` maps a channel's id to its own text, or None to inherit the master again; the rest is as for create_post.
    A change of what would be published voids approvals and cancels what is scheduled: neither the old nor the new text
    goes out by itself.
    """
    post = Post.objects.select_for_update().get(pk=post.pk)
    standing = _current(post)
    wanted = [v.channel for v in standing] if channels is None else list(channels)
    everywhere = {c.pk: c for c in [*(v.channel for v in standing), *wanted]}
    require_on_all(by, "draft", post, list(everywhere.values()), "change")
    latest = post.revisions.select_related("by").latest("number")
    if expected_revision != post.revision_number:
        raise Conflict(latest, {"text": text, "title": title, "why_now": why_now, "variants": dict(variants or {})})
    _belong(post, post.campaign if isinstance(campaign, Unchanged) else campaign, tags)
    post.text = post.text if text is None else text
    post.title = _title(post.title if title is None else title, post.text)
    post.why_now = post.why_now if why_now is None else why_now
    post.card_link = post.card_link if card_link is None else card_link
    _place(post, standing, wanted, _own(variants, placements, threads, first_comments))
    return keep_change(post, by, latest)


def keep_change(post: Post, by: Person, latest: Revision) -> Revision:
    """The end of every change, in its transaction, the post locked: a revision, unless it says what the latest says.

    What would be published otherwise than was agreed takes back what was agreed, asked for or scheduled.
    """
    if content_of(post, _current(post)) == latest.content:
        # What is for finding it here is no part of a revision, nor is a link of which there is no card.
        post.save(update_fields=["campaign", "tags", "card_link"])
        return latest
    revision = _save_revision(post, by)
    if revision.hash != latest.hash:
        _take_back(post, by)
    record(by, "post.edited", post, revision=revision.number, hash=revision.hash, parts=_changed(latest, revision))
    return revision


def _title(title: str, text: str) -> str:
    """The title, or the beginning of the text where there is none."""
    line = " ".join((title or text).split())
    if title and len(line) > 140:
        raise ValidationError({"title": f"The title is {len(line)} characters long, 140 are allowed."})
    return (line if len(line) <= 140 else line[:139] + "…") or "Untitled"


def _belong(post: Post, campaign: Campaign | None, tags: Iterable[str] | None) -> None:
    """To this campaign and these tags. Leaving one that is held would be a way around the hold, so it is refused."""
    kept = post.tags if tags is None else _tags(tags)
    gone = Q(tag__in=set(post.tags) - set(kept))
    if post.campaign != campaign:
        _open(campaign)
        gone |= Q(campaign=post.campaign_id) if post.campaign_id else Q()
    if hold := Hold.objects.standing().filter(gone).select_related("campaign", "channel").first():
        words = f"{hold.scope} is held, so this post stays in it until the hold is lifted."
        raise ValidationError({"tags" if hold.tag else "campaign": words})
    post.campaign, post.tags = campaign, kept


def _open(campaign: Campaign | None) -> Campaign | None:
    """Refuses one that was put away: only posts that were in it stay there."""
    if campaign and campaign.archived_at:
        raise ValidationError(
            {"campaign": f"{campaign} was put away. Choose another, or ask {campaign.owner} for it back."}
        )
    return campaign


def _tags(tags: Iterable[str]) -> list[str]:
    found = dict.fromkeys(" ".join(tag.lower().split()).removeprefix("#") for tag in tags)
    if any(len(tag) > 40 for tag in found):
        raise ValidationError({"tags": "A tag is at most 40 characters long."})
    return [tag for tag in found if tag]


def _current(post: Post) -> list[Variant]:
    return list(Variant.objects.current().filter(post=post).select_related("channel").order_by("id"))


def _own(texts, placements, threads, first_comments) -> dict[str, Mapping[int, Any]]:
    """What a channel has of its own: the variant's field, and by channel id what stands there."""
    following = {pk: [text for text in thread if text.strip()] for pk, thread in (threads or {}).items()}
    if any(len(thread) > MOST for thread in following.values()):
        raise ValidationError({"text": f"The thread is too long. {MOST} posts are kept at most."})
    comments = {pk: text if text.strip() else "" for pk, text in (first_comments or {}).items()}
    return {"text": texts or {}, "placement": placements or {}, "thread": following, "first_comment": comments}


def _place(post: Post, standing: list[Variant], wanted: list[Channel], own: Mapping[str, Mapping[int, Any]]) -> None:
    """Bring the post's variants to the wanted channels and to what each has of its own."""
    there = {v.channel_id: v for v in standing}
    keep = {c.pk for c in wanted}
    if {pk for values in own.values() for pk in values} - keep:
        raise ValidationError({"variants": "A text was sent for a channel that this post does not go to."})
    variants = []
    for channel in wanted:
        places = [p.slug for p in channel.connector.placements]
        variant = there.get(channel.pk) or Variant(post=post, channel=channel, placement=places[0])
        for field, values in own.items():
            setattr(variant, field, values.get(channel.pk, getattr(variant, field)))
        if variant.placement not in places:
            raise ValidationError({"placement": f"{channel.connector.label} has no such place for a post."})
        variants.append(variant)
    known = cards.pages(cards.links_of(post, variants))
    for variant in variants:
        variant.card = cards.taken(post, variant, known)
        variant.save()
    gone = [v.pk for v in standing if v.channel_id not in keep]
    scheduling.refuse_if_out(gone)
    Variant.objects.filter(pk__in=gone).update(removed_at=Now())


def _save_revision(post: Post, by: Person) -> Revision:
    content = content_of(post, _current(post))
    if any(len(each) > LONGEST for each in (content["text"], *texts_in(content))):
        raise ValidationError({"text": f"The text is too long. {LONGEST:,} characters are kept at most."})
    parts = parts_of(content)
    post.revision_number += 1
    post.save()
    return Revision.objects.create(
        post=post, number=post.revision_number, by=by, content=content, parts=parts, hash=sha256(parts)
    )


def _take_back(post: Post, by: Person) -> None:
    """What was agreed, asked for or scheduled does not cover the new revision."""
    scheduling.return_to_author(post, by, "The post was changed after it was approved. Ask again, then schedule it.")
    approving.void(post, by)
    if post.state in (Post.State.IN_APPROVAL, Post.State.APPROVED):
        post.state = Post.State.DRAFT
        post.save(update_fields=["state", "updated_at"])


def _changed(before: Revision, after: Revision) -> list[str]:
    return [part for part in after.parts if after.parts[part] != before.parts.get(part)]
