"""Certify or revoke one door, or several; take it back; hand in what was decided.

Locks: the review, shared (hold_open), then items in the order of their ids. Whoever signs it off takes it alone.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from accounts import audit
from accounts.models import Person
from accounts.permissions import is_present
from governance.models import AccessReview, ReviewItem
from governance.queries.facts import never_used
from socialops.lib.wall_clock import database_now

audit.register("review_item.certified", "certified a door")
audit.register("review_item.revoked", "decided that a door is to be shut")
audit.register("review_item.taken_back", "took a decision about a door back")
audit.register("access_review.handed_in", "handed in decisions of an access review")

CERTIFY, REVOKE = ReviewItem.State.CERTIFIED, ReviewItem.State.REVOKED
MOST = 500  # at once
UNDECIDED = {
    "state": "open", "decided_by": None, "decided_at": None, "seconds": None, "many": False, "reason": "",
    "submitted_at": None,
}  # fmt: skip
NOT_SHOWN = "Open it first: what is not looked at is not certified."


@dataclass
class Bulk:
    """How many were decided, and why the others were not."""

    done: int = 0
    left: Counter[str] = field(default_factory=Counter)


@transaction.atomic
def show(item: ReviewItem, by: Person) -> ReviewItem:
    """Its page is sent to its reviewer: from now on the seconds count. Anybody else's look changes nothing."""
    if item.reviewer_id == by.pk and item.state == ReviewItem.State.OPEN and item.shown_at is None:
        unseen = ReviewItem.objects.filter(pk=item.pk, reviewer=by, state="open", shown_at=None, review__state="open")
        unseen.update(shown_at=Now())
    return item


@transaction.atomic
def decide(item: ReviewItem, by: Person, verdict: str, reason: str = "") -> ReviewItem:
    """Certify or revoke. Its reviewer alone may, and never about a door that is theirs or that they gave.

    A reason is needed to revoke, and to certify what is at high risk or was never used.
    """
    hold_open(item.review)
    item = _locked([item.pk])[0]
    require_reviewer(item, by)
    reason = reason.strip()[:500]
    if problem := _problem(item, verdict, reason):
        raise ValidationError({"reason": problem})
    if verdict == CERTIFY and not reason and never_used([item]):
        raise ValidationError({"reason": "It was never used. Say why it is needed all the same."})
    _keep([item], by, verdict, reason, many=False)
    return item


@transaction.atomic
def decide_many(review: AccessReview, by: Person, pks: Sequence[int], verdict: str, reason: str = "") -> Bulk:
    """Several of one's own at once. Certified together: only what is at low risk and was opened. Others are left."""
    hold_open(review)
    if len(pks) > MOST:
        raise ValidationError(f"At most {MOST} at once.")
    items = [item for item in _locked(pks) if item.review_id == review.pk]
    bulk, reason = Bulk(), reason.strip()[:500]
    unused = never_used(items) if verdict == CERTIFY and not reason else set()
    chosen = []
    for item in items:
        if problem := _problem_of_many(item, by, verdict, reason, item.pk in unused):
            bulk.left[problem] += 1
        else:
            chosen.append(item)
    _keep(chosen, by, verdict, reason, many=True)
    bulk.done = len(chosen)
    return bulk


@transaction.atomic
def take_back(item: ReviewItem, by: Person) -> ReviewItem:
    """Undo, until it was handed in."""
    hold_open(item.review)
    item = _locked([item.pk])[0]
    if item.decided_by_id != by.pk or item.reviewer_id != by.pk:
        raise PermissionDenied("Only whoever decided it may take it back.")
    if item.submitted_at:
        raise ValidationError("It was handed in, and stands. A door that was shut is given again by a new grant.")
    audit.record(by, "review_item.taken_back", item, review=item.review_id, was=str(item.state))
    ReviewItem.objects.filter(pk=item.pk).update(**UNDECIDED)
    item.refresh_from_db()
    return item


@transaction.atomic
def hand_in(review: AccessReview, by: Person) -> Counter[str]:
    """What one has decided stands from now on, and what is to be shut is asked for. How many of each."""
    hold_open(review)
    if not is_present(by):
        raise PermissionDenied("Somebody who has left hands nothing in.")
    mine = ReviewItem.objects.filter(
        review=review, decided_by=by, submitted_at=None, state__in=["certified", "revoked"]
    )
    counts = submitted(mine)
    if not counts:
        raise ValidationError("There is nothing to hand in. Decide first.")
    audit.record(by, "access_review.handed_in", review, **counts)
    return counts


