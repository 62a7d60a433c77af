"""Asking for access. Approving and giving are two people's, or a person's and the engine's; never the asker's.

ask                for oneself: a level on a channel, a seat in a tool, a shared login; with a reason, for a time
approve, refuse    who answers for it; a second person as well where the risk is high
withdraw           the asker, as long as it is not given
give               a seat or a shared login, by a person who did not approve it, once they have done it there
sweep              the engine gives approved rights, ends what nobody decided, reminds; repeating it changes nothing
"""

from collections.abc import Callable
from datetime import timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from accounts import audit, notifying
from accounts.models import Person
from accounts.permissions import is_present
from channels_registry import access, seating, sharing
from channels_registry.models import AccessGrant, Channel, Entitlement, SharedLogin, Tool
from governance import queries
from governance.models import AccessRequest, RequestDecision
from socialops.lib.turns import safely
from socialops.lib.wall_clock import database_now

audit.register("access_request.asked", "asked for access")
audit.register("access_request.approved", "approved a request for access")
audit.register("access_request.refused", "refused a request for access")
audit.register("access_request.withdrawn", "withdrew a request for access")
audit.register("access_request.granted", "gave the access that was approved")
audit.register("access_request.expired", "let a request for access run out")
audit.register("access_request.reopened", "asked for one more approval, since the risk is higher now")

PRECONDITIONS: list[Callable[[AccessRequest], str]] = []  # each says what is missing before it is given, or ""
OPEN_FOR = timedelta(days=7)
REMIND_EVERY = timedelta(days=2)
LONGEST = 366  # days
State, Verdict = AccessRequest.State, RequestDecision.Verdict


@transaction.atomic
def ask(
    by: Person, channel: Channel, entitlement: str, reason: str, days: int | None = None, *,
    tool: Tool | None = None, login: SharedLogin | None = None,
) -> AccessRequest:  # fmt: skip
    """Ask for oneself. Of a tool or a login, `channel` is one that it reaches, and the word is of its own."""
    _check(by, channel, entitlement, reason, days, tool, login)
    request = AccessRequest(
        asked_by=by, channel=channel, tool=tool, login=login, entitlement=entitlement.strip(), days=days,
        reason=reason.strip(), asked_at=database_now(), needed=1,
    )  # fmt: skip
    request.decide_by, request.reminded_at = request.asked_at + OPEN_FOR, request.asked_at
    request.needed = _needed(request)
    try:
        with transaction.atomic():
            request.save()
    except IntegrityError as error:
        raise ValidationError("You have asked for this already. Look at your request.") from error
    audit.record(by, "access_request.asked", request, **_told(request), reason=request.reason)
    _tell_approvers(request)
    return request


@transaction.atomic
def approve(request: AccessRequest, by: Person, note: str = "") -> AccessRequest:
    """One person's word. With the last one that is needed it is approved, and somebody else gives it."""
    request = _decidable(request, by)
    _say(request, by, Verdict.APPROVED, note)
    said = request.decisions.filter(verdict=Verdict.APPROVED).count()
    request.needed = max(request.needed, _needed(request))
    if said >= request.needed:
        request.state = State.APPROVED
    request.save(update_fields=["needed", "state"])
    audit.record(by, "access_request.approved", request, **_told(request), said=said, needed=request.needed)
    if request.state == State.ASKED:
        _tell_approvers(request)
    elif request.tool_id or request.login_id:
        _tell(queries.givers(request), f"{request} is approved. Give it, and say so.", request)
    return request


@transaction.atomic
def refuse(request: AccessRequest, by: Person, note: str) -> AccessRequest:
    """With a note: whoever asked reads it."""
    request = _decidable(request, by)
    if not note.strip():
        raise ValidationError({"note": "Say why, and what they can do instead."})
    _say(request, by, Verdict.REFUSED, note)
    return _end(request, State.REFUSED, by, f"{by} refused {request}: {note.strip()}", note=note.strip()[:300])


