"""The sign-off of a review, and its sampled re-check.

Whoever signs off is named, is not the only one who decided, and signs two hashes: of the frozen population, and of
every decision with what became of it.
"""

import secrets
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from accounts import audit
from accounts.models import Person, Role
from accounts.permissions import is_present, require_role
from governance.deciding import whose
from governance.handing import own_decisions
from governance.models import AccessReview, Attestation, ReviewItem, ReviewSample, SampledItem
from governance.queries import digests
from governance.queries.pace import pace
from governance.queries.reviewers import may_look
from governance.remedying import unremedied
from socialops.lib.wall_clock import database_now

audit.register("access_review.attested", "signed an access review off")
audit.register("access_review.sampled", "had doors of an access review drawn to be looked at again")
audit.register("access_review.rechecked", "looked at a door of an access review again")

MOST_SAMPLED = 500
DECIDED = ("certified", "revoked")


@transaction.atomic
def attest(review: AccessReview, by: Person, statement: str) -> Attestation:
    """Sign the review off, or say what is missing. Recomputes both hashes from the rows."""
    require_role(by, Role.ADMIN, Role.SOCIAL_LEAD)
    review = AccessReview.objects.select_for_update().get(pk=review.pk)
    if review.state != AccessReview.State.OPEN:
        raise ValidationError(f"This review is {review.get_state_display().lower()}.")
    if len(statement.strip()) < 20:
        raise ValidationError({"statement": "Say in a sentence what you sign for. It stays with the review."})
    if only_reviewer(review, by):
        raise PermissionDenied("You decided everything here yourself. Somebody else signs it off.")
    if missing := what_is_missing(review):
        raise ValidationError(missing)
    population = digests.population_sha256(review)
    if population != review.population_sha256:
        raise ValidationError("The doors are not those that were frozen: somebody changed them past every rule. Stop.")
    made = Attestation.objects.create(
        review=review, by=by, at=database_now(), statement=statement.strip(), figures=_figures(review),
        population_sha256=population, decisions_sha256=digests.decisions_sha256(review),
    )  # fmt: skip
    review.state, review.ended_at, review.ended_by = AccessReview.State.ATTESTED, Now(), by
    review.save(update_fields=["state", "ended_at", "ended_by"])
    audit.record(
        by, "access_review.attested", review, statement=made.statement, population=population,
        decisions=made.decisions_sha256, **made.figures["states"],
    )  # fmt: skip
    return made


def only_reviewer(review: AccessReview, by: Person) -> bool:
    """Whether `by` decided all that people decided."""
    deciders = ReviewItem.objects.filter(review=review, state__in=DECIDED, decided_by__isnull=False)
    mine = deciders.filter(decided_by=by)
    return mine.exists() and not deciders.exclude(decided_by=by).exists()


def what_is_missing(review: AccessReview) -> list[str]:
    """Why it cannot be signed off yet, in plain words; empty when it can."""
    items = ReviewItem.objects.filter(review=review)
    found = [
        (items.filter(state="open").count(), "not decided yet"),
        (items.filter(state__in=DECIDED, submitted_at=None).count(), "decided, and not handed in yet"),
        (own_decisions(review).count(), "certified by somebody who has it or gave it; it is being given to another"),
        (unremedied(review).count(), "revoked, and not proven shut yet"),
    ]
    return [f"{'1 door is' if count == 1 else f'{count} doors are'} {words}." for count, words in found if count]


