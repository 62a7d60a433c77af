"""Writing posts. Whoever may draft on every channel of a post may change it; any change voids what was agreed."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now
from django.urls import reverse

from accounts import notifying
from accounts.audit import record, register
from accounts.models import Person
from channels_registry.models import Channel
from publishing import approving, queries, scheduling
from publishing.models import Approval, Post, Revision, Variant
from publishing.models.revision import content_of, parts_of, sha256
from publishing.permissions import barred, may_on_all, require_on_all

register("post.created", "wrote a post")
register("post.edited", "changed a post")
register("post.submitted", "asked for approval")
register("post.submission_withdrawn", "took back a request for approval")

QUESTIONS = {"facts": "Facts", "legal": "Legal", "brand": "Brand"}
LONGEST = 100_000  # characters of one text; no network takes more
TIME_TO_DECIDE = timedelta(minutes=10)  # the latest safe decision is this long before the wanted time


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
) -> Post:  # fmt: skip
    """A draft on these channels. `variants` maps a channel's id to a text of its own; the others inherit `text`.

    `placements` maps it to one of the network's places for a post; by default the first.
    """
    channels = list(channels)
    post = Post(author=by, text=text, title=_title(title, text), why_now=why_now)
    require_on_all(by, "draft", post, channels, "write")
    post.save()
    _place(post, [], channels, variants or {}, placements or {})
    _save_revision(post, by)
    record(by, "post.created", post, channels=[c.pk for c in channels])
    return post


@transaction.atomic
def edit_post(
    post: Post, by: Person, *, expected_revision: int, text: str | None = None, title: str | None = None,
    why_now: str | None = None, channels: Iterable[Channel] | None = None,
    variants: Mapping[int, str | None] | None = None, placements: Mapping[int, str] | None = None,
) -> Revision:  # fmt: skip
    """Change what is given and leave the rest. Raises Conflict if `expected_revision` is no longer the latest.

    `variants` maps a channel's id to its own text, or None to inherit the master again. A change of what would be
    published voids approvals and cancels what is scheduled: neither the old nor the new text goes out by itself.
    """
    post = Post.objects.select_for_update().get(pk=post.pk)
    standing = _current(post)
    wanted = [v.channel for v in standing] if channels is None else list(channels)
    everywhere = {c.pk: c for c in [*(v.channel for v in standing), *wanted]}
    require_on_all(by, "draft", post, list(everywhere.values()), "change")
    latest = post.revisions.select_related("by").latest("number")
    if expected_revision != post.revision_number:
        raise Conflict(latest, {"text": text, "title": title, "why_now": why_now, "variants": dict(variants or {})})
    post.text = post.text if text is None else text
    post.title = _title(post.title if title is None else title, post.text)
    post.why_now = post.why_now if why_now is None else why_now
    _place(post, standing, wanted, variants or {}, placements or {})
    if content_of(post, _current(post)) == latest.content:
        return latest
    revision = _save_revision(post, by)
    if revision.hash != latest.hash:
        _take_back(post, by)
    record(by, "post.edited", post, revision=revision.number, hash=revision.hash, parts=_changed(latest, revision))
    return revision


@transaction.atomic
def submit(
    post: Post, by: Person, asked_of: Person, question: str = "facts", wanted_at: datetime | None = None
) -> Approval:
    """Ask somebody to agree to the latest revision. `wanted_at` is the instant the author wants it out."""
    post = Post.objects.select_for_update().get(pk=post.pk)
    variants = queries.variants_of(post)
    require_on_all(by, "draft", post, [v.channel for v in variants], "submit")
    _refuse_unready(post, variants)
    _refuse_approver(post, variants, asked_of)
    if question not in QUESTIONS:
        raise ValidationError({"question": "Choose what the approver is asked to confirm."})
    now = queries.now()
    if wanted_at and wanted_at <= now:
        raise ValidationError({"wanted_at": "This time has passed. Choose a later one."})
    approval = Approval.objects.create(
        post=post, revision=post.revisions.get(number=post.revision_number), asked_by=by, asked_of=asked_of,
        question=question, wanted_at=wanted_at, latest_decision_at=_latest_decision(wanted_at, now),
    )  # fmt: skip
    post.state = Post.State.IN_APPROVAL
    post.save(update_fields=["state", "updated_at"])
    record(by, "post.submitted", post, approval=approval.pk, asked_of=asked_of.pk, hash=approval.revision.hash)
    words = f"{by} asks you to approve “{post.title}”."
    notifying.notify(asked_of, "approval.asked", words, reverse("approval", args=[approval.pk]), mail=True)
    return approval


@transaction.atomic
def withdraw(post: Post, by: Person) -> Approval:
    """Take back a request that nobody has decided yet. The post is a draft again."""
    post = Post.objects.select_for_update().get(pk=post.pk)
    require_on_all(by, "draft", post, [v.channel for v in _current(post)], "withdraw")
    approval = post.approvals.select_for_update().filter(state="pending").first()
    if approval is None:
        raise ValidationError("Nobody is being asked about this post, so there is nothing to withdraw.")
    approval.state = Approval.State.WITHDRAWN
    approval.save(update_fields=["state"])
    post.state = Post.State.DRAFT
    post.save(update_fields=["state", "updated_at"])
    record(by, "post.submission_withdrawn", post, approval=approval.pk)
    return approval


def _title(title: str, text: str) -> str:
    """The title, or the beginning of the text where there is none."""
    line = " ".join((title or text).split())
    if title and len(line) > 140:
        raise ValidationError({"title": f"The title is {len(line)} characters long, 140 are allowed."})
    return (line if len(line) <= 140 else line[:139] + "…") or "Untitled"


def _current(post: Post) -> list[Variant]:
    return list(Variant.objects.current().filter(post=post).select_related("channel").order_by("id"))


def _place(
    post: Post, standing: list[Variant], wanted: list[Channel], texts: Mapping[int, str | None], placements
) -> None:
    """Bring the post's variants to the wanted channels and texts."""
    there = {v.channel_id: v for v in standing}
    keep = {c.pk for c in wanted}
    _refuse_foreign(texts, placements, keep)
    for channel in wanted:
        places = [p.slug for p in channel.connector.placements]
        variant = there.get(channel.pk) or Variant(post=post, channel=channel, placement=places[0])
        variant.text = texts.get(channel.pk, variant.text)
        variant.placement = placements.get(channel.pk, variant.placement)
        if variant.placement not in places:
            raise ValidationError({"placement": f"{channel.connector.label} has no such place for a post."})
        variant.save()
    gone = [v.pk for v in standing if v.channel_id not in keep]
    scheduling.refuse_if_out(gone)
    Variant.objects.filter(pk__in=gone).update(removed_at=Now())


