"""Leaving. The row alone shuts the person out, from its minute on; the sweep cleans up and is never waited for."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.urls import reverse

from accounts import audit, entrusting, notifying
from accounts.models import (
    ApiToken,
    Departure,
    DirectoryEntry,
    DirectoryKey,
    Invitation,
    Person,
    Role,
    RoleAssignment,
    User,
)
from accounts.permissions import administrators_in_turn, people_with_role, require_role
from accounts.queries import another_administrator, quiet_to
from socialops.lib import wall_clock
from socialops.lib.turns import safely

LONGEST_AGO = timedelta(days=31)  # said late, a departure is recorded as of when it was; older is a slip of the pen
LONGEST_AHEAD = timedelta(days=730)

audit.register("departure.recorded", "recorded a departure")
audit.register("departure.moved", "moved a departure")
audit.register("departure.withdrawn", "withdrew a departure")
audit.register("departure.swept", "ended the sessions, keys and roles of somebody who left")


class LastAdministrator(ValidationError):
    """Nobody else would be left to let people in or out."""


class TooMany(ValidationError):
    """One key of the directory lets more people go than it may without somebody looking."""


@transaction.atomic
def mark_departed(
    person: Person, at_wall: datetime, time_zone: str, by: Person, reason: str = "", *, quiet: bool = False,
    confidants: Iterable[Person] = (),
) -> Departure:  # fmt: skip
    """From this minute on the person has no session, right or delivery here. `at_wall` is naive local time.

    An administrator records it, for somebody else. Refuses a wall time that the clocks skip, and names the next. A
    quiet one is known, until its minute, to the administrator who records it and to the administrators named.
    """
    administrators_in_turn()
    require_role(by, Role.ADMIN)
    if person == by:
        raise ValidationError("Nobody records their own departure. Ask another administrator.")
    told = _checked_confidants(person, confidants) if quiet else []
    if hidden := quiet_to(by).filter(person=person, withdrawn_at=None).first():
        return _say_openly(hidden, at_wall, time_zone, by, reason.strip())
    departure = Departure(recorded_by=by, reason=reason.strip(), quiet=quiet)
    _record(departure, person, at_wall, time_zone)
    departure.confidants.set(told)
    for each in told:  # not by mail: a mail that is stuck is listed with its subject
        words = f"{by} tells you in confidence: {person} leaves. Nobody else knows before its minute."
        notifying.notify(each, "departure.quiet", words, reverse("person", args=[person.pk]))
    return departure


def _say_openly(departure: Departure, at_wall: datetime, time_zone: str, by: Person, reason: str) -> Departure:
    """Somebody who does not know of a quiet departure records one: they must not learn of the other by a refusal. It is
    theirs from now on, at the earlier of both minutes.
    """
    at = _checked_instant(at_wall, time_zone)
    departure.at = min(at, departure.at)
    if departure.at == at:
        departure.wall_time, departure.time_zone = at_wall.replace(tzinfo=UTC), time_zone
    departure.recorded_by, departure.reason, departure.quiet = by, reason, False
    departure.save(update_fields=["at", "wall_time", "time_zone", "recorded_by", "reason", "quiet"])
    said = {"at": departure.at.isoformat(), "time_zone": departure.time_zone, "reason": reason}
    audit.record(by, "departure.recorded", departure.person, **said)
    return departure


@transaction.atomic
def announce_departure(
    person: Person, at_wall: datetime, time_zone: str, key: DirectoryKey, reason: str = ""
) -> Departure:
    """The same, said by the directory or the personnel system: its key stands as who recorded it, and who answers for
    the key beside it in the trail.

    Raises TooMany and LastAdministrator, which a person decides. Said again of a time ahead, the latest word counts.
    """
    administrators_in_turn()
    key = entrusting.locked_and_live(key)
    at = _checked_instant(at_wall, time_zone)
    standing = Departure.objects.select_for_update().filter(person=person, withdrawn_at=None, returned_at=None).first()
    if standing and standing.at <= wall_clock.database_now():
        return standing
    if standing:
        return _move(standing, at, at_wall, time_zone, key)
    _refuse_too_many(person, key)
    departure = Departure(key=key, reason=reason.strip()[:200])
    _record(departure, person, at_wall, time_zone)
    return departure


@transaction.atomic
def call_off(person: Person, key: DirectoryKey) -> bool:
    """What a key of the directory said of a time ahead does not stand any more. What a person recorded is theirs."""
    ahead = Departure.objects.select_for_update().filter(
        person=person, withdrawn_at=None, returned_at=None, at__gt=Now(), recorded_by=None
    )
    departure = ahead.first()
    if departure is None:
        return False
    Departure.objects.filter(pk=departure.pk).update(withdrawn_at=Now())
    audit.record(None, "departure.withdrawn", person, **key.provenance())
    return True


def wall_now() -> datetime:
    """This moment as naive UTC, by the database's clock."""
    return wall_clock.database_now().astimezone(UTC).replace(tzinfo=None)


