"""Who may see and steer offboardings and access reviews. Administrators act, auditors read, leavers do neither."""

from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404

from accounts.models import Person, User
from accounts.models.person import Role, RoleAssignment
from accounts.permissions import has_role, role_exists
from channels_registry.permissions import channels_with
from governance.models import (
    AccessRequest,
    AccessReview,
    BreakGlass,
    CaseDoor,
    Erasure,
    EvidenceBundle,
    LegalHold,
    OffboardingBatch,
    OffboardingCase,
    ReviewItem,
    ReviewSample,
    ReviewTurn,
    RiskAcceptance,
    SampledItem,
)

READERS = (Role.ADMIN, Role.AUDITOR, Role.SOCIAL_LEAD)  # of every access review
ALL_REQUESTS = READERS  # and of every request for access


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


def requests_seen_by(person: Person) -> QuerySet[AccessRequest]:
    """One's own, what one was or is asked for, and everything for those who read all."""
    mine = Q(asked_by=person) | Q(channel__owner=person) | Q(channel__backup_owner=person) | Q(decisions__by=person)
    mine |= Q(login__owner=person) | Q(tool__owner=person) | Q(channel__in=channels_with(person, "manage").values("pk"))
    seen = AccessRequest.objects.filter(pk__in=AccessRequest.objects.filter(mine).values("pk"))
    return (seen | AccessRequest.objects.filter(role_exists(person, *ALL_REQUESTS))).select_related(
        "asked_by", "channel", "login", "tool"
    )


def glasses_seen_by(person: Person) -> QuerySet[BreakGlass]:
    mine = Q(asked_by=person) | Q(channel__owner=person) | Q(channel__backup_owner=person)
    found = BreakGlass.objects.filter(mine | Q(role_exists(person, *ALL_REQUESTS)))
    return found.select_related("asked_by", "channel", "confirmed_by", "reviewed_by").order_by("-asked_at", "-pk")


def access_request(user: User, pk: int) -> AccessRequest:
    """One's own, one's to decide, or anybody's for those who read all."""
    return _seen(requests_seen_by(user.person), pk)


def access_glass(user: User, pk: int) -> BreakGlass:
    """One's own, of a channel that one answers for, or anybody's for those who read all."""
    found = glasses_seen_by(user.person)
    return _seen(found.select_related("asked_by", "channel", "confirmed_by", "reviewed_by", "grant"), pk)


def _seen(found: QuerySet, pk: int):
    try:
        return found.get(pk=pk)
    except found.model.DoesNotExist as error:
        raise Http404("There is no such thing, or it is not yours to see.") from error


def access_hold(user: User, pk: int) -> LegalHold:
    return _one(user, LegalHold.objects.select_related("person", "channel", "placed_by"), pk)


def access_erasure(user: User, pk: int) -> Erasure:
    return _one(user, Erasure.objects.select_related("person", "asked_by").exclude(person=user.person), pk)


def access_leaver(user: User, pk: int) -> Person:
    """A person whose data may be erased, for somebody who may look into it; never oneself."""
    return _one(user, Person.objects.exclude(pk=user.person_id), pk)


def bundles_for(person: Person) -> QuerySet[EvidenceBundle]:
    """What a reader may open: everything that was handed out but the proof of their own access and departure."""
    cases = OffboardingCase.objects.filter(person=person)
    own = Q(kind="offboarding", scope__case__in=list(cases.values_list("pk", flat=True)))
    own |= Q(kind="person", scope__person=person.pk)
    if cases.exclude(state=OffboardingCase.State.WITHDRAWN).exists():
        own |= Q(kind="period")
    return EvidenceBundle.objects.select_related("made_by").exclude(own)


def reviews_for(person: Person) -> QuerySet[AccessReview]:
    """Every review for those who answer for access; one's own turns and samples for everybody else.

    `steers`, `reads` and `signs` say which of it they may.
    """
    turns = ReviewTurn.objects.filter(review=OuterRef("pk"), person=person)
    samples = ReviewSample.objects.filter(review=OuterRef("pk"), rechecker=person)
    asked = Exists(turns) | Exists(samples)
    rights = {
        "steers": role_exists(person, Role.ADMIN), "reads": role_exists(person, *READERS),
        "signs": role_exists(person, Role.ADMIN, Role.SOCIAL_LEAD),
    }  # fmt: skip
    return (
        AccessReview.objects.filter(role_exists(person, *READERS) | Q(asked))
        .annotate(**rights)
        .select_related("opened_by", "named", "ended_by", "attestation__by")
    )


def access_review(user: User, pk: int) -> AccessReview:
    return _found(reviews_for(user.person), pk)


def access_item(user: User, pk: int) -> ReviewItem:
    """An item of which it is one's turn, or was; every item for those who answer for access."""
    items = ReviewItem.objects.select_related(
        "review", "channel", "person", "granted_by", "reviewer", "decided_by", "accepted_by", "grant__identity",
        "revocation",
    )  # fmt: skip
    own = Q(reviewer=user.person) | Q(decided_by=user.person)
    return _found(items.filter(role_exists(user.person, *READERS) | own).exclude(review__state="preparing"), pk)


def access_sample(user: User, pk: int) -> ReviewSample:
    samples = ReviewSample.objects.select_related("review", "rechecker", "drawn_by")
    return _found(samples.filter(role_exists(user.person, *READERS) | Q(rechecker=user.person)), pk)


def access_sampled(user: User, pk: int) -> SampledItem:
    """A drawn item, for whoever is to look at it again."""
    found = SampledItem.objects.select_related("sample__review", "item__grant__identity")
    return _found(found.filter(sample__rechecker=user.person), pk)


def _found(rows: QuerySet, pk: int):
    try:
        return rows.get(pk=pk)
    except rows.model.DoesNotExist as error:
        raise Http404 from error


def _one(user: User, queryset, pk: int):
    if not may_read(user.person):
        raise Http404
    return _found(queryset, pk)


def require_planner(reader: Person, person: Person) -> frozenset[str]:
    """Who may see what stands still while somebody is away: they themselves, their manager, and those who lead, govern
    or audit. Returns the reader's roles. One query. Raises PermissionDenied.
    """
    roles = frozenset(RoleAssignment.objects.filter(person=reader, ended_at=None).values_list("role", flat=True))
    if reader.pk not in (person.pk, person.manager_id) and not roles & {Role.ADMIN, Role.AUDITOR, Role.SOCIAL_LEAD}:
        raise PermissionDenied(f"Only {person}, their manager and those who lead or audit see this. Ask one of them.")
    return roles


def knows_departures_of(roles: frozenset[str]) -> bool:
    """Whether somebody with these roles may know of departures that lie ahead."""
    return bool(roles & {Role.ADMIN, Role.AUDITOR})
