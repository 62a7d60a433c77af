"""Many who leave at once, such as an agency whose contract ends: one departure and one case each, one owner of all."""

from collections.abc import Sequence
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import audit, people
from accounts.models import Person, Role
from accounts.permissions import require_role
from governance import offboarding
from governance.models import OffboardingBatch, OffboardingCase

audit.register("offboarding_batch.opened", "recorded that many leave at once")

MOST = 500


@transaction.atomic
def leave_together(
    by: Person, name: str, leavers: Sequence[Person], at_wall: datetime, time_zone: str, reason: str = ""
) -> OffboardingBatch:
    """Everybody, or nobody: one who cannot leave is named, and then nothing is recorded. `at_wall` is naive local time.

    An administrator records it, and is no part of it. ValidationError by field: name, people, at, time_zone.
    """
    require_role(by, Role.ADMIN)
    leavers = list(dict.fromkeys(leavers))
    if not name.strip():
        raise ValidationError({"name": "Give it a name, such as that of the agency."})
    if not leavers:
        raise ValidationError({"people": "Name at least one person."})
    if len(leavers) > MOST:
        raise ValidationError({"people": f"At most {MOST} people leave in one go. Make two of it."})
    batch = OffboardingBatch.objects.create(name=name.strip()[:120], owner=by)
    refused: list[str] = []
    for person in sorted(leavers, key=lambda each: each.pk):
        try:
            departure = people.mark_departed(person, at_wall, time_zone, by, reason or name.strip())
        except ValidationError as error:
            if hasattr(error, "error_dict"):
                raise  # the time is nobody's fault
            refused += error.messages
        else:
            case = offboarding.open_case(departure, by)
            OffboardingCase.objects.filter(pk=case.pk).update(batch=batch, owner=by)
    if refused:
        raise ValidationError({"people": refused})
    audit.record(by, "offboarding_batch.opened", batch, people=[person.pk for person in leavers])
    return batch
