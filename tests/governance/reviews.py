"""Steps that tests of access reviews share."""

from datetime import timedelta

from django.utils import timezone

from governance import deciding, populating, reviewing
from governance.models import AccessReview, ReviewItem
from tests import factories


def channel(owner: str = "bob", backup: str = "gina", tier: str = "medium", **more):
    """A channel of bob's, with gina behind him."""
    made = factories.channel(owner=factories.person(owner), **more)
    made.backup_owner, made.risk_tier = factories.person(backup), tier
    made.save()
    return made


def opened(*, days: float = 14, **more) -> AccessReview:
    """Opened by erin, and copied by a worker."""
    review = reviewing.open_review(
        factories.erin(), more.pop("name", "Autumn 2026"), timezone.now() + timedelta(days=days), **more
    )
    assert populating.prepare(review)
    return AccessReview.objects.get(pk=review.pk)


def item_of(review: AccessReview, holder: str, **more) -> ReviewItem:
    return ReviewItem.objects.get(review=review, person=factories.person(holder), **more)


def decided(item: ReviewItem, by, verdict: str = "certified", reason: str = "Still works on it") -> ReviewItem:
    deciding.show(item, by)
    return deciding.decide(item, by, verdict, reason)


def moved(review: AccessReview, days: float) -> AccessReview:
    """As if the due date had been so many days earlier."""
    by = timedelta(days=days)
    AccessReview.objects.filter(pk=review.pk).update(due_at=review.due_at - by, opened_at=review.opened_at - by)
    return AccessReview.objects.get(pk=review.pk)