@transaction.atomic
def withdraw(request: AccessRequest, by: Person) -> AccessRequest:
    request = _locked(request)
    if by.pk != request.asked_by_id:
        raise PermissionDenied("Only who asked can withdraw it.")
    if request.state not in (State.ASKED, State.APPROVED):
        raise ValidationError("It is settled already.")
    return _end(request, State.WITHDRAWN, by, "")


@transaction.atomic
def give(request: AccessRequest, by: Person) -> AccessRequest:
    """A seat or a shared login was handed out. By somebody who neither asked nor approved."""
    request = _locked(request)
    if by.pk == request.asked_by_id or request.decisions.filter(by=by).exists():
        raise PermissionDenied("Who asked or approved does not give it. Somebody else has to.")
    if not (request.tool_id or request.login_id):
        raise ValidationError("A right in Socialops is given by itself once it is approved.")
    if request.state != State.APPROVED:
        raise ValidationError("It is not approved, or settled already.")
    if not queries.to_give(by).filter(pk=request.pk).exists():
        raise PermissionDenied("Only an administrator gives seats and shared logins.")
    if trouble := _trouble(request):
        raise ValidationError(trouble)
    return _give(request, by)


def sweep() -> int:
    """What time and approval bring about. Returns how many requests moved."""
    now = Now()
    moved = 0
    for pk in AccessRequest.objects.filter(state=State.APPROVED, login=None, tool=None).values_list("pk", flat=True):
        moved += bool(safely(_engine, pk))
    late = AccessRequest.objects.filter(state__in=[State.ASKED, State.APPROVED], decide_by__lte=now)
    for pk in late.values_list("pk", flat=True)[:500]:
        moved += bool(safely(_expire, pk))
    quiet = AccessRequest.objects.filter(state=State.ASKED, decide_by__gt=now, reminded_at__lte=now - REMIND_EVERY)
    for pk in quiet.values_list("pk", flat=True)[:500]:
        moved += bool(safely(_remind, pk))
    return moved


@transaction.atomic
def _engine(pk: int) -> bool:
    """Give a right that is approved, unless something has changed since. What keeps it is said on the request."""
    request = AccessRequest.objects.select_for_update(skip_locked=True).filter(pk=pk, state=State.APPROVED).first()
    if request is None:
        return False
    if _needed(request) > request.decisions.filter(verdict=Verdict.APPROVED).count():
        request.state, request.needed = State.ASKED, _needed(request)
        request.save(update_fields=["state", "needed"])
        audit.record(None, "access_request.reopened", request, **_told(request), needed=request.needed)
        _tell_approvers(request)
        return True
    trouble = _trouble(request)
    if not trouble:
        try:
            with transaction.atomic():
                _give(request, None)
            return True
        except ValidationError as error:
            trouble = " ".join(error.messages)
    if trouble != request.trouble:
        AccessRequest.objects.filter(pk=pk).update(trouble=trouble[:300])
    return False


def _give(request: AccessRequest, by: Person | None) -> AccessRequest:
    until = database_now() + timedelta(days=request.days) if request.days else None
    person, level, reason = request.asked_by, request.entitlement, f"Asked for and approved: {request.reason}"[:300]
    if request.login:
        made = sharing.share(request.login, person, level, None, reason, until)
    elif request.tool:
        made = seating.seat(request.tool, person, level, None, reason, until)
    else:
        made = [access.grant(request.channel, person, level, None, reason, expires_at=until)]
    request.state, request.grant, request.granted_by = State.GRANTED, made[0], by
    request.settled_at, request.trouble = Now(), ""
    request.save()
    approvers = list(request.decisions.values_list("by", flat=True))
    audit.record(by, "access_request.granted", request, **_told(request), grant=made[0].pk, approvers=approvers)
    _tell([person], f"You have {request.what} on {request.channel.name} now.", request)
    return request


@transaction.atomic
def _expire(pk: int) -> bool:
    request = AccessRequest.objects.select_for_update(skip_locked=True).filter(pk=pk, decide_by__lte=Now()).first()
    if request is None or request.state not in (State.ASKED, State.APPROVED):
        return False
    _end(request, State.EXPIRED, None, f"Nobody decided about {request} within 7 days. Ask again if you need it.")
    return True


