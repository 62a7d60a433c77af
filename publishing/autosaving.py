"""What is written and not saved yet, kept every few seconds, each page for itself: no race between tabs or people.

Nothing here is part of the trail: what is kept is not the post, and only its writer ever sees it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from accounts.models import Person
from channels_registry.models import Channel
from publishing import drafting, queries
from publishing.models import Editing, Post
from publishing.rights import require_on_all

MOST = 500_000  # characters of all fields together
FORGOTTEN = timedelta(hours=1)  # a page without a word from it for so long, with nothing unsaved, is not kept

Fields = Mapping[str, Sequence[str]]


@transaction.atomic
def begin(by: Person, tab: UUID, channels: Iterable[Channel], text: str, title: str = "", why_now: str = "") -> Post:
    """The draft that a new page's first words make; the same for the same page, however often it asks."""
    Person.objects.select_for_update(no_key=True).get(pk=by.pk)  # two of its requests at once make one draft
    known = Editing.objects.filter(person=by, tab=tab).select_related("post").first()
    if known:
        return known.post
    post = drafting.create_post(by, channels, text, title, why_now)
    Editing.objects.create(person=by, tab=tab, post=post, seen_at=queries.now())
    return post


@transaction.atomic
def keep(post: Post, by: Person, tab: UUID, fields: Fields | None, began_at: int = 0) -> Editing:
    """This person has the post open on this page; `fields` is what stands there unsaved, None that they only look.

    `began_at` is the number of the revision that they began from.
    """
    require_on_all(by, "draft", post, [v.channel for v in queries.variants_of(post)], "change")
    now = queries.now()
    editing, new = Editing.objects.select_for_update().get_or_create(
        person=by, tab=tab, defaults={"post": post, "seen_at": now}
    )
    if editing.post_id != post.pk:
        raise ValidationError("This page belongs to another post. Load it anew.")
    if new:
        _forget(post, now)
    editing.seen_at = now
    if fields is not None and not editing.ended:
        if sum(len(value) for values in fields.values() for value in values) > MOST:
            raise ValidationError({"text": f"This is too much to keep. {MOST:,} characters are kept at most."})
        editing.unsaved, editing.began_at, editing.kept_at = dict(fields), began_at, now
    editing.save()
    return editing


@transaction.atomic
def drop(editing: Editing, by: Person) -> None:
    """Throw away one's own unsaved text."""
    Editing.objects.filter(pk=editing.pk, person=by).update(unsaved=None, ended=True)


def saved(post: Post, by: Person, tab: UUID | None, restored: int | None = None) -> None:
    """What stood on this page is in the post now, and so is what it was restored from."""
    mine = post.editings.filter(person=by)
    mine.filter(Q(tab=tab) | Q(pk=restored)).update(unsaved=None, ended=True)


def _forget(post: Post, now: datetime) -> None:
    post.editings.filter(unsaved=None, seen_at__lt=now - FORGOTTEN).delete()
