"""What people say about a post, for whoever sees it; where those from outside read it too, it says so."""

from datetime import datetime
from typing import Annotated

import ninja
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from pydantic import Field

from accounts.api import LARGEST, Id, Limit, OneOf, Page, Router, Said
from accounts.models import Scope
from publishing import commenting, queries
from publishing.models import Comment, CommentThread
from publishing.permissions import access_post, access_thread

router = Router(tags=["Comments"])
Kind = Annotated[str, OneOf(CommentThread.Kind.values)]


class CommentOut(ninja.Schema):
    """`text` is empty where its author took it back."""

    id: int
    by: str
    outside: bool = Field(description="By somebody without a seat.")
    text: str
    at: datetime
    withdrawn_at: datetime | None


class ThreadOut(ninja.Schema):
    """`quote` is what it is about, as `revision` says it; `gone` if the post does not say so any more."""

    id: int
    kind: Kind
    quote: str
    channel: int | None
    revision: int
    gone: bool
    resolved_at: datetime | None
    resolved_by: str
    comments: list[CommentOut]


class CommentIn(Said):
    """Begins a thread, or goes on with one. Names after an @ are told by mail."""

    text: str
    thread: Id | None = Field(None, description="The one to go on with, which is then open again.")
    kind: Kind = Field("internal", description="Of a new thread. `external`: those from outside who are asked read it.")
    quote: str = Field("", description="Of a new thread: a passage of the latest revision.")


@router.reads("posts/{int:pk}/comments", Scope.POSTS_READ, Page[ThreadOut], "api_comments")
def comments(
    request: HttpRequest, pk: int, kind: Kind | None = None, cursor: int = ninja.Query(0, ge=0, le=LARGEST),
    limit: Limit = 50,
) -> Page[ThreadOut]:  # fmt: skip
    """Threads in the order in which they began, resolved ones too. What was written with a decision is read there."""
    rows, following = queries.thread_page(access_post(request.user, pk), kind, cursor, limit)
    return Page(items=[_thread_out(each) for each in rows], next=following or None)


@router.does("posts/{int:pk}/comments", Scope.POSTS_WRITE, ThreadOut, "api_comments", status=201)
def write_comment(request: HttpRequest, pk: int, said: CommentIn) -> ThreadOut:
    """As the page does. A comment is never changed afterwards."""
    post, person = access_post(request.user, pk), request.user.person
    if said.thread is None:
        external = said.kind == CommentThread.Kind.EXTERNAL
        made = commenting.open_thread(post, person, said.text, external=external, quote=said.quote)
    else:
        if about := said.model_fields_set & {"kind", "quote"}:
            raise ValidationError(dict.fromkeys(about, "This was said when the thread began. Leave it out."))
        made = commenting.answer(access_thread(request.user, post.pk, said.thread), person, said.text)
    return _thread_out(queries.one_thread(post, made.thread_id))


def _thread_out(row: queries.Thread) -> ThreadOut:
    thread = row.thread
    return ThreadOut(
        channel=thread.channel_id, revision=thread.revision.number, gone=row.gone,
        resolved_by=str(thread.resolved_by or ""), comments=[_comment_out(each.comment) for each in row.said],
        **{name: getattr(thread, name) for name in ("id", "kind", "quote", "resolved_at")},
    )  # fmt: skip


def _comment_out(comment: Comment) -> CommentOut:
    return CommentOut(
        by=str(comment.who), outside=comment.external_id is not None, text="" if comment.withdrawn_at else comment.text,
        **{name: getattr(comment, name) for name in ("id", "at", "withdrawn_at")},
    )  # fmt: skip
