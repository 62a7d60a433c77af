"""Who may see and steer an offboarding. Administrators act, auditors read, the leaver does neither."""

from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404

from accounts.models import Person, User
from accounts.models.person import Role
from accounts.permissions import has_role
from governance.models import CaseDoor, EvidenceBundle, OffboardingBatch, OffboardingCase, RiskAcceptance


def may_read(person: Person) -> bool:
    return has_role(person, Role.ADMIN, Role.AUDITOR)


def require_reader(person: Person) -> None:
    if not may_read(person):
        raise PermissionDenied("Only administrators and auditors see offboarding and evidence. Ask one of them.")


def require_steerer(person: Person, case: OffboardingCase) -> None:
    """Raises unless `person` may act on this case."""
    if not has_role(person, Role.ADMIN):
        raise PermissionDenied("Only an administrator may do this. Auditors can read the case and export it.")
    if case.person_id == person.pk:
        raise PermissionDenied("This is your own departure. Another administrator has to do this.")


def access_case(user: User, pk: int) -> OffboardingCase:
    """The case, for somebody who may read it. Http404 for everybody else: a departure is need-to-know."""
    cases = OffboardingCase.objects.select_related("person", "departure", "owner", "closed_by", "successor", "batch")
    return _one(user, cases.exclude(person=user.person), pk)


def access_batch(user: User, pk: int) -> OffboardingBatch:
    """Those who leave together, for who may read it and is not one of them."""
    mine = OffboardingCase.objects.filter(batch=OuterRef("pk"), person=user.person)
    return _one(user, OffboardingBatch.objects.select_related("owner").exclude(Exists(mine)), pk)


def access_door(user: User, pk: int) -> CaseDoor:
    doors = CaseDoor.objects.select_related("case__person", "revocation__grant__channel", "acceptance")
    return _one(user, doors.exclude(case__person=user.person), pk)


def access_acceptance(user: User, pk: int) -> RiskAcceptance:
    acceptances = RiskAcceptance.objects.select_related("door__case__person", "asked_by")
    return _one(user, acceptances.exclude(door__case__person=user.person), pk)


def access_bundle(user: User, pk: int) -> EvidenceBundle:
    return _one(user, bundles_for(user.person), pk)


def bundles_for(person: Person) -> QuerySet[EvidenceBundle]:
    """What a reader may open: everything that was handed out but the proof of their own departure."""
    own = list(OffboardingCase.objects.filter(person=person).values_list("pk", flat=True))
    return EvidenceBundle.objects.select_related("made_by").exclude(kind="offboarding", scope__case__in=own)


def _one(user: User, queryset, pk: int):
    if not may_read(user.person):
        raise Http404
    try:
        return queryset.get(pk=pk)
    except queryset.model.DoesNotExist as error:
        raise Http404 from error