@transaction.atomic
def draw_sample(review: AccessReview, by: Person, rechecker: Person, size: int, seed: str = "") -> ReviewSample:
    """Draw decided items by chance, for another person to decide once more. The seed is kept: anybody can draw again.

    The order is that of SHA-256 over "seed:item id". Out of the draw is what the rechecker has, gave or decided.
    """
    require_role(by, Role.ADMIN, Role.AUDITOR)
    if review.state not in ("open", "attested") or ReviewItem.objects.filter(review=review, state="open").exists():
        raise ValidationError("A sample is drawn when everything is decided.")
    if not may_look().filter(pk=rechecker.pk).exists():
        raise ValidationError({"rechecker": "Choose somebody who works here and can sign in."})
    if not 1 <= size <= MOST_SAMPLED:
        raise ValidationError({"size": f"Between 1 and {MOST_SAMPLED}."})
    seed = seed or secrets.token_hex(16)
    drawn_from = _may_be_rechecked(review, rechecker)
    pks = drawn_in_order(seed, list(drawn_from.values_list("pk", flat=True)))[:size]
    if not pks:
        raise ValidationError({"rechecker": f"{rechecker} has, gave or decided each of these doors."})
    sample = ReviewSample.objects.create(
        review=review, seed=seed, size=len(pks), drawn_from=drawn_from.count(), rechecker=rechecker, drawn_by=by
    )
    SampledItem.objects.bulk_create(SampledItem(sample=sample, item_id=pk) for pk in pks)
    audit.record(
        by, "access_review.sampled", review, sample=sample.pk, seed=seed, size=len(pks), of=sample.drawn_from,
        rechecker=rechecker.pk,
    )  # fmt: skip
    return sample


def drawn_in_order(seed: str, pks: Sequence[int]) -> list[int]:
    """The same for everybody who knows the seed."""
    return sorted(pks, key=lambda pk: sha256(f"{seed}:{pk}".encode()).digest())


@transaction.atomic
def recheck(sampled: SampledItem, by: Person, verdict: str, reason: str = "") -> SampledItem:
    """Decide a drawn item once more. It changes nothing but what is known of the review."""
    rows = SampledItem.objects.select_for_update(of=("self",)).select_related("sample", "item__grant__identity")
    sampled = rows.get(pk=sampled.pk)
    if sampled.sample.rechecker_id != by.pk or not is_present(by):
        raise PermissionDenied("Only the person who was asked to look again may decide this.")
    if by.pk in whose(sampled.item) or by.pk == sampled.item.decided_by_id:
        raise PermissionDenied("You have this door, gave it, or decided about it. Somebody else looks again.")
    if sampled.verdict:
        raise ValidationError("You have decided this already.")
    if verdict not in DECIDED:
        raise ValidationError("Certify or revoke.")
    if verdict != sampled.item.state and not reason.strip():
        raise ValidationError({"reason": f"It was {sampled.item.get_state_display().lower()}. Say why you differ."})
    sampled.verdict, sampled.reason, sampled.decided_at = verdict, reason.strip()[:500], database_now()
    sampled.save(update_fields=["verdict", "reason", "decided_at"])
    audit.record(
        by, "access_review.rechecked", sampled.sample.review, item=sampled.item_id, verdict=verdict,
        agrees=not sampled.disagrees, reason=sampled.reason,
    )  # fmt: skip
    return sampled


def _may_be_rechecked(review: AccessReview, by: Person) -> QuerySet[ReviewItem]:
    decided = ReviewItem.objects.filter(review=review, state__in=DECIDED)
    own = Q(person=by) | Q(granted_by=by) | Q(decided_by=by) | Q(grant__person=by) | Q(grant__granted_by=by)
    return decided.exclude(pk__in=decided.filter(own | Q(grant__identity__person=by)).values("pk"))


def _figures(review: AccessReview) -> dict[str, object]:
    """What is signed: how much of each, and how fast each reviewer was."""
    states = Counter(ReviewItem.objects.filter(review=review).values_list("state", flat=True))
    lapsed = ReviewItem.objects.filter(review=review, lapsed=True).count()
    return {
        "states": {**states, "lapsed": lapsed, "doors": review.total},
        "reviewers": [
            {"person": each.person.pk, "decided": each.decided, "median_seconds": each.median, "fast": each.fast,
             "longest_run": each.run, "unopened": each.unopened, "together": each.many}
            for each in pace(review)
        ],
    }  # fmt: skip
