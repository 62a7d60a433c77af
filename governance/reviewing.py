"""Access reviews: beginning one, ending one before its time, and the sweep that keeps it in line with who is here.

populating  freezes the doors, and who looks at each
handing     who looks at it instead: by a person, or because somebody left, is away or did not answer
deciding    certify, revoke, take back, hand in
lapsing     reminders, and what silence does
remedying   revocations asked of the one engine, and those that cannot be proven taken on by name
attesting   the sign-off, and the sampled re-check
"""

from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now

from accounts import audit
from accounts.models import Person, Role
from accounts.permissions import require_role
from governance.models import AccessReview
from governance.populating import youngest_grant
from governance.queries.reviewers import doors_in, may_look
from governance.remedying import to_revoke
from socialops.lib.wall_clock import database_now

audit.register("access_review.opened", "opened an access review")
audit.register("access_review.cancelled", "cancelled an access review")

LONGEST, MOST_GRACE = timedelta(days=366), 60
Event, Rule = AccessReview.Event, AccessReview.Rule


def planned(
    by: Person,
    name: str,
    due_at: datetime,
    *,
    scope: dict[str, Any] | None = None,
    event: str = Event.SCHEDULE,
    about: str = "",
    rule: str = Rule.OWNER,
    named: Person | None = None,
    fallback: str = AccessReview.Fallback.BACKUP,
    grace: tuple[int, int, int] = (2, 5, 14),
) -> AccessReview:
    """The review as it would be opened now, checked and not kept. `scope` is that of AccessReview, `grace` the days of
    silence for high, medium and low risk. For its preview.
    """
    now = database_now()
    review = AccessReview(
        name=name.strip(), scope={key: value for key, value in (scope or {}).items() if value}, event=event,
        about=about.strip(), rule=rule, named=named if rule == Rule.NAMED else None, fallback=fallback, due_at=due_at,
        grace_high=grace[0], grace_medium=grace[1], grace_low=grace[2], opened_by=by, opened_at=now,
    )  # fmt: skip
    _check(review, named, now)
    return review


@transaction.atomic
def open_review(by: Person, name: str, due_at: datetime, **more: Any) -> AccessReview:
    """Freeze a scope as it stands now; a worker copies it and tells the reviewers. Arguments as `planned`."""
    require_role(by, Role.ADMIN)
    review = planned(by, name, due_at, **more)
    review.last_grant = youngest_grant()
    review.expected = doors_in(review.scope, review.opened_at, review.last_grant).count()
    if not review.expected:
        raise ValidationError("No open door is in this scope. Widen it.")
    review.save()
    audit.record(
        by, "access_review.opened", review, scope=review.scope, event=str(review.event), about=review.about,
        rule=str(review.rule), named=review.named_id, fallback=str(review.fallback), due_at=due_at.isoformat(),
        doors=review.expected,
    )  # fmt: skip
    return review


@transaction.atomic
def cancel(review: AccessReview, by: Person, reason: str) -> AccessReview:
    """End it without a sign-off. What was handed in stands, and revocations go on; nobody is asked any more."""
    require_role(by, Role.ADMIN)
    review = AccessReview.objects.select_for_update().get(pk=review.pk)
    if review.state not in ("preparing", "open"):
        raise ValidationError(f"This review is {review.get_state_display().lower()} already.")
    if not reason.strip():
        raise ValidationError({"reason": "Say why. The reason stays with the review."})
    if to_revoke(review).exists():
        raise ValidationError("Doors that were handed in are just being shut. Cancel it in a minute.")
    review.state, review.ended_by, review.ended_at = AccessReview.State.CANCELLED, by, Now()
    review.ended_reason = reason.strip()[:300]
    review.save(update_fields=["state", "ended_by", "ended_at", "ended_reason"])
    audit.record(by, "access_review.cancelled", review, reason=review.ended_reason)
    return review


def _check(review: AccessReview, named: Person | None, now: datetime) -> None:
    wrong: dict[str, str] = {}
    if not review.name:
        wrong["name"] = "Give it a name, such as “Autumn 2026”."
    if review.due_at <= now:
        wrong["due"] = "This moment has passed. Give the reviewers some days."
    elif review.due_at > now + LONGEST:
        wrong["due"] = "That is more than a year away. Choose an earlier day."
    if review.rule == Rule.NAMED and not (named and may_look().filter(pk=named.pk).exists()):
        wrong["named"] = "Choose somebody who works here and can sign in."
    if max(review.grace_high, review.grace_medium, review.grace_low) > MOST_GRACE:
        wrong["grace_low"] = f"At most {MOST_GRACE} days: silence must not keep a door open for longer."
    wrong |= _missing(review)
    if wrong:
        raise ValidationError(wrong)


def _missing(review: AccessReview) -> dict[str, str]:
    """What an event has to say of itself."""
    if review.event == Event.MOVER and not review.scope.get("person"):
        return {"person": "Choose who moved."}
    if review.event == Event.OFFBOARDING and not review.scope.get("case"):
        return {"case": "Choose who left."}
    if review.event == Event.INCIDENT and not review.about:
        return {"about": "Say what happened."}
    return {}
