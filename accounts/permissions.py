"""Company-wide roles. What somebody may do on a channel is channels_registry.permissions; both read the departure."""

from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import Exists, Q
from django.shortcuts import get_object_or_404

from accounts.models import (
    Absence,
    ApiToken,
    DirectoryKey,
    DirectoryMatter,
    LeaverList,
    Person,
    Role,
    RoleAssignment,
    TeamMembership,
    User,
    WebhookEndpoint,
)

LOCK = 7_301_984_227  # administrators_in_turn


def is_present(person: Person | None) -> bool:
    """False from the minute of the departure on, whether or not anything has run since."""
    return person is not None and Person.objects.present().filter(pk=person.pk).exists()


def has_role(person: Person | None, *roles: str) -> bool:
    """Whether a present person holds one of the roles. One query."""
    if person is None:
        return False
    held = RoleAssignment.objects.filter(person=person, role__in=roles, ended_at=None)
    return held.exclude(person__in=Person.objects.departed()).exists()


def role_exists(person: Person, *roles: str) -> Exists:
    """The same as a condition inside another query, which then costs none of its own."""
    held = RoleAssignment.objects.filter(person=person, role__in=roles, ended_at=None)
    return Exists(held.exclude(person__in=Person.objects.departed()))


def require_role(person: Person | None, *roles: str) -> None:
    """Raises PermissionDenied with words for the person who reads it."""
    if not has_role(person, *roles):
        words = " or ".join(Role(role).label.lower() for role in roles)
        raise PermissionDenied(f"Only somebody with the role {words} may do this. Ask one of them.")


def administrators_in_turn() -> None:
    """Until this transaction ends, nobody else takes an administrator away: two could remove one another at once.

    Comes first in a verb that does, so that the right of who asks is read after the other has committed.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def people_with_role(*roles: str):
    """Present people who hold one of the roles, in the order in which whoever tells them all takes their rows."""
    return Person.objects.present().filter(roles__role__in=roles, roles__ended_at=None).distinct().order_by("pk")


def access_person(user, pk: int) -> Person:
    """Everybody who works here may see who works here. Raises Http404 for nobody, and for readers who have left."""
    reader = Person.objects.present().filter(pk=getattr(user, "person_id", None))
    return get_object_or_404(Person.objects.filter(Exists(reader)).select_related("manager"), pk=pk)


def access_membership(user, person: Person, pk: int) -> TeamMembership:
    """A place in a team, for an administrator, who alone may end it."""
    require_role(user.person, Role.ADMIN)
    return get_object_or_404(TeamMembership.objects.select_related("team"), pk=pk, person=person)


def access_absence(user, pk: int) -> Absence:
    """One's own that is not over."""
    return get_object_or_404(Absence.objects.filter(withdrawn_at=None), pk=pk, person=user.person)


def access_token(user, pk: int) -> ApiToken:
    """One's own, or anybody's for an administrator."""
    of = ApiToken.objects.filter(Q(person=user.person) | role_exists(user.person, Role.ADMIN))
    return get_object_or_404(of.select_related("person"), pk=pk)


def access_directory_key(user, pk: int) -> DirectoryKey:
    """A key of the directory, for an administrator."""
    require_role(user.person, Role.ADMIN)
    return get_object_or_404(DirectoryKey.objects.defer("sealed_secret"), pk=pk)


def access_leaver_list(user, pk: int) -> LeaverList:
    """A file of leavers, for an administrator."""
    require_role(user.person, Role.ADMIN)
    return get_object_or_404(LeaverList.objects.select_related("by", "applied_by"), pk=pk)


def access_directory_matter(user, pk: int) -> DirectoryMatter:
    """Something from the directory that waits, for an administrator."""
    require_role(user.person, Role.ADMIN)
    return get_object_or_404(DirectoryMatter.objects.select_related("person"), pk=pk)


def access_endpoint(user, pk: int) -> WebhookEndpoint:
    """An endpoint for webhooks, for an administrator. Http404 for one that was taken away."""
    require_role(user.person, Role.ADMIN)
    found = WebhookEndpoint.objects.select_related("answerable", "paused_by")
    return get_object_or_404(found.defer("sealed_secret", "sealed_old_secret"), pk=pk, ended_at=None)


def may_see_departures(person: Person | None) -> bool:
    """A departure that lies ahead is for those who need to know: administrators and auditors."""
    return has_role(person, Role.ADMIN, Role.AUDITOR)


def may_sign_in(user) -> bool:
    """Asked of the database: the object at hand may be older than the departure."""
    return user is not None and User.objects.filter(
        pk=user.pk, is_active=True, person__in=Person.objects.present()
    ).exists()  # fmt: skip
