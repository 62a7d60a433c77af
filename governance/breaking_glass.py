"""Emergency access by two people. One asks, with what happened; another one confirms, and it is open at once, for four
hours at most. It ends by itself, everybody who has to know is told of it, and what was done is reported and looked at.

With BREAK_GLASS_ALONE one person may open it, and the second one has 24 hours; off by default.
"""

from datetime import timedelta

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from accounts import audit, notifying
from accounts.models import Person
from accounts.models.person import Role
from accounts.permissions import has_role, is_present, people_with_role
from channels_registry import access
from channels_registry.models import AccessGrant, Channel, Entitlement
from governance.models import BreakGlass
from governance.queries import CONFIRMERS
from socialops.lib.turns import safely
from socialops.lib.wall_clock import database_now

audit.register("break_glass.asked", "asked for emergency access")
audit.register("break_glass.opened", "opened emergency access")
audit.register("break_glass.confirmed", "confirmed emergency access that one person had opened")
audit.register("break_glass.refused", "refused emergency access")
audit.register("break_glass.withdrawn", "withdrew a request for emergency access")
audit.register("break_glass.lapsed", "let a request for emergency access run out")
audit.register("break_glass.over", "ended emergency access")
audit.register("break_glass.reported", "reported what emergency access was used for")
audit.register("break_glass.sent_back", "asked for a better report of emergency access")
audit.register("break_glass.reviewed", "reviewed what emergency access was used for")
audit.register("break_glass.overdue", "found that emergency access has no second person, or no report, in time")

LONGEST = 240  # minutes
CONFIRM_WITHIN, CONFIRM_AFTER, REPORT_WITHIN = timedelta(hours=1), timedelta(hours=24), timedelta(hours=24)
State = BreakGlass.State


@transaction.atomic
def ask(
    by: Person, channel: Channel, entitlement: str, reason: str, incident: str, minutes: int = LONGEST,
    *, alone: bool = False,
) -> BreakGlass:  # fmt: skip
    """Ask for oneself. `incident`: number or address of what happened. `alone`: open it now, where that is allowed."""
    _check(by, channel, entitlement, reason, incident, minutes)
    if alone and not settings.BREAK_GLASS_ALONE:
        raise ValidationError("A second person has to confirm it first. Call one of those who are named below.")
    now = database_now()
    glass = BreakGlass.objects.create(
        asked_by=by, channel=channel, entitlement=entitlement, reason=reason.strip(), incident=incident.strip(),
        minutes=minutes, asked_at=now, confirm_by=now + (CONFIRM_AFTER if alone else CONFIRM_WITHIN), alone=alone,
    )  # fmt: skip
    audit.record(by, "break_glass.asked", glass, **_told(glass), reason=glass.reason, alone=alone)
    if alone:
        return _open(glass, by)
    text = f"{by} needs emergency access to {channel.name}: {glass.reason} Confirm or refuse it."
    _tell([each for each in people_with_role(*CONFIRMERS) if each != by], text, glass)
    return glass


@transaction.atomic
def confirm(glass: BreakGlass, by: Person) -> BreakGlass:
    """A second person, an administrator or social lead, agrees: it is open from now on."""
    glass = _locked(glass)
    _require_second(glass, by)
    if glass.state == State.OPEN and glass.alone and glass.confirmed_by_id is None:
        glass.confirmed_by, glass.confirmed_at = by, Now()
        glass.save(update_fields=["confirmed_by", "confirmed_at"])
        audit.record(by, "break_glass.confirmed", glass, **_told(glass))
        return glass
    if glass.state != State.ASKED or glass.confirm_by <= database_now():
        raise ValidationError("It is settled already, or its hour is over. Let them ask again.")
    if not is_present(glass.asked_by):
        raise ValidationError(f"{glass.asked_by} has left.")
    glass.confirmed_by, glass.confirmed_at = by, database_now()
    return _open(glass, by)


@transaction.atomic
def refuse(glass: BreakGlass, by: Person) -> BreakGlass:
    glass = _locked(glass)
    _require_second(glass, by)
    _require(glass, State.ASKED)
    _move(glass, State.REFUSED, by, "break_glass.refused")
    _tell([glass.asked_by], f"{by} refused your emergency access to {glass.channel.name}.", glass)
    return glass


@transaction.atomic
def withdraw(glass: BreakGlass, by: Person) -> BreakGlass:
    glass = _locked(glass)
    _require_asker(glass, by)
    _require(glass, State.ASKED)
    return _move(glass, State.WITHDRAWN, by, "break_glass.withdrawn")


