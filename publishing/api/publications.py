"""Publications: what goes out when, what went out, and what the network said."""

from datetime import datetime
from typing import Annotated, Literal

import ninja
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, QuerySet
from django.forms import Form
from django.http import HttpRequest
from pydantic import Field

from accounts.api import Id, Limit, Of, OneOf, Page, Router, Said, Somebody
from accounts.models import Scope
from channels_registry.api import ChannelRef
from publishing import moving, queries, scheduling
from publishing.api.approvals import PostRef
from publishing.forms.publications import MoveForm, TimeForm
from publishing.models import Post, Publication, PublicationAttempt, Variant
from publishing.permissions import access_post, access_publication, access_variant, visible_publications
from socialops.lib.delivery.models import Outcome, State

router = Router(tags=["Publications"])
WallTime = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$", examples=["2026-11-23T09:30"])]
LastSaid = Annotated[str, OneOf(Outcome.values)]
Shelf = Annotated[str, OneOf(list(queries.SHELVES))]


class AttemptOut(ninja.Schema):
    """What the network said to one sending."""

    at: datetime
    outcome: str | None
    meaning: str
    http_status: int | None
    said: str


class PublicationOut(ninja.Schema):
    id: int
    post: PostRef
    channel: ChannelRef
    part: int = Field(description="0 is the post itself; the parts of a thread and its first comment follow.")
    occurrence: str = Field(description="Of a post that repeats: the wall time of its rule, what it is known by.")
    state: Annotated[str, OneOf(State.values)]
    reason: str
    to_do: str
    due_at: datetime
    wall_time: str
    time_zone: str
    fold: int
    answerable: Somebody
    text: str
    remote_id: str
    remote_url: str
    attempts: list[AttemptOut]
    told: str = Field("", description="What the clocks did to the wall time, if anything.")


class ScheduleIn(Said):
    """A wall time with its zone, or `now`."""

    channel: Id
    wall_time: WallTime | None = None
    time_zone: str = Field("", max_length=64, description="By default yours.")
    fold: Literal[0, 1] = Field(0, description="1 is the second of two equal times, where clocks go back.")
    now: bool = Field(False, strict=True)


class MoveIn(Said):
    wall_time: WallTime
    time_zone: str = Field("", max_length=64, description="By default the one it was planned in.")
    fold: Literal[0, 1] = 0
    seen: datetime | None = Field(
        None, description="When it was due as you saw it. If somebody moved it, nothing is changed."
    )


class CancellationIn(Said):
    reason: str = Field("", max_length=300)


@router.reads("publications", Scope.PUBLICATIONS_READ, Page[PublicationOut], "api_publications")
def publications(
    request: HttpRequest, shelf: Shelf = "due", channel: Of | None = None, network: str = "",
    post: Of | None = None, campaign: Of | None = None, answerable: Of | None = None,
    said: LastSaid | None = None, cursor: str = "", limit: Limit = 50,
) -> Page[PublicationOut]:  # fmt: skip
    """One shelf of them, narrowed by whose they are and by what the network said to the last sending."""
    where = {
        "channel": channel, "channel__network": network, "variant__post": post, "variant__post__campaign": campaign,
        "answerable": answerable,
    }  # fmt: skip
    found = visible_publications(request.user.person).filter(**{name: v for name, v in where.items() if v})
    found = found.filter(_last_said(said)) if said else found
    rows, following = queries.publication_page(found.prefetch_related("attempts"), shelf, cursor, limit)
    return Page(items=[_out(each) for each in rows], next=following or None)


@router.reads("publications/{int:pk}", Scope.PUBLICATIONS_READ, PublicationOut, "api_publication")
def read_publication(request: HttpRequest, pk: int) -> PublicationOut:
    """With each attempt, what the network said to it, and what to do."""
    return _out(access_publication(request.user, pk))


