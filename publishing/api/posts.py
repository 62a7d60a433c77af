"""Posts: read, write, change, ask for approval."""

from datetime import datetime
from typing import Annotated, Any

import ninja
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse
from pydantic import Field

from accounts.api import Id, Instant, Limit, Of, OneOf, Page, Router, Said, Somebody
from accounts.models import Person, Scope
from channels_registry.api import ChannelRef
from publishing import drafting, queries, submitting
from publishing.api.approvals import ApprovalOut, RepeatOut, out
from publishing.api.composing import PostEdit, PostIn, form_of, given
from publishing.models import Post, Remit, Revision, Variant
from publishing.permissions import access_approval, access_post, visible_posts
from publishing.queries import repeats
from socialops.lib.problems import Problem

router = Router(tags=["Posts"])
PostState = Annotated[str, OneOf(Post.State.values)]
Repeats = dict[int, RepeatOut]  # by variant


class PictureOut(ninja.Schema):
    asset: int
    alt: str


class CardOut(ninja.Schema):
    """Of a link, as it is approved and sent."""

    url: str
    title: str
    description: str


class VariantOut(ninja.Schema):
    """`text` null inherits the post's; `final_text` is what goes out. Where a network draws cards itself, `card` is
    null; `repeats` is the rule by which it goes out again and again.
    """

    channel: ChannelRef
    placement: str
    text: str | None
    final_text: str
    thread: list[str]
    first_comment: str
    pictures: list[PictureOut]
    card: CardOut | None
    repeats: RepeatOut | None


class PostOut(ninja.Schema):
    id: int
    title: str
    text: str
    why_now: str
    state: PostState
    author: Somebody
    campaign: int | None
    tags: list[str]
    revision: int
    variants: list[VariantOut]
    wanted_at: datetime | None
    created_at: datetime
    updated_at: datetime
    page: str = Field(description="Where people see it.")


class RevisionOut(ninja.Schema):
    number: int
    by: str
    at: datetime
    content: dict[str, Any]


class Conflict(ninja.Schema):
    """RFC 9457. `theirs` is what was saved meanwhile, `mine` what was sent; nothing was changed."""

    type: str
    title: str
    status: int
    detail: str
    theirs: RevisionOut | None = None
    mine: dict[str, Any] = {}


class SubmissionIn(Said):
    """Whom to ask and about what, where no workflow says so."""

    asked_of: Id | None = Field(None, description="A person's id.")
    question: Remit = Remit.FACTS
    wanted_at: Instant | None = None
    earliest: Instant | None = None
    latest: Instant | None = None
    boosted: bool = Field(False, strict=True, description="It will be promoted for money.")
    override: str = Field("", max_length=500, description="Why its words are right although a rule is against them.")


@router.reads("posts", Scope.POSTS_READ, Page[PostOut], "api_posts")
def posts(
    request: HttpRequest, state: PostState | None = None, mine: bool = False, campaign: Of | None = None,
    cursor: str = "", limit: Limit = 50,
) -> Page[PostOut]:  # fmt: skip
    """Those that you may see, what changed last first."""
    person = request.user.person
    found = visible_posts(person).select_related("campaign")
    found = found.filter(state=state) if state else found
    found = found.filter(author=person) if mine else found
    found = found.filter(campaign=campaign) if campaign else found
    rows, following = queries.post_page(found, cursor, limit)
    again = _repeats([variant for each in rows for variant in each.shown])
    return Page(items=[_post_out(each, each.shown, again) for each in rows], next=following or None)


@router.reads("posts/{int:pk}", Scope.POSTS_READ, PostOut, "api_post")
def read_post(request: HttpRequest, pk: int) -> PostOut:
    """With what each channel gets."""
    return whole(access_post(request.user, pk))


@router.does("posts", Scope.POSTS_WRITE, PostOut, "api_posts", status=201)
def write_post(request: HttpRequest, said: PostIn) -> PostOut:
    """A draft, of which you are the author."""
    person = request.user.person
    sent = {"channels": [], "text": "", **given(form_of(person, said), said)}
    return whole(drafting.create_post(person, **sent))