@transaction.atomic
def close(glass: BreakGlass, by: Person) -> BreakGlass:
    """Before its time: by who has it, or by who could have confirmed it."""
    glass = _locked(glass)
    if by.pk != glass.asked_by_id:
        _require_second(glass, by)
    _require(glass, State.OPEN)
    return _over(glass, by)


@transaction.atomic
def report(glass: BreakGlass, by: Person, text: str) -> BreakGlass:
    """What was done with it. By who had it, within 24 hours of its end."""
    glass = _locked(glass)
    _require_asker(glass, by)
    if not text.strip():
        raise ValidationError({"report": "Say what you did, and what is left to do."})
    if glass.state == State.OPEN:
        glass = _over(glass, by)
    _require(glass, State.OVER)
    glass.report, glass.reported_at = text.strip(), Now()
    _move(glass, State.REPORTED, by, "break_glass.reported", "report", "reported_at")
    told = [each for each in people_with_role(*CONFIRMERS) if each.pk not in (by.pk, glass.confirmed_by_id)]
    _tell(told, f"{by} reported on emergency access to {glass.channel.name}. Review it.", glass)
    return glass


@transaction.atomic
def review(glass: BreakGlass, by: Person, note: str, *, enough: bool = True) -> BreakGlass:
    """Neither who had it nor, where there is anybody else, who confirmed it."""
    glass = _locked(glass)
    _require_second(glass, by)
    _require(glass, State.REPORTED)
    if by.pk == glass.confirmed_by_id and _others(glass):
        raise PermissionDenied("You confirmed it. Another administrator or social lead reviews the report.")
    if not note.strip():
        raise ValidationError({"note": "Say what you found."})
    if not enough:
        glass.report_due_at, glass.alarmed_at = database_now() + REPORT_WITHIN, None
        _move(glass, State.OVER, by, "break_glass.sent_back", "report_due_at", "alarmed_at", note=note.strip()[:300])
        _tell([glass.asked_by], f"{by} asks for more about {glass.channel.name}: {note.strip()}", glass)
        return glass
    glass.reviewed_by, glass.reviewed_at, glass.review = by, Now(), note.strip()[:300]
    fields = ("reviewed_by", "reviewed_at", "review")
    return _move(glass, State.REVIEWED, by, "break_glass.reviewed", *fields, note=glass.review)


def sweep() -> int:
    """What the clock brings about. The access itself was over at its minute, with nothing running."""
    over = Q(state=State.OPEN, ends_at__lte=Now()) | Q(state=State.ASKED, confirm_by__lte=Now())
    late = Q(state=State.OVER, report_due_at__lte=Now()) | Q(alone=True, confirmed_by=None, confirm_by__lte=Now())
    late &= ~Q(state__in=[State.REVIEWED, State.ASKED])
    moved = [safely(_tick, pk) for pk in BreakGlass.objects.filter(over).values_list("pk", flat=True)]
    rows = BreakGlass.objects.filter(late, alarmed_at=None).values_list("pk", flat=True)
    return sum(map(bool, moved)) + sum(bool(safely(_alarm, pk)) for pk in rows)


@transaction.atomic
def _tick(pk: int) -> bool:
    glass = BreakGlass.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
    if glass is None or glass.state not in (State.OPEN, State.ASKED):
        return False
    if glass.state == State.OPEN:
        _over(glass, None)
    else:
        _move(glass, State.LAPSED, None, "break_glass.lapsed")
    return True


@transaction.atomic
def _alarm(pk: int) -> bool:
    glass = BreakGlass.objects.select_for_update(skip_locked=True).filter(pk=pk, alarmed_at=None).first()
    if glass is None:
        return False
    BreakGlass.objects.filter(pk=pk).update(alarmed_at=Now())
    lacking = "no report" if glass.state == State.OVER else "no second person"
    audit.record(None, "break_glass.overdue", glass, **_told(glass), lacking=lacking)
    _tell(
        _everybody(glass), f"Emergency access of {glass.asked_by} to {glass.channel.name} has {lacking} in time.", glass
    )
    return True