@router.does("posts/{int:pk}/publications", Scope.PUBLICATIONS_WRITE, PublicationOut, "api_schedule", status=201)
def schedule(request: HttpRequest, pk: int, said: ScheduleIn) -> PublicationOut:
    """What is approved goes out on a channel at a time. Whoever schedules it answers for it."""
    post, person = access_post(request.user, pk), request.user.person
    variant = access_variant(request.user, _variant_on(post, said.channel).pk)
    if said.now:
        return _out(scheduling.publish_now(variant, person))
    data = {"wall_time": said.wall_time, "time_zone": said.time_zone or person.time_zone, "fold": str(said.fold)}
    asked = _valid(TimeForm(data, person=person))
    made = scheduling.schedule(variant, asked["wall_time"], asked["time_zone"], person, asked["fold"])
    return _out(access_publication(request.user, made.pk))


@router.does("publications/{int:pk}/time", Scope.PUBLICATIONS_WRITE, PublicationOut, "api_publication_time")
def move(request: HttpRequest, pk: int, said: MoveIn) -> PublicationOut:
    """Another time. It stays in the zone it was planned in, and whoever moves it answers for it."""
    publication, person = access_publication(request.user, pk), request.user.person
    data = {"to": said.wall_time, "zone": said.time_zone or publication.time_zone, "fold": said.fold, "seen": said.seen}
    asked = _valid(MoveForm(data))
    moving.move(publication, asked["to"], asked["zone"], person, asked["fold"] or 0, asked["seen"])
    return _out(access_publication(request.user, pk))


@router.does("publications/{int:pk}/cancellation", Scope.PUBLICATIONS_WRITE, PublicationOut, "api_cancellation")
def cancel(request: HttpRequest, pk: int, said: CancellationIn) -> PublicationOut:
    """Take it off the calendar, with what would follow it. Refused from the moment it may be out."""
    scheduling.cancel(access_publication(request.user, pk), request.user.person, said.reason)
    return _out(access_publication(request.user, pk))


def _last_said(outcome: str) -> Exists:
    last = PublicationAttempt.objects.filter(delivery=OuterRef("pk"), fence=OuterRef("fence"), outcome=outcome)
    return Exists(last)


def _variant_on(post: Post, channel: int) -> Variant:
    current: QuerySet[Variant] = post.variants.current().filter(channel=channel)
    variant = current.first()
    if variant is None:
        raise ValidationError({"channel": "This post does not go to that channel."})
    return variant


FORM_NAMES = {"to": "wall_time", "zone": "time_zone"}


def _valid(form: Form) -> dict:
    if not form.is_valid():
        raise ValidationError({FORM_NAMES.get(name, name): list(words) for name, words in form.errors.items()})
    return form.cleaned_data


def _out(publication: Publication) -> PublicationOut:
    post = publication.variant.post
    attempts = sorted(publication.attempts.all(), key=lambda each: -each.fence)
    return PublicationOut(
        post=PostRef(id=post.pk, title=post.title), channel=ChannelRef.from_orm(publication.channel),
        to_do=queries.what_to_do(publication, queries.now()), wall_time=f"{publication.wall_time:%Y-%m-%dT%H:%M}",
        answerable=Somebody(id=publication.answerable_id, name=publication.answerable.name),
        attempts=[_attempt_out(each, meaning) for each, meaning in queries.attempts_told(attempts)],
        told=queries.clocks_told(publication) if publication.part == 0 else "",
        **{name: getattr(publication, name) for name in COPIED},
    )  # fmt: skip


COPIED = (
    "id", "part", "occurrence", "state", "reason", "due_at", "time_zone", "fold", "text", "remote_id", "remote_url",
)  # fmt: skip


def _attempt_out(attempt: PublicationAttempt, meaning: str) -> AttemptOut:
    said = str(attempt.evidence.get("detail") or "")[:1000]
    names = {"at": attempt.started_at, "outcome": attempt.outcome, "http_status": attempt.http_status}
    return AttemptOut(meaning=meaning, said=said, **names)
