"""What is read about people, without changing anything."""

from accounts.models import Departure, Notification, Person, Role, RoleAssignment


def another_administrator(person: Person) -> bool:
    """Whether somebody else is administrator and is not about to leave."""
    leaving = Departure.objects.filter(withdrawn_at=None, returned_at=None).values("person")
    others = RoleAssignment.objects.filter(role=Role.ADMIN, ended_at=None).exclude(person=person)
    return others.exclude(person__in=leaving).exists()


def standing_departure(person: Person) -> Departure | None:
    return person.departures.filter(withdrawn_at=None, returned_at=None).select_related("recorded_by").first()


def count_waiting(person: Person) -> int:
    """Unread notifications."""
    return Notification.objects.filter(person=person, read_at=None).count()