@router.does("posts/{int:pk}", Scope.POSTS_WRITE, PostOut, "api_post", method="PATCH", conflict=Conflict)
def change_post(request: HttpRequest, pk: int, said: PostEdit) -> PostOut:
    """Only what you send. Agreements to what you change end, and it goes out only when it is agreed to again."""
    post, person = access_post(request.user, pk), request.user.person
    form = form_of(person, said, post, queries.variants_of(post))
    try:
        drafting.edit_post(post, person, expected_revision=said.revision, **given(form, said))
    except drafting.Conflict as conflict:
        raise moved(conflict.theirs, said.revision, said) from conflict
    post.refresh_from_db()
    return whole(post)


@router.does("posts/{int:pk}/approval", Scope.POSTS_WRITE, ApprovalOut, "api_submission", status=201)
def submit_post(request: HttpRequest, pk: int, said: SubmissionIn) -> ApprovalOut:
    """Ask for agreement to the latest revision."""
    if (said.earliest is None) != (said.latest is None):
        name = "earliest" if said.earliest is None else "latest"
        raise ValidationError({name: "Give both ends, or neither."})
    window = (said.earliest, said.latest) if said.earliest and said.latest else None
    post, asked_of = access_post(request.user, pk), _somebody(said.asked_of)
    approval = submitting.submit(
        post, request.user.person, asked_of, said.question, said.wanted_at, boosted=said.boosted, window=window,
        override=said.override,
    )  # fmt: skip
    return out(access_approval(request.user, approval.pk), request.user.person)


@router.does("posts/{int:pk}/approval/withdrawal", Scope.POSTS_WRITE, PostOut, "api_submission_withdrawal")
def withdraw_submission(request: HttpRequest, pk: int) -> PostOut:
    """Take back a request that is not decided yet. The post is a draft again."""
    submitting.withdraw(access_post(request.user, pk), request.user.person)
    return whole(access_post(request.user, pk))


def whole(post: Post) -> PostOut:
    variants = queries.variants_of(post)
    return _post_out(post, variants, _repeats(variants))


def _post_out(post: Post, variants: list[Variant], again: Repeats) -> PostOut:
    return PostOut(
        author=Somebody(id=post.author_id, name=post.author.name), campaign=post.campaign_id,
        revision=post.revision_number, variants=[_variant_out(each, post, again) for each in variants],
        page=reverse("post", args=[post.pk]),
        **{name: getattr(post, name) for name in COPIED},
    )  # fmt: skip


COPIED = ("id", "title", "text", "why_now", "state", "tags", "wanted_at", "created_at", "updated_at")


def _repeats(variants: list[Variant]) -> Repeats:
    return {each.variant_id: RepeatOut(**repeats.said(each)) for each in repeats.standing(variants)}


def _variant_out(variant: Variant, post: Post, again: Repeats) -> VariantOut:
    variant.post = post
    return VariantOut(
        channel=ChannelRef.from_orm(variant.channel), final_text=variant.final_text,
        pictures=[PictureOut(asset=one["asset"], alt=one["alt"]) for one in variant.media],
        card=CardOut(**{name: variant.card[name] for name in CardOut.model_fields}) if variant.card else None,
        repeats=again.get(variant.pk),
        **{name: getattr(variant, name) for name in ("placement", "text", "thread", "first_comment")},
    )  # fmt: skip


def _somebody(pk: int | None) -> Person | None:
    if pk is None:
        return None
    person = Person.objects.present().filter(pk=pk).first()
    if person is None:
        raise ValidationError({"asked_of": "There is nobody here with this number."})
    return person


def moved(theirs: Revision, revision: int, said: Said) -> Problem:
    """Somebody saved the post after the revision on which `said` was made."""
    words = f"{theirs.by} saved this post after revision {revision}. Nothing of yours was saved: it stands below."
    saved = {"number": theirs.number, "by": str(theirs.by), "at": theirs.at.isoformat(), "content": theirs.content}
    return Problem("conflict", words, theirs=saved, mine=said.model_dump(mode="json", exclude_unset=True))
