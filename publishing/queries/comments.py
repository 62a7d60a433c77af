"""What was said about a post, thread by thread."""

import re
from dataclasses import dataclass
from datetime import datetime

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce

from publishing.models import Comment, CommentThread, Decision, ExternalApprover, Post, Revision
from publishing.queries.deciding import decisions_on


@dataclass(frozen=True)
class Said:
    """A comment, its text cut where somebody is mentioned: (words, whether they are a mention)."""

    comment: Comment
    pieces: list[tuple[str, bool]]


@dataclass(frozen=True)
class Thread:
    """`gone`: what it is about does not stand in the latest revision any more."""

    thread: CommentThread
    said: list[Said]
    gone: bool

    @property
    def at(self) -> datetime:
        return self.said[0].comment.at

    @property
    def kind(self) -> str:
        return "thread"


@dataclass(frozen=True)
class Note:
    """What somebody wrote when they decided. Read where it stands, never copied."""

    decision: Decision

    @property
    def at(self) -> datetime:
        return self.decision.at

    @property
    def kind(self) -> str:
        return "note"


@dataclass(frozen=True)
class Talk:
    """`open` in the order in which it began: threads, and notes of decisions."""

    open: list[Thread | Note]
    resolved: list[Thread]

    @property
    def threads(self) -> int:
        return sum(each.kind == "thread" for each in self.open)


def talk(post: Post) -> Talk:
    """Everything that people here read. Four queries."""
    threads = _threads(post, CommentThread.objects.filter(post=post))
    notes = [Note(decision) for decision in decisions_on(post) if decision.note]
    open_ = [each for each in threads if each.thread.resolved_at is None]
    return Talk(sorted([*open_, *notes], key=lambda each: each.at), [t for t in threads if t.thread.resolved_at])


def talk_outside(post: Post) -> list[Thread]:
    """What those from outside read: external threads and nothing else."""
    return _threads(post, CommentThread.objects.filter(post=post, kind=CommentThread.Kind.EXTERNAL))


def thread_page(post: Post, kind: str | None, after: int, size: int) -> tuple[list[Thread], str]:
    """Threads of a kind (None: of all) that began after this one, with the cursor of the next page ("" at the end)."""
    threads = CommentThread.objects.filter(post=post, pk__gt=after, **({"kind": kind} if kind else {}))
    rows = _threads(post, threads, size + 1)
    return rows[:size], str(rows[size - 1].thread.pk) if len(rows) > size else ""


def one_thread(post: Post, pk: int) -> Thread:
    return _threads(post, CommentThread.objects.filter(post=post, pk=pk))[0]


def unresolved(post: str = "pk") -> Coalesce:
    """How many threads about a post wait for somebody; `post` is the way to its id. Part of another query."""
    waiting = CommentThread.objects.filter(post=OuterRef(post), resolved_at=None).order_by().values("post")
    return Coalesce(Subquery(waiting.annotate(number=Count("pk")).values("number")), 0)


def outsiders(post: Post) -> list[ExternalApprover]:
    """Who from outside reads external threads of this post: those who are or were asked about it."""
    asked = ExternalApprover.objects.filter(asks__stage__approval__post=post, ended_at=None)
    return list(asked.distinct().order_by("name", "pk"))


def says(revision: Revision, words: str, channel: int | None) -> bool:
    """Whether this revision says so on the channel, with what follows there; None: in the master text."""
    if channel is None:
        return words in revision.content["text"]
    return any(words in part.text for part in revision.parts_on(channel))


def _threads(post: Post, threads: QuerySet[CommentThread], most: int | None = None) -> list[Thread]:
    named = Comment.mentions.through.objects.filter(comment=OuterRef("pk")).values("person__name")
    comments = Comment.objects.select_related("by", "external").annotate(named=ArraySubquery(named))
    rows = threads.select_related("channel", "revision", "resolved_by").order_by("pk")
    rows = rows.prefetch_related(Prefetch("comments", comments.order_by("pk"), to_attr="said"))
    rows = rows if most is None else rows[:most]
    latest = post.revisions.filter(number=post.revision_number).first()
    return [
        Thread(
            row, [Said(each, _pieces(each)) for each in row.said],
            bool(row.quote) and latest is not None and not says(latest, row.quote, row.channel_id),
        )
        for row in rows
    ]  # fmt: skip


def _pieces(comment: Comment) -> list[tuple[str, bool]]:
    names = sorted({each for name in comment.named for each in (name, name.split()[0])}, key=len, reverse=True)
    if not names:
        return [(comment.text, False)]
    cut = re.split(rf"((?<![\w@./])@(?:{'|'.join(map(re.escape, names))})(?!\w))", comment.text, flags=re.IGNORECASE)
    return [(piece, number % 2 == 1) for number, piece in enumerate(cut) if piece]
