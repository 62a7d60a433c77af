"""Making drafts of the rows of a file: through the verbs of drafting, a transaction a row with its outcome.

So it may be stopped, or die, at any row, and goes on at the next. Nothing here approves or schedules.
"""

import logging

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DataError, IntegrityError, transaction

from accounts.models import Person
from publishing import attaching, drafting
from publishing.models import Import, ImportRow, Post
from publishing.queries.imports import Meant, against_change, fetched
from publishing.queries.wishes import Ground, Wish
from publishing.sifting import first_with, keys_before, settle
from socialops.lib.clock import steady

log = logging.getLogger(__name__)
BATCH = 500  # rows that are read against the same ground


def make_until(of: Import, end: float) -> bool:
    """Make posts of the rows that are right, until then (steady seconds). True when none is left."""
    due = of.rows.filter(outcome="", problems={}).order_by("number")
    while steady() < end:
        rows = list(due[:BATCH])
        if not rows:
            return True
        ground = Ground(of.by, of.mapping, of.time_zone, rows)
        meant = Meant(of.by, [ground.wish(row.cells) for row in rows])
        for row in rows:
            if not _one(of.pk, row.pk, ground, meant) or steady() > end:
                return False
    return False


@transaction.atomic
def _one(of_pk: int, pk: int, ground: Ground, meant: Meant) -> bool:
    """One row with its outcome, or neither. False if the import was stopped."""
    of = Import.objects.select_for_update(of=("self",)).select_related("by").get(pk=of_pk)
    row = ImportRow.objects.select_for_update().get(pk=pk)
    if of.state != Import.State.IMPORTING:
        return False
    if row.outcome or row.problems:
        return True
    wish = ground.wish(row.cells)
    if words := first_with(keys_before(of, [wish.key]) if wish.key else {}, wish.key, row.number):
        wish.problems["key"] = words
    post = settle(row, wish, ground, meant)
    if row.problems:
        row.outcome = ImportRow.Outcome.SKIPPED  # it was right when it was checked
    else:
        _write(row, wish, post, of.by)
    row.save()
    if row.post:
        meant.learn(wish, row.post)
    return True


def _write(row: ImportRow, wish: Wish, post: Post | None, by: Person) -> None:
    """Through the verbs; what they refuse stands in the row."""
    try:
        with transaction.atomic():
            if row.plan == ImportRow.Plan.CREATE:
                row.post, row.outcome = _created(wish, by), ImportRow.Outcome.CREATED
            elif row.plan == ImportRow.Plan.NOTHING:
                row.post, row.outcome = post, ImportRow.Outcome.UNCHANGED
            elif post is not None:
                row.post, row.outcome = _changed(post, wish, by), ImportRow.Outcome.CHANGED
    except (ValidationError, PermissionDenied) as error:
        row.post, row.outcome, row.problems = None, ImportRow.Outcome.FAILED, _words(error)
    except (DataError, IntegrityError):
        log.exception("a row could not be imported")
        row.post, row.outcome = None, ImportRow.Outcome.FAILED
        row.problems = {"row": "The database did not take this row. Shorten it, or write it anew."}


def _created(wish: Wish, by: Person) -> Post:
    post = drafting.create_post(
        by, wish.channels, wish.text, wish.title, wish.why_now, wish.own, campaign=wish.campaign, tags=wish.tags
    )
    return _dressed(post, wish, by)


def _changed(post: Post, wish: Wish, by: Person) -> Post:
    """With the post locked and looked at again: it may have been submitted a moment ago."""
    Post.objects.select_for_update().get(pk=post.pk)
    fresh = fetched(by, [post.pk]).get(post.pk)
    words = against_change(fresh) if fresh else "You may not see this post any more."
    if fresh is None or words:
        raise ValidationError({"key": words})
    given = wish.given
    drafting.edit_post(
        fresh, by, expected_revision=fresh.revision_number, channels=wish.channels, variants=wish.own,
        text=wish.text if given & {"text", "link"} else None, title=wish.title or None,
        why_now=wish.why_now if "why_now" in given else None, tags=wish.tags if "tags" in given else None,
        campaign=wish.campaign if "campaign" in given else drafting.UNCHANGED,
    )  # fmt: skip
    return _dressed(Post.objects.get(pk=post.pk), wish, by)


def _dressed(post: Post, wish: Wish, by: Person) -> Post:
    """With its picture, and the time that is offered when it is submitted."""
    if wish.timed:
        Post.objects.filter(pk=post.pk).update(wanted_at=wish.at)
    if wish.asset:
        attaching.attach(post, wish.asset, by, expected_revision=post.revision_number)
    return post


def _words(error: ValidationError | PermissionDenied) -> dict[str, str]:
    if isinstance(error, PermissionDenied):
        return {"channels": str(error)}
    if not hasattr(error, "error_dict"):
        return {"row": " ".join(error.messages)}
    return {name: " ".join(words) for name, words in error.message_dict.items()}
