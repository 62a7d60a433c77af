"""When people work, and who stands in for them while they are away."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models.functions import Now

from accounts import audit
from accounts.models import Absence, DirectoryKey, Person
from accounts.permissions import is_present

audit.register("person.hours_changed", "changed their working hours")
audit.register("absence.planned", "said that they will be away")
audit.register("leave.recorded", "recorded a leave of absence")
audit.register("leave.ended", "ended a leave of absence")
audit.register("absence.withdrawn", "said that they will not be away after all")

LONGEST = timedelta(days=400)


@transaction.atomic
def set_working_hours(by: Person, days: list[int], begin: time, end: time) -> Person:
    """One's own: the days of the week (0 is Monday) and the hours, in one's zone."""
    if not days or not set(days) <= set(range(7)):
        raise ValidationError({"working_days": "Choose at least one day."})
    if begin >= end:
        raise ValidationError({"working_until": "The end has to come after the beginning."})
    person = Person.objects.select_for_update().get(pk=by.pk)
    person.working_days, person.working_from, person.working_until = sorted(set(days)), begin, end
    person.save(update_fields=["working_days", "working_from", "working_until"])
    audit.record(
        by, "person.hours_changed", person, days=person.working_days, begin=f"{begin:%H:%M}", end=f"{end:%H:%M}"
    )
    return person


@transaction.atomic
def plan_absence(by: Person, first_day: date, last_day: date, delegate: Person | None = None) -> Absence:
    """One's own, from the first day to the end of the last. The delegate gets what is asked of them meanwhile."""
    if last_day < first_day:
        raise ValidationError({"last_day": "The last day comes before the first."})
    zone = ZoneInfo(by.time_zone)
    starts_at = datetime.combine(first_day, time(), zone)
    ends_at = datetime.combine(last_day + timedelta(days=1), time(), zone)
    if ends_at <= datetime.now(zone):
        raise ValidationError({"last_day": "These days have passed."})
    if ends_at - starts_at > LONGEST:
        raise ValidationError({"last_day": "More than a year is no absence. Ask an administrator about a departure."})
    if delegate == by:
        raise ValidationError({"delegate": "Nobody stands in for themselves. Choose somebody else."})
    if delegate and not is_present(delegate):
        raise ValidationError({"delegate": f"{delegate} has left. Choose somebody else."})
    absence = Absence.objects.create(person=by, starts_at=starts_at, ends_at=ends_at, delegate=delegate)
    audit.record(
        by, "absence.planned", by, first_day=first_day.isoformat(), last_day=last_day.isoformat(),
        delegate=delegate.pk if delegate else None,
    )  # fmt: skip
    return absence


@transaction.atomic
def record_leave(person: Person, first_day: date, last_day: date | None, key: DirectoryKey) -> Absence:
    """A leave of absence, said by the company. Said again with other days, the latest word counts. Without a last day
    it is taken for as long as an absence may be.
    """
    if last_day and last_day < first_day:
        raise ValidationError({"last_day": "The last day comes before the first."})
    zone = ZoneInfo(person.time_zone)
    starts_at = datetime.combine(first_day, time(), zone)
    ends_at = datetime.combine(last_day + timedelta(days=1), time(), zone) if last_day else starts_at + LONGEST
    if ends_at <= datetime.now(zone) or ends_at - starts_at > 3 * LONGEST:
        raise ValidationError({"last_day": "These days have passed, or are years. Check them."})
    Person.objects.select_for_update().get(pk=person.pk)
    standing = Absence.objects.filter(person=person, is_leave=True, withdrawn_at=None, ends_at__gt=Now())
    standing.update(withdrawn_at=Now())
    absence = Absence.objects.create(person=person, starts_at=starts_at, ends_at=ends_at, is_leave=True)
    said = {"first_day": first_day.isoformat(), "last_day": last_day.isoformat() if last_day else None}
    audit.record(None, "leave.recorded", person, **said, **key.provenance())
    return absence


@transaction.atomic
def end_leave(person: Person, key: DirectoryKey) -> bool:
    """They are back from a leave of absence, or did not go. Returns whether there was one."""
    Person.objects.select_for_update().get(pk=person.pk)
    standing = Absence.objects.filter(person=person, is_leave=True, withdrawn_at=None, ends_at__gt=Now())
    ended = standing.filter(starts_at__lt=Now()).update(ends_at=Now()) + standing.update(withdrawn_at=Now())
    if ended:
        audit.record(None, "leave.ended", person, **key.provenance())
    return bool(ended)


@transaction.atomic
def withdraw_absence(absence: Absence, by: Person) -> Absence:
    absence = Absence.objects.select_for_update().get(pk=absence.pk)
    if absence.person_id != by.pk:
        raise PermissionDenied("Only they themselves can say this.")
    if absence.withdrawn_at is None:
        absence.withdrawn_at = Now()
        absence.save(update_fields=["withdrawn_at"])
        audit.record(by, "absence.withdrawn", by)
    return absence