def submitted(items: QuerySet[ReviewItem]) -> Counter[str]:
    """Stamp decisions as handed in. Needs a transaction."""
    rows = list(items.order_by("pk").select_for_update().values_list("pk", "state"))
    ReviewItem.objects.filter(pk__in=[pk for pk, _ in rows]).update(submitted_at=Now())
    return Counter(state for _, state in rows)


def require_reviewer(item: ReviewItem, by: Person) -> None:
    """Raises unless `by` is here, it is their turn, and the door is neither theirs nor given by them, as of now."""
    if item.reviewer_id != by.pk or not is_present(by):
        raise PermissionDenied("Only its reviewer decides about this door. It can be handed over.")
    if by.pk in whose(item):
        raise PermissionDenied("You have this door, or you gave it. Somebody else decides about it.")


def whose(item: ReviewItem) -> set[int | None]:
    """Who has the door or gave it: when the review was opened, and now."""
    grant = item.grant
    over_there = grant.identity.person_id if grant.identity else None
    return {item.person_id, item.granted_by_id, grant.person_id, grant.granted_by_id, over_there}


def hold_open(review: AccessReview) -> None:
    """Keep the review from being signed off or cancelled until this transaction ends. Raises if it is not open."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT state FROM {AccessReview._meta.db_table} WHERE id = %s FOR SHARE",  # noqa: S608
            [review.pk],
        )
        state = AccessReview.State(cursor.fetchone()[0])
    if state != AccessReview.State.OPEN:
        raise ValidationError(f"This review is {state.label.lower()}: nothing in it can be decided now.")


def locked_items(pks: Sequence[int]) -> None:
    """In one order, so that two who change many never wait for one another."""
    list(ReviewItem.objects.filter(pk__in=pks).order_by("pk").select_for_update().values_list("pk"))


def _locked(pks: Sequence[int]) -> list[ReviewItem]:
    rows = ReviewItem.objects.filter(pk__in=pks).order_by("pk").select_for_update(of=("self",))
    return list(rows.select_related("review", "grant__identity"))


def _problem(item: ReviewItem, verdict: str, reason: str) -> str:
    if verdict not in (CERTIFY, REVOKE):
        return "Certify or revoke."
    if item.state != ReviewItem.State.OPEN:
        return f"It is {item.get_state_display().lower()} already. Take that back first."
    if item.grant.revoked_at or (item.grant.expires_at and item.grant.expires_at <= timezone.now()):
        return "The door was shut meanwhile: there is nothing left to decide."
    if verdict == REVOKE and not reason:
        return "Say why it is to be shut. The reason stays with the proof."
    if verdict == CERTIFY and item.tier == "high":
        if item.shown_at is None:
            return NOT_SHOWN
        if not reason:
            return "High risk: say why this is needed. The reason stays with the review."
    return ""


def _problem_of_many(item: ReviewItem, by: Person, verdict: str, reason: str, unused: bool) -> str:
    if item.reviewer_id != by.pk or by.pk in whose(item):
        return "not yours to decide"
    if verdict == CERTIFY and item.tier != "low":
        return "certified one at a time, because of their risk"
    if verdict == CERTIFY and item.shown_at is None:
        return "not opened yet"
    if unused:
        return "never used: a reason is needed"
    return _problem(item, verdict, reason)


def _keep(items: Sequence[ReviewItem], by: Person, verdict: str, reason: str, many: bool) -> None:
    now = database_now()
    if many and not is_present(by):
        raise PermissionDenied("Somebody who has left decides nothing.")
    for item in items:
        item.state, item.decided_by, item.decided_at, item.reason, item.many = verdict, by, now, reason, many
        item.seconds = _seconds(item.shown_at, now)
    ReviewItem.objects.bulk_update(items, ["state", "decided_by", "decided_at", "reason", "many", "seconds"])
    audit.record_many(
        (by, f"review_item.{item.state}", item, {
            "review": item.review_id, "grant": item.grant_id, "channel": item.channel_id, "person": item.person_id,
            "reason": reason, "seconds": item.seconds, "many": many,
        }) for item in items
    )  # fmt: skip


def _seconds(shown: datetime | None, now: datetime) -> float | None:
    return round(max(0.0, (now - shown).total_seconds()), 1) if shown else None
