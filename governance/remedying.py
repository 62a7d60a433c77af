"""What was revoked is shut by the one engine and proven; what cannot be proven is taken on by name by somebody else."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from accounts import audit
from accounts.models import Person, Role
from accounts.permissions import require_role
from channels_registry import revoking
from channels_registry.models import Proof, Revocation
from governance.deciding import hold_open, whose
from governance.models import AccessReview, ReviewItem
from socialops.lib.turns import safely

audit.register("review_item.risk_accepted", "took on the risk of a door that a review could not prove shut")

MOST = 200  # a run
VERIFIED = Revocation.Stage.VERIFIED
# A door that is shut, proven or taken on. One that had ended before it was asked for needs no revocation of its own.
REMEDIED = (
    Q(revocation__stage=VERIFIED) | Q(accepted_by__isnull=False) | Q(revocation=None, grant__revoked_at__isnull=False)
)


def revoke_due() -> int:
    """Ask for what was handed in as revoked. Returns how many were asked for."""
    pks = to_revoke().filter(review__state="open").order_by("grant__channel", "pk").values_list("pk", flat=True)[:MOST]
    return sum(bool(safely(_revoke, pk)) for pk in list(pks))


def to_revoke(review: AccessReview | None = None) -> QuerySet[ReviewItem]:
    """Handed in as revoked, and not asked of the engine yet."""
    due = ReviewItem.objects.filter(state="revoked", revocation=None, submitted_at__isnull=False, accepted_by=None)
    due = due.filter(grant__revoked_at=None)
    return due.filter(review=review) if review else due


@transaction.atomic
def _revoke(pk: int) -> bool:
    """One door, in a commit of its own: one that cannot be asked for costs the others nothing."""
    item = ReviewItem.objects.select_for_update(of=("self",)).select_related("review", "grant").get(pk=pk)
    if item.revocation_id or item.state != ReviewItem.State.REVOKED or item.grant.revoked_at:
        return False
    reason = f"Access review “{item.review}”: {item.reason}"
    item.revocation = revoking.request_revocation(item.grant, by=None, reason=reason)
    item.save(update_fields=["revocation"])
    return True


@transaction.atomic
def accept(item: ReviewItem, by: Person, reason: str) -> ReviewItem:
    """Take on by name that a door stays unproven, or open after all. Never who has it, gave it, or decided about it."""
    require_role(by, Role.ADMIN, Role.SOCIAL_LEAD)
    hold_open(item.review)
    rows = ReviewItem.objects.select_for_update(of=("self",)).select_related("grant__identity", "revocation", "review")
    item = rows.get(pk=item.pk)
    if by.pk in whose(item) or by.pk == item.decided_by_id:
        raise PermissionDenied("Somebody else has to take this on: not who has the door, gave it or decided about it.")
    if not reason.strip():
        raise ValidationError({"reason": "Say why it can be lived with, and until when."})
    if item.accepted_by_id or not may_be_accepted(item):
        raise ValidationError("There is nothing to take on here: it is under way, proven, or taken on already.")
    item.accepted_by, item.accepted_at, item.accepted_reason = by, Now(), reason.strip()[:500]
    item.save(update_fields=["accepted_by", "accepted_at", "accepted_reason"])
    audit.record(by, "review_item.risk_accepted", item, review=item.review_id, grant=item.grant_id, reason=reason)
    return item


def may_be_accepted(item: ReviewItem) -> bool:
    """Graded “not provable”, or its revocation was taken back."""
    revocation = item.revocation
    if item.state != ReviewItem.State.REVOKED or revocation is None:
        return False
    return revocation.state == "cancelled" or revocation.proof == Proof.NOT_PROVABLE


def unremedied(review: AccessReview) -> QuerySet[ReviewItem]:
    """Revoked, and not proven shut yet."""
    return ReviewItem.objects.filter(review=review, state="revoked").exclude(pk__in=_remedied(review))


def _remedied(review: AccessReview) -> QuerySet:
    return ReviewItem.objects.filter(REMEDIED, review=review, state="revoked").values("pk")