def _refuse_foreign(texts: Mapping, placements: Mapping, keep: set[int]) -> None:
    if (set(texts) | set(placements)) - keep:
        raise ValidationError({"variants": "A text was sent for a channel that this post does not go to."})


def _save_revision(post: Post, by: Person) -> Revision:
    content = content_of(post, _current(post))
    if any(len(each) > LONGEST for each in (content["text"], *(v["text"] for v in content["variants"]))):
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


def _latest_decision(wanted_at: datetime | None, now: datetime) -> datetime | None:
    if wanted_at is None:
        return None
    latest = wanted_at - TIME_TO_DECIDE
    return latest if latest > now else wanted_at


def _refuse_unready(post: Post, variants: list[Variant]) -> None:
    if post.state == Post.State.IN_APPROVAL:
        raise ValidationError("Somebody is already being asked about this post. Withdraw that request to ask again.")
    if post.state == Post.State.APPROVED:
        raise ValidationError("This post is already approved. Schedule it, or change it to ask again.")
    if not variants:
        raise ValidationError({"channels": "Choose at least one channel before asking for approval."})
    problems = queries.problems(variants)
    if problems:
        raise ValidationError({f"variant-{pk}": words for pk, words in problems.items()})


def _refuse_approver(post: Post, variants: list[Variant], asked_of: Person) -> None:
    if reason := barred(post).get(asked_of.pk):
        raise ValidationError({"asked_of": f"{asked_of} {reason}, so somebody else has to approve it."})
    if not may_on_all(asked_of, "approve", [v.channel for v in variants]):
        raise ValidationError(
            {"asked_of": f"{asked_of} may not approve on every channel of this post. Choose another."}
        )