@transaction.atomic
def _remind(pk: int) -> bool:
    request = AccessRequest.objects.select_for_update(skip_locked=True).filter(pk=pk, state=State.ASKED).first()
    if request is None:
        return False
    AccessRequest.objects.filter(pk=pk).update(reminded_at=Now())
    _tell_approvers(request, again=True)
    return True


def _trouble(request: AccessRequest) -> str:
    """What keeps it from being given at this moment."""
    if not is_present(request.asked_by):
        return f"{request.asked_by} has left."
    return next((words for words in (check(request) for check in PRECONDITIONS) if words), "")


def _needed(request: AccessRequest) -> int:
    kept = request.login or request.tool
    channels = kept.reaches.all() if kept else Channel.objects.filter(pk=request.channel_id)
    return 2 if channels.filter(risk_tier=Channel.RiskTier.HIGH).exists() else 1


def _decidable(request: AccessRequest, by: Person) -> AccessRequest:
    """Locked, for somebody whose word it waits for."""
    request = _locked(request)
    if by.pk == request.asked_by_id:
        raise PermissionDenied("Nobody decides about what they asked for themselves.")
    if request.state != State.ASKED or request.decide_by <= database_now():
        raise ValidationError("It is settled already, or its time is over.")
    if not is_present(by) or not queries.to_approve(by).filter(pk=request.pk).exists():
        raise PermissionDenied(
            "It waits for somebody else: who answers for the channel, or a second person after them."
        )
    return request


def _say(request: AccessRequest, by: Person, verdict: str, note: str) -> None:
    RequestDecision.objects.create(
        request=request, asker=request.asked_by, by=by, verdict=verdict, note=note.strip()[:300]
    )


def _end(request: AccessRequest, state: str, by: Person | None, words: str, **more: str) -> AccessRequest:
    request.state, request.settled_at = state, Now()
    request.save(update_fields=["state", "settled_at"])
    audit.record(by, f"access_request.{state}", request, **_told(request), **more)
    if words:
        _tell([request.asked_by], words, request)
    return request


def _tell_approvers(request: AccessRequest, *, again: bool = False) -> None:
    waits = "still waits for your word" if again else "waits for your word"
    _tell(queries.approvers(request), f"{request} {waits}.", request)


def _tell(people, words: str, request: AccessRequest) -> None:
    for person in sorted(people, key=lambda each: each.pk):
        url = f"/access-requests/{request.pk}/"
        notifying.notify(person, "access_request", words[:300], url, mail=True)


def _locked(request: AccessRequest) -> AccessRequest:
    AccessRequest.objects.select_for_update().get(pk=request.pk)
    rows = AccessRequest.objects.select_related("asked_by", "channel", "tool", "login")
    return rows.get(pk=request.pk)


def _told(request: AccessRequest) -> dict:
    return {
        "channel": request.channel_id, "person": request.asked_by_id, "entitlement": request.entitlement,
        "tool": request.tool_id, "login": request.login_id, "days": request.days,
    }  # fmt: skip


def _check(by, channel, entitlement, reason, days, tool, login) -> None:
    if not is_present(by):
        raise PermissionDenied("Only somebody who works here can ask.")
    if not reason.strip():
        raise ValidationError({"reason": "Say what you need it for. Who decides reads it."})
    if days is not None and not 1 <= days <= LONGEST:
        raise ValidationError({"days": f"Choose 1 to {LONGEST} days."})
    if channel.state == Channel.State.ARCHIVED:
        raise ValidationError(f"{channel.name} is archived.")
    kept = tool or login
    if kept and ((tool and login) or not kept.reaches.filter(pk=channel.pk).exists()):
        raise ValidationError("Ask for one thing at a time, on a channel that it reaches.")
    if not kept and entitlement not in Entitlement.values:
        raise ValidationError({"entitlement": "Choose what you want to do there."})
    if not entitlement.strip():
        raise ValidationError({"entitlement": "Say which level you need."})
    has = AccessGrant.objects.standing().filter(channel=channel, person=by, login=login, tool=tool)
    if has.filter(entitlement=entitlement, expires_at=None).exclude(source="observed").exists():
        raise ValidationError("You have this already.")
