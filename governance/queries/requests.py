"""Who asks for access, whose word it waits for; and emergency access that stands open."""

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from accounts.models import Absence, Person
from accounts.models.person import Role
from accounts.permissions import role_exists
from channels_registry.permissions import channels_with
from governance.models import AccessRequest, BreakGlass, RequestDecision
from governance.permissions import glasses_seen_by

SHOWN = 50
CONFIRMERS = (Role.ADMIN, Role.SOCIAL_LEAD)
State = AccessRequest.State


def to_approve(person: Person) -> QuerySet[AccessRequest]:
    """Requests that wait for this person's word; the verbs ask the same. Never one's own, never twice.

    The owner of the channel (of the login, of the tool) comes first; the backup while the owner is away, has left or
    asks; an administrator where neither can. On a high-risk channel another person follows.
    """
    asked = AccessRequest.objects.filter(state=State.ASKED, decide_by__gt=Now()).exclude(asked_by=person)
    said = RequestDecision.objects.filter(request=OuterRef("pk"))
    asked = asked.exclude(Exists(said.filter(by=person)))
    begun = Exists(said.filter(verdict=RequestDecision.Verdict.APPROVED))
    near = Q(channel__backup_owner=person) | Q(channel__in=channels_with(person, "manage").values("pk"))
    circle = near | Q(role_exists(person, *CONFIRMERS))
    return asked.filter(Q(~begun, _first_word(person)) | Q(begun & Q(needed__gt=1), circle | _first_word(person)))


def to_give(person: Person) -> QuerySet[AccessRequest]:
    """Approved seats and shared logins that this person may hand out: who has approved gives nothing."""
    approved = AccessRequest.objects.filter(state=State.APPROVED).exclude(login=None, tool=None)
    mine = approved.exclude(asked_by=person).exclude(decisions__by=person)
    return mine.filter(role_exists(person, Role.ADMIN))


def open_glasses(person: Person) -> list[BreakGlass]:
    """Emergency access that stands open now, for the band. One query."""
    return list(glasses_seen_by(person).filter(state=BreakGlass.State.OPEN, ends_at__gt=Now())[:10])


def glasses_waiting(person: Person) -> QuerySet[BreakGlass]:
    """Those in which this person has the next word: to confirm, to report, to review."""
    can = Q(role_exists(person, *CONFIRMERS)) & ~Q(asked_by=person)
    confirm = Q(state="asked", confirm_by__gt=Now()) | Q(state="open", confirmed_by=None)
    mine = Q(asked_by=person, state="over")
    review = Q(state="reported") & (~Q(confirmed_by=person) | Q(confirmed_by=None))
    return BreakGlass.objects.filter(mine | (can & (confirm | review)))


def _first_word(person: Person) -> Q:
    right = Q(login=None, tool=None)
    owner, backup = _unable("channel__owner"), _unable("channel__backup_owner")
    first = Q(right, channel__owner=person) | Q(login__owner=person) | Q(tool__owner=person)
    first |= Q(right & owner, channel__backup_owner=person)
    nobody = Q(right & owner & backup)
    nobody |= Q(login__isnull=False) & _unable("login__owner") | Q(tool__isnull=False) & _unable("tool__owner")
    return first | Q(nobody & Q(role_exists(person, Role.ADMIN)))


def _unable(field: str) -> Q:
    """Nobody, away, gone, or the one who asks."""
    away = Q(**{f"{field}__in": Absence.objects.now().values("person")})
    gone = Q(**{f"{field}__in": Person.objects.departed().values("pk")})
    return Q(**{f"{field}__isnull": True}) | away | gone | Q(**{field: F("asked_by")})


def approvers(request: AccessRequest) -> list[Person]:
    """The present people whose word it waits for: asked of those who could be, each by the one rule."""
    channel, kept = request.channel, request.login or request.tool
    near = [kept.owner_id] if kept else [channel.owner_id, channel.backup_owner_id]
    roles = Q(roles__role__in=CONFIRMERS, roles__ended_at=None)
    people = Person.objects.present().filter(Q(pk__in=[pk for pk in (*near, channel.backup_owner_id) if pk]) | roles)
    return [each for each in people.distinct()[:SHOWN] if to_approve(each).filter(pk=request.pk).exists()]


def givers(request: AccessRequest) -> list[Person]:
    """Administrators who neither asked nor approved."""
    people = Person.objects.present().filter(roles__role=Role.ADMIN, roles__ended_at=None).distinct()
    return [each for each in people[:SHOWN] if to_give(each).filter(pk=request.pk).exists()]
