"""Legal holds: what may not be deleted or erased until somebody else than who placed it lifts it."""

from datetime import datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.db.models.functions import Now

from accounts import audit
from accounts.models import Person
from accounts.models.person import Role
from accounts.permissions import has_role
from channels_registry.models import Channel
from governance.models import LegalHold
from socialops.lib.keeping import Kept

audit.register("legal_hold.placed", "placed a legal hold")
audit.register("legal_hold.lifted", "lifted a legal hold")

PRESERVING = 7_301_984_233  # an advisory lock: nothing is deleted while a hold is being placed


@transaction.atomic
def place(
    by: Person, scope: str, reason: str, person: Person | None = None, channel: Channel | None = None,
    first: datetime | None = None, last: datetime | None = None,
) -> LegalHold:  # fmt: skip
    """From this commit on, nothing that it covers is purged or erased."""
    _require(by)
    if not reason.strip():
        raise ValidationError({"reason": "Say why it has to be kept, and for which matter."})
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PRESERVING])
    hold = LegalHold(
        scope=scope, reason=reason.strip(), person=person, channel=channel, first=first, last=last, placed_by=by
    )
    hold.full_clean()
    hold.save()
    audit.record(by, "legal_hold.placed", hold, scope=scope, reason=hold.reason)
    return hold


@transaction.atomic
def lift(hold: LegalHold, by: Person, reason: str) -> LegalHold:
    """By a second person: never who placed it, never whom it is about."""
    _require(by)
    hold = LegalHold.objects.select_for_update(of=("self",)).select_related("placed_by").get(pk=hold.pk)
    if hold.lifted_at:
        raise ValidationError(f"{hold.lifted_by} has lifted this already.")
    if hold.placed_by_id == by.pk:
        raise ValidationError("You placed this hold. Another administrator has to lift it.")
    if hold.person_id == by.pk:
        raise PermissionDenied("This hold is about you. Another administrator has to lift it.")
    if not reason.strip():
        raise ValidationError({"reason": "Say why it need not be kept any more."})
    hold.lifted_by, hold.lifted_at, hold.lifted_reason = by, Now(), reason.strip()
    hold.save(update_fields=["lifted_by", "lifted_at", "lifted_reason"])
    audit.record(by, "legal_hold.lifted", hold, reason=hold.lifted_reason)
    return hold


def kept() -> Kept:
    """What stands under a hold now. In a transaction, no hold can be placed until it ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [PRESERVING])
    holds = list(LegalHold.objects.filter(lifted_at=None))
    return Kept(
        everything=any(hold.scope == LegalHold.Scope.EVERYTHING for hold in holds),
        people=frozenset(hold.person_id for hold in holds if hold.person_id),
        channels=frozenset(hold.channel_id for hold in holds if hold.channel_id),
        periods=tuple((hold.first, hold.last) for hold in holds if hold.first and hold.last),
    )


def _require(by: Person) -> None:
    if not has_role(by, Role.ADMIN):
        raise PermissionDenied("Only an administrator places and lifts legal holds. Auditors can read them.")