def _open(glass: BreakGlass, by: Person) -> BreakGlass:
    """The grant, with its end in the row: nothing has to run for it to end. Everybody who has to know is told."""
    now = database_now()
    glass.opened_at, glass.ends_at = now, now + timedelta(minutes=glass.minutes)
    glass.report_due_at = glass.ends_at + REPORT_WITHIN
    glass.grant = access.grant(
        glass.channel, glass.asked_by, glass.entitlement, None, f"Break-glass {glass.incident}: {glass.reason}"[:300],
        expires_at=glass.ends_at, source=AccessGrant.Source.EMERGENCY,
    )  # fmt: skip
    glass.state = State.OPEN
    glass.save()
    audit.record(by, "break_glass.opened", glass, **_told(glass), grant=glass.grant.pk, ends=glass.ends_at.isoformat())
    who = f", confirmed by {glass.confirmed_by}" if glass.confirmed_by else ", by nobody else yet"
    text = (
        f"Emergency access to {glass.channel.name} is open for {glass.asked_by}{who}. {glass.incident}: {glass.reason}"
    )
    _tell(_everybody(glass), text, glass)
    return glass


def _over(glass: BreakGlass, by: Person | None) -> BreakGlass:
    now = database_now()
    end = min(glass.ends_at or now, now)
    if glass.grant and glass.ends_at != end:
        access.end(glass.grant, by, "Emergency access was closed.")
    glass.ends_at, glass.report_due_at = end, end + REPORT_WITHIN
    _move(glass, State.OVER, by, "break_glass.over", "ends_at", "report_due_at")
    text = f"Emergency access of {glass.asked_by} to {glass.channel.name} is over. The report is due within a day."
    _tell([*_everybody(glass), glass.asked_by], text, glass)
    return glass


def _move(glass: BreakGlass, state: str, by: Person | None, action: str, *fields: str, **more) -> BreakGlass:
    glass.state = state
    glass.save(update_fields=["state", *fields])
    audit.record(by, action, glass, **_told(glass), **more)
    return glass


def _require(glass: BreakGlass, state: str) -> None:
    if glass.state != state:
        raise ValidationError(f"It is at another point by now: {glass.get_state_display().lower()}.")


def _require_asker(glass: BreakGlass, by: Person) -> None:
    if by.pk != glass.asked_by_id or not is_present(by):
        raise PermissionDenied("Only who asked for it can do this.")


def _require_second(glass: BreakGlass, by: Person) -> None:
    if by.pk == glass.asked_by_id:
        raise PermissionDenied("Nobody confirms, closes the case of or reviews their own emergency access.")
    if not has_role(by, *CONFIRMERS):
        raise PermissionDenied("Only an administrator or social lead may do this.")


def _others(glass: BreakGlass) -> bool:
    """Whether there is somebody to review it who has had no part in it."""
    return people_with_role(*CONFIRMERS).exclude(pk__in=[glass.asked_by_id, glass.confirmed_by_id]).exists()


def _everybody(glass: BreakGlass) -> list[Person]:
    """All administrators, and who answers for the channel."""
    channel = glass.channel
    near = [each for each in (channel.owner, channel.backup_owner) if each]
    return [*people_with_role(Role.ADMIN), *near]


def _tell(people: list[Person], text: str, glass: BreakGlass) -> None:
    for _, person in sorted({each.pk: each for each in people}.items()):
        notifying.notify(person, "break_glass", text[:300], f"/break-glass/{glass.pk}/", mail=True)


def _locked(glass: BreakGlass) -> BreakGlass:
    BreakGlass.objects.select_for_update().get(pk=glass.pk)
    rows = BreakGlass.objects.select_related(
        "asked_by", "channel__owner", "channel__backup_owner", "confirmed_by", "grant"
    )
    return rows.get(pk=glass.pk)


def _told(glass: BreakGlass) -> dict:
    return {
        "channel": glass.channel_id, "person": glass.asked_by_id, "entitlement": glass.entitlement,
        "incident": glass.incident,
    }  # fmt: skip


def _check(by, channel, entitlement, reason, incident, minutes) -> None:
    if not is_present(by):
        raise PermissionDenied("Only somebody who works here can ask.")
    if not reason.strip():
        raise ValidationError({"reason": "Say what happened, and what you need to do."})
    if not incident.strip():
        raise ValidationError({"incident": "Give the incident’s number or address."})
    if not 1 <= minutes <= LONGEST:
        raise ValidationError({"minutes": "Choose four hours at most."})
    if entitlement not in Entitlement.values:
        raise ValidationError({"entitlement": "Choose what you have to do there."})
    if channel.state == Channel.State.ARCHIVED:
        raise ValidationError(f"{channel.name} is archived.")
