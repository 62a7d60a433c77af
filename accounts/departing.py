"""Leaving. The row alone shuts the person out, from its minute on; the sweep cleans up and is never waited for."""

from datetime import UTC, datetime, timedelta

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now

from accounts import audit
from accounts.models import ApiToken, Departure, Invitation, Person, Role, RoleAssignment, User
from accounts.permissions import administrators_in_turn, require_role
from accounts.queries import another_administrator
from socialops.lib import wall_clock
from socialops.lib.turns import safely

LONGEST_AGO = timedelta(days=31)  # said late, a departure is recorded as of when it was; older is a slip of the pen
LONGEST_AHEAD = timedelta(days=730)

audit.register("departure.recorded", "recorded a departure")
audit.register("departure.withdrawn", "withdrew a departure")
audit.register("departure.swept", "ended the sessions, keys and roles of somebody who left")


@transaction.atomic
def mark_departed(person: Person, at_wall: datetime, time_zone: str, by: Person, reason: str = "") -> Departure:
    """From this minute on the person has no session, right or delivery here. `at_wall` is naive local time.

    An administrator records it, for somebody else. Refuses a wall time that the clocks skip, and names the next.
    """
    administrators_in_turn()
    require_role(by, Role.ADMIN)
    if person == by:
        raise ValidationError("Nobody records their own departure. Ask another administrator.")
    at = _checked_instant(at_wall, time_zone)
    person = Person.objects.select_for_update().get(pk=person.pk)
    if not another_administrator(person):
        raise ValidationError(f"{person} is the only administrator who stays. Make somebody else administrator first.")
    try:
        with transaction.atomic():
            departure = Departure.objects.create(
                person=person, at=at, wall_time=at_wall.replace(tzinfo=UTC), time_zone=time_zone,
                reason=reason.strip(), recorded_by=by,
            )  # fmt: skip
    except IntegrityError as error:
        raise ValidationError(f"{person} has a departure already. Withdraw it first to change it.") from error
    audit.record(by, "departure.recorded", person, at=at.isoformat(), time_zone=time_zone, reason=departure.reason)
    return departure


@transaction.atomic
def withdraw_departure(departure: Departure, by: Person, reason: str = "") -> Departure:
    """Before its minute. Afterwards the person comes back by a new invitation, and by nothing else."""
    require_role(by, Role.ADMIN)
    departure = Departure.objects.select_for_update(of=("self",)).select_related("person").get(pk=departure.pk)
    if departure.person == by:
        raise ValidationError("Nobody withdraws their own departure. Ask another administrator.")
    if departure.withdrawn_at or departure.returned_at:
        raise ValidationError("This departure does not stand any more.")
    if Departure.objects.filter(pk=departure.pk, at__lte=Now()).exists():
        raise ValidationError(f"{departure.person} has left. To bring them back, invite them again.")
    departure.withdrawn_at, departure.withdrawn_by = Now(), by
    departure.save(update_fields=["withdrawn_at", "withdrawn_by"])
    departure.refresh_from_db(fields=["withdrawn_at"])
    audit.record(by, "departure.withdrawn", departure.person, reason=reason.strip())
    return departure


def sweep_departed() -> int:
    """Clean up after every departure that has come. Looks at what is, so a missed run loses nothing."""
    due = Departure.objects.filter(withdrawn_at=None, returned_at=None, swept_at=None, at__lte=Now())
    return sum(bool(safely(clean_up, departure)) for departure in due.order_by("at")[:500])


@transaction.atomic
def clean_up(departure: Departure) -> bool:
    """End the sessions, password, second factors, tokens, invitations and roles of somebody who has left. Once."""
    departure = Departure.objects.select_for_update(of=("self",)).select_related("person").get(pk=departure.pk)
    if departure.swept_at:
        return False
    person = departure.person
    ended = {"roles": RoleAssignment.objects.filter(person=person, ended_at=None).update(ended_at=Now())}
    Invitation.objects.filter(
        person=person, accepted_at=None, withdrawn_at=None, invited_at__lt=max(departure.at, departure.recorded_at)
    ).update(withdrawn_at=Now())  # fmt: skip
    ended["tokens"] = ApiToken.objects.filter(person=person, ended_at=None).update(ended_at=Now())
    user = User.objects.filter(person=person).first()
    if user:
        ended |= _end_login(user)
    Departure.objects.filter(pk=departure.pk).update(swept_at=Now())
    audit.record(None, "departure.swept", person, **ended)
    return True


def _end_login(user: User) -> dict[str, int]:
    """Each of these alone would not do: reactivation revives sessions, a reset link outlives the password."""
    sessions = list(UserSession.objects.filter(user=user))
    for session in sessions:
        session.end()
    keys, _ = Authenticator.objects.filter(user=user).delete()
    user.set_unusable_password()
    User.objects.filter(pk=user.pk).update(
        password=user.password, is_active=False, session_epoch=F("session_epoch") + 1
    )
    return {"sessions": len(sessions), "second_factors": keys}


def _checked_instant(at_wall: datetime, time_zone: str) -> datetime:
    try:
        reading = wall_clock.read(at_wall, time_zone)
    except ValidationError as error:
        field = "at" if error.code == "far" else "time_zone"
        raise ValidationError({field: error.messages}) from error
    if reading.skipped:
        raise ValidationError({
            "at": f"{at_wall:%H:%M} does not exist in {time_zone} on {at_wall:%-d %B %Y}: the clocks skip it. "
            f"The next time that exists is {reading.wall(time_zone):%-d %B, %H:%M}."
        })  # fmt: skip
    now = wall_clock.database_now()
    if reading.instant < now - LONGEST_AGO:
        raise ValidationError({"at": f"That is more than {LONGEST_AGO.days} days ago. Check the date."})
    if reading.instant > now + LONGEST_AHEAD:
        raise ValidationError({"at": "That is more than two years ahead. Check the date."})
    return reading.instant