def _record(departure: Departure, person: Person, at_wall: datetime, time_zone: str) -> None:
    departure.at = _checked_instant(at_wall, time_zone)
    departure.person = person = Person.objects.select_for_update().get(pk=person.pk)
    departure.wall_time, departure.time_zone = at_wall.replace(tzinfo=UTC), time_zone
    if not another_administrator(person):
        raise LastAdministrator(
            f"{person} is the only administrator who stays. Make somebody else administrator first."
        )
    try:
        with transaction.atomic():
            departure.save()
    except IntegrityError as error:
        raise ValidationError(f"{person} has a departure already. Withdraw it first to change it.") from error
    said = {"at": departure.at.isoformat(), "time_zone": time_zone, "reason": departure.reason, **_aside(departure)}
    said |= departure.key.provenance() if departure.key else {}
    audit.record(departure.recorded_by, "departure.recorded", person, **said)


def _aside(departure: Departure) -> dict[str, int]:
    """What keeps an event from those who need not know yet (queries.unknown_departures)."""
    return {"quiet": departure.pk} if departure.quiet else {}


def _move(departure: Departure, at: datetime, at_wall: datetime, time_zone: str, key: DirectoryKey) -> Departure:
    """One that lies ahead, by whomever it was recorded: the directory may bring it forward, never put it off."""
    if departure.key_id is None and at >= departure.at:
        return departure
    if at == departure.at:
        return departure
    if at < departure.at:
        _refuse_too_many(departure.person, key)
    before, departure.at = departure.at, at
    departure.wall_time, departure.time_zone = at_wall.replace(tzinfo=UTC), time_zone
    departure.save(update_fields=["at", "wall_time", "time_zone"])
    said = {"before": before.isoformat(), "at": at.isoformat(), **key.provenance(), **_aside(departure)}
    audit.record(None, "departure.moved", departure.person, **said)
    return departure


def _refuse_too_many(person: Person, key: DirectoryKey) -> None:
    """A directory that went mad must not lock the company out. Who was made within the hour and never had a login does
    not count: what a client undoes of its own locks nobody out.
    """
    hour_ago = Now() - timedelta(hours=1)
    if person.created_at > wall_clock.database_now() - timedelta(hours=1) and not hasattr(person, "user"):
        return
    counted = key.departures.filter(recorded_at__gt=hour_ago)
    count = counted.exclude(person__created_at__gt=hour_ago, person__user=None).count()
    if count >= most_leavers():
        raise TooMany(
            f"{key} has let {count} people go within an hour, which is as many as it may without somebody looking. "
            f"An administrator decides whether {person} leaves now."
        )


def most_leavers() -> int:
    """How many people one key may let go within an hour: a tenth of the company, at least 3, and at most the setting
    DIRECTORY_MOST_LEAVERS.
    """
    return min(settings.DIRECTORY_MOST_LEAVERS, max(3, Person.objects.present().count() // 10))


def _checked_confidants(person: Person, confidants: Iterable[Person]) -> list[Person]:
    """Administrators who are here, and never the one who leaves."""
    named = set(confidants)
    admins = set(people_with_role(Role.ADMIN).filter(pk__in=[each.pk for each in named]))
    if named - admins or person in named:
        raise ValidationError({"confidants": "Only administrators who stay can be told of a quiet departure."})
    return sorted(named, key=lambda each: each.pk)


@transaction.atomic
def withdraw_departure(departure: Departure, by: Person, reason: str = "") -> Departure:
    """Before its minute. Afterwards the person comes back by a new invitation, and by nothing else."""
    require_role(by, Role.ADMIN)
    departure = Departure.objects.select_for_update(of=("self",)).select_related("person").get(pk=departure.pk)
    if quiet_to(by).filter(pk=departure.pk, withdrawn_at=None).exists():
        raise ValidationError("This departure does not stand.")
    if departure.person == by:
        raise ValidationError("Nobody withdraws their own departure. Ask another administrator.")
    if departure.withdrawn_at or departure.returned_at:
        raise ValidationError("This departure does not stand any more.")
    if Departure.objects.filter(pk=departure.pk, at__lte=Now()).exists():
        raise ValidationError(f"{departure.person} has left. To bring them back, invite them again.")
    departure.withdrawn_at, departure.withdrawn_by = Now(), by
    departure.save(update_fields=["withdrawn_at", "withdrawn_by"])
    departure.refresh_from_db(fields=["withdrawn_at"])
    audit.record(by, "departure.withdrawn", departure.person, reason=reason.strip(), **_aside(departure))
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
    DirectoryEntry.objects.filter(person=person).update(active=False)
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
