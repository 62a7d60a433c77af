"""Freezing the population of a review, and who looks at each door of it.

The verb that opens a review says what and when; a worker copies the ledger in slices (work_due), so that four hundred
thousand doors hold up nobody. A row that ends meanwhile is still in it: it stood open at the moment of opening.
"""

from django.db import connection, transaction
from django.db.models import Max
from django.db.models.functions import Now

from accounts import audit
from channels_registry.models import AccessGrant
from governance.models import AccessReview, ReviewItem, ReviewTurn
from governance.queries import reviewers
from governance.queries.digests import population_sha256
from socialops.lib.clock import steady
from socialops.lib.turns import only_one, safely

audit.register("access_review.ready", "froze the doors of an access review")

SLICE, SECONDS = 5000, 20.0  # doors a transaction; in which a run begins something new


def work_due() -> int:
    """Copy what is to be copied. Returns how many reviews were at hand."""
    end, count = steady() + SECONDS, 0
    for review in AccessReview.objects.filter(state="preparing").order_by("pk"):
        with only_one(f"review {review.pk}") as mine:
            if mine:
                safely(lambda each: prepare(each, end), review)
                count += 1
    return count


def prepare(review: AccessReview, end: float | None = None) -> bool:
    """Slice after slice until the population is whole. False if the time was up, or the review was cancelled."""
    while _slice(review.pk):
        if end is not None and steady() > end:
            return False
    return finish(review)


@transaction.atomic
def _slice(pk: int) -> int:
    """Copy the next doors of the ledger; how many."""
    review = AccessReview.objects.select_for_update().get(pk=pk)
    if review.state != AccessReview.State.PREPARING:
        return 0
    doors = reviewers.doors_in(review.scope, review.opened_at, review.last_grant).filter(pk__gt=review.cursor)
    ids = list(doors.order_by("pk").values_list("pk", flat=True)[:SLICE])
    if ids:
        _copy(review, ids)
        review.cursor, review.total = ids[-1], review.total + len(ids)
        review.save(update_fields=["cursor", "total"])
    return len(ids)


@transaction.atomic
def finish(review: AccessReview) -> bool:
    """The population is whole: its hash is kept, and its reviewers may begin."""
    review = AccessReview.objects.select_for_update().get(pk=review.pk)
    if review.state != AccessReview.State.PREPARING:
        return False
    review.population_sha256 = population_sha256(review)
    review.state, review.ready_at = AccessReview.State.OPEN, Now()
    review.save(update_fields=["population_sha256", "state", "ready_at"])
    give_turns(review)
    audit.record(None, "access_review.ready", review, doors=review.total, population=review.population_sha256)
    return True


def give_turns(review: AccessReview) -> None:
    """A row for everybody who has something to look at. Needs a transaction."""
    asked = ReviewItem.objects.filter(review=review, reviewer__isnull=False).values_list("reviewer", flat=True)
    turns = [ReviewTurn(review=review, person_id=pk) for pk in asked.order_by().distinct()]
    ReviewTurn.objects.bulk_create(turns, ignore_conflicts=True)


def youngest_grant() -> int:
    """The last row of the ledger. What is written later is noted, and not in the population."""
    return AccessGrant.objects.aggregate(last=Max("pk"))["last"] or 0


def _copy(review: AccessReview, ids: list[int]) -> None:
    picked = reviewers.pick(reviewers.chain(review))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO {ReviewItem._meta.db_table} (
                review_id, grant_id, channel_id, person_id, granted_by_id, door, entitlement, label, source, holder,
                channel_name, tier, granted_reason, granted_at, expires_at, proven_at, reviewer_id, why,
                handed, state, many, lapsed, reason, accepted_reason)
            SELECT %s, g.id, g.channel_id, g.person_id, g.granted_by_id, g.door, g.entitlement, g.label, g.source,
                coalesce(p.name, nullif(d.handle, ''), nullif(d.name, ''), nullif(g.label, ''), 'Nobody known'),
                c.name, c.risk_tier, g.reason, g.starts_at, g.expires_at, g.last_proven_at, r.who, coalesce(r.why, ''),
                '[]'::jsonb, 'open', false, false, '', ''
            FROM channels_registry_accessgrant g {reviewers.JOINED} {picked.text}
            WHERE g.id = ANY(%s) ORDER BY g.id
            """,  # noqa: S608
            [review.pk, *picked.params, ids],
        )
