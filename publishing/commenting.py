"""Talking about a post while it is made, in threads: among people here, or with those from outside who are asked.

Nobody changes what they said: others have read it, may have been mailed about it, and may have decided on it. Who was
wrong says so in the next comment, or takes theirs back.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models.functions import Now
from django.urls import reverse

from accounts import notifying
from accounts.audit import record, register
from accounts.models import Person
from publishing import linking, queries
from publishing.models import Comment, CommentThread, ExternalApprover, Post, Revision
from publishing.permissions import posts_to_discuss, readers_of

register("comment.written", "commented on a post")
register("comment.withdrawn", "took back a comment on a post")
register("comment.resolved", "resolved a thread of comments")
register("comment.reopened", "reopened a thread of comments")

LONGEST, LONGEST_QUOTE = 5000, 500  # characters
AT = re.compile(r"(?<![\w@./])@(?=\w)")
FIRST_NAME = re.compile(r"[\w’'-]+")
WORD = re.compile(r"\w+")
TWICE = timedelta(minutes=1)  # the same words again within it are the same press of a button
MOST = 1000  # comments on one post: its page shows all of them
MOST_FROM_OUTSIDE = 100  # comments of one person on one post: they have no seat to take away


@transaction.atomic
def open_thread(post: Post, by: Person, text: str, *, external: bool = False, quote: str = "") -> Comment:
    """Begin a thread, `external`: for those from outside as well, about a `quote` from the latest revision."""
    post = _locked(post, by)
    if external and not queries.outsiders(post):
        raise ValidationError({"kind": "Nobody from outside is asked about this post, so nobody would read it there."})
    revision = post.revisions.get(number=post.revision_number)
    kind = CommentThread.Kind.EXTERNAL if external else CommentThread.Kind.INTERNAL
    return _say(post, None, text, by=by, kind=kind, revision=revision, quote=quote)


@transaction.atomic
def answer(thread: CommentThread, by: Person, text: str) -> Comment:
    """Go on with a thread. One that was resolved is open again."""
    return _say(_locked(thread.post, by), thread, text, by=by)


@transaction.atomic
def write_by_link(token: str, proof: str, text: str, thread: int | None = None, quote: str = "") -> Comment:
    """From outside, by whoever has proven the code: in an external thread of this post, or a new one."""
    link = linking.proven(token, proof)
    approval, external = link.ask.stage.approval, link.ask.external
    post = Post.objects.select_for_update().get(pk=approval.post_id)
    linking.locked(link)
    if Comment.objects.filter(external=external, thread__post=post).count() >= MOST_FROM_OUTSIDE:
        raise ValidationError({"text": "You have written a hundred comments here. Answer by mail from now on."})
    kind, revision = CommentThread.Kind.EXTERNAL, approval.revision
    about = post.threads.filter(kind=kind, pk=thread).first() if thread else None
    if thread and about is None:
        raise ValidationError({"text": "This thread is not here. Write a new comment instead."})
    return _say(post, about, text, external=external, kind=kind, revision=revision, quote=quote)


@transaction.atomic
def withdraw(comment: Comment, by: Person) -> None:
    """Take back what one wrote oneself. Others read that something was said; the trail keeps what."""
    if comment.by_id != by.pk or not posts_to_discuss(by).filter(pk=comment.thread.post_id).exists():
        raise PermissionDenied("Only who wrote a comment takes it back.")
    if Comment.objects.filter(pk=comment.pk, withdrawn_at=None).update(withdrawn_at=Now()):
        record(by, "comment.withdrawn", comment.thread.post, comment=comment.pk, text=comment.text)


@transaction.atomic
def withdraw_by_link(token: str, proof: str, comment: int) -> None:
    """The same from outside, of what was written from there."""
    link = linking.proven(token, proof)
    external, post = link.ask.external, link.ask.stage.approval.post
    own = Comment.objects.filter(external=external, thread__post=post, withdrawn_at=None, pk=comment)
    if (said := own.first()) is None or external is None:
        raise ValidationError({"text": "Only who wrote a comment takes it back."})
    own.update(withdrawn_at=Now())
    record(None, "comment.withdrawn", post, comment=said.pk, text=said.text, external=external.email)


@transaction.atomic
def resolve(thread: CommentThread, by: Person) -> None:
    """There is nothing left to do about it."""
    post = _locked(thread.post, by)
    if CommentThread.objects.filter(pk=thread.pk, resolved_at=None).update(resolved_at=Now(), resolved_by=by):
        record(by, "comment.resolved", post, thread=thread.pk)


@transaction.atomic
def reopen(thread: CommentThread, by: Person) -> None:
    _reopen(thread, _locked(thread.post, by), by)


def _locked(post: Post, by: Person) -> Post:
    if not posts_to_discuss(by).filter(pk=post.pk).exists():
        raise PermissionDenied("You may read this, but not comment: that takes a right on a channel of the post.")
    return Post.objects.select_for_update().get(pk=post.pk)


def _say(
    post: Post, thread: CommentThread | None, text: str, *, by: Person | None = None,
    external: ExternalApprover | None = None, quote: str = "", **opening,
) -> Comment:  # fmt: skip
    """Write it down and tell whom it concerns. `opening`: kind and revision of the thread, where there is none yet."""
    text, quote = _clean("text", text, LONGEST), _clean("quote", quote, LONGEST_QUOTE, needed=False)
    mentioned = _mentioned_in(text, post) if by else []
    about = {"thread": thread} if thread else {"thread__kind": opening["kind"], "thread__quote": quote}
    same = Comment.objects.filter(thread__post=post, by=by, external=external, text=text, withdrawn_at=None, **about)
    if again := same.filter(at__gt=Now() - TWICE).order_by("-id").first():
        return again
    if Comment.objects.filter(thread__post=post).count() >= MOST:
        raise ValidationError({"text": f"{MOST:,} comments are kept on one post. Go on elsewhere."})
    if thread is None:
        channel = _place_of(quote, opening["revision"], by is None) if quote else None
        thread = CommentThread.objects.create(post=post, quote=quote, channel_id=channel, **opening)
    thread.post = post
    comment = Comment.objects.create(thread=thread, text=text, by=by, external=external)
    comment.mentions.set(mentioned)
    said = {"thread": thread.pk, "comment": comment.pk, "kind": thread.kind, "mentions": [p.pk for p in mentioned]}
    record(by, "comment.written", post, **said, **({"external": external.email} if external else {}))
    _reopen(thread, post, by, external)
    _tell(comment, mentioned)
    return comment


def _clean(field: str, text: str, longest: int, needed: bool = True) -> str:
    text = text.replace("\r\n", "\n").strip()
    if "\0" in text:
        raise ValidationError({field: "It carries a character that cannot be kept (U+0000). Type that part by hand."})
    if needed and not text:
        raise ValidationError({field: "Write something first."})
    if len(text) > longest:
        raise ValidationError({field: f"{len(text):,} characters are too many. {longest:,} are the most."})
    return text


def _mentioned_in(text: str, post: Post) -> list[Person]:
    """The people whose names stand after an @, whole or the first name alone. Raises ValidationError for who cannot be
    told; an @ before anything else is just an @.
    """
    places = [text[hit.end() :] for hit in AT.finditer(text)]
    if not places:
        return []
    readers = {person.pk: person for person in readers_of(post)}
    people = _by_first_word(Person.objects.order_by("name", "pk"))
    found = [person for rest in places for person in _named(rest, people, readers)]
    return list({person.pk: person for person in found}.values())


def _by_first_word(people: Iterable[Person]) -> dict[str, list[Person]]:
    """So that a mention is compared with a few, among thousands of people: the post is locked meanwhile."""
    found = defaultdict(list)
    for person in people:
        if word := WORD.match(person.name.casefold()):
            found[word.group()].append(person)
    return found


def _named(rest: str, people: dict[str, list[Person]], readers: dict[int, Person]) -> list[Person]:
    rest = rest.casefold()
    word = WORD.match(rest)
    alike = people.get(word.group(), []) if word else []
    whole = [p for p in alike if re.match(rf"{re.escape(p.name.casefold())}(?!\w)", rest)]
    longest = max((len(p.name) for p in whole), default=0)
    if named := [p for p in whole if len(p.name) == longest]:
        return [p for p in named if p.pk in readers] or _refuse(named[0])
    first = FIRST_NAME.match(rest)
    called = [p for p in alike if first and p.name.casefold().split(" ")[0] == first.group()]
    if len(called) == 1:
        return called if called[0].pk in readers else _refuse(called[0])
    reading = [p for p in called if p.pk in readers]
    if called and len(reading) != 1:
        names = " or ".join(f"@{p.name}" for p in reading or called)
        raise ValidationError({"text": f"Several people are called so. Write the whole name: {names}."})
    return reading


def _refuse(person: Person) -> list[Person]:
    why, what = "may not see this post", "Ask who manages its channels to let them see it, or leave out the @."
    if Person.objects.departed().filter(pk=person.pk).exists():
        why, what = "has left", "Name somebody else, or leave out the @."
    raise ValidationError({"text": f"{person} {why}, so cannot be told of it. {what}"})


def _place_of(quote: str, revision: Revision, outside: bool) -> int | None:
    """The channel on which the revision says so; None: in the master text, read `outside` only where it goes out."""
    channels = [variant["channel"] for variant in revision.content["variants"]]
    there = next((channel for channel in channels if queries.says(revision, quote, channel)), None)
    if (there or not outside) and queries.says(revision, quote, None):
        return None
    if there:
        return there
    raise ValidationError({"quote": "These words do not stand in the post as it was saved. Copy them from there."})


def _reopen(thread: CommentThread, post: Post, by: Person | None, external: ExternalApprover | None = None) -> None:
    open_again = CommentThread.objects.filter(pk=thread.pk, resolved_at__isnull=False)
    if open_again.update(resolved_at=None, resolved_by=None):
        record(by, "comment.reopened", post, thread=thread.pk, **({"external": external.email} if external else {}))


def _tell(comment: Comment, mentioned: list[Person]) -> None:
    """Whoever is mentioned, by mail; the author of the post and who wrote in the thread, in their list, unless somebody
    from outside wrote, who cannot ask twice."""
    post, who, url = comment.thread.post, comment.who, reverse("comment_list", args=[comment.thread.post_id])
    told = {person.pk for person in mentioned} - {comment.by_id}
    others = {post.author_id, *comment.thread.comments.values_list("by", flat=True)} - {comment.by_id, None}
    for person in readers_of(post).filter(pk__in=told | others).order_by("pk"):
        if person.pk in told:
            words = f"{who} mentions you in a comment on “{post.title}”."
            notifying.notify(person, "comment.mentioned", words, url, mail=True)
        else:
            words, mail = f"{who} commented on “{post.title}”.", comment.external is not None
            notifying.notify(person, "comment.written", words, url, mail=mail)
    if comment.by and comment.thread.kind == CommentThread.Kind.EXTERNAL:
        linking.tell_of_comment(post, comment.by)
