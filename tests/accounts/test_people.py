"""Roles: who gives and takes them, and that an administrator always stays."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.urls import reverse

from accounts import departing, people
from accounts.models import AuditEvent, Departure, Person
from tests.factories import departed, erin, monday, person, signed_in

pytestmark = pytest.mark.django_db


def test_roles_are_given_by_another_administrator_only():
    charlie = person("charlie")
    with pytest.raises(PermissionDenied):
        people.give_role(person("alice"), "admin", charlie)
    with pytest.raises(ValidationError, match="themselves"):
        people.give_role(erin(), "auditor", erin())
    with pytest.raises(ValidationError, match="only administrator"):
        people.end_role(erin(), "admin", erin())
    assert Person.objects.filter(roles__role="admin").count() == 1


def test_who_gave_and_took_a_role_is_in_the_trail_and_what_was_refused_is_not():
    alice, ines = person("alice"), person("ines", "admin")
    people.give_role(alice, "auditor", ines)
    people.give_role(alice, "auditor", ines)  # once more changes nothing
    people.end_role(alice, "auditor", erin())
    with pytest.raises(ValidationError):
        people.give_role(ines, "auditor", ines)
    found = AuditEvent.objects.filter(action__startswith="role.", subject_id=str(alice.pk)).order_by("pk")
    assert [(event.action, event.actor, event.data["role"]) for event in found] == [
        ("role.given", ines, "auditor"),
        ("role.ended", erin(), "auditor"),
    ]
    assert not AuditEvent.objects.filter(subject_id=str(ines.pk), data__role="auditor").exists()


def test_who_is_about_to_leave_is_no_second_administrator_and_who_left_gets_no_role():
    ines = person("ines", "admin")
    departed(ines, timedelta(days=-2))
    for by in (ines, erin()):
        with pytest.raises(ValidationError, match="only administrator"):
            people.end_role(erin(), "admin", by)
    departed(person("dana"))
    with pytest.raises(ValidationError, match="has left"):
        people.give_role(person("dana", login=False), "auditor", erin())


def test_an_administrator_may_step_down_while_another_stays_and_not_step_up_again():
    ines = person("ines", "admin")
    people.end_role(ines, "admin", ines)
    with pytest.raises(PermissionDenied):
        people.give_role(ines, "admin", ines)


@pytest.mark.parametrize("role", ["boss", "", "Admin"])
def test_a_role_that_does_not_exist_is_named_with_those_that_do(role):
    for change in (people.give_role, people.end_role):
        with pytest.raises(ValidationError) as refused:
            change(person("alice"), role, erin())
        assert "admin, social_lead, auditor" in refused.value.message_dict["role"][0]
    answer = signed_in(erin()).post(reverse("role_ending", args=[person("alice").pk, "boss"]))
    assert answer.status_code == 422 and "is not a role" in answer.content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["roles", "departures"])
def test_two_administrators_who_remove_one_another_at_once_leave_one(how):
    """Real threads, both past the check before either commits unless they take turns."""
    ines, first = person("ines", "admin"), erin()
    meet = threading.Barrier(2, timeout=20)

    def remove(whom, by):
        try:
            with transaction.atomic():
                meet.wait()
                if how == "roles":
                    people.end_role(whom, "admin", by)
                else:
                    departing.mark_departed(whom, monday(), "UTC", by)
                time.sleep(0.3)  # the other is in the middle of it before this commits
            return ""
        except (ValidationError, PermissionDenied) as error:
            return str(error)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as both:
        said = [each.result(30) for each in (both.submit(remove, ines, first), both.submit(remove, first, ines))]
    leaving = Departure.objects.values("person")
    assert Person.objects.filter(roles__role="admin", roles__ended_at=None).exclude(pk__in=leaving).count() == 1, said
    assert sorted(bool(words) for words in said) == [False, True], said


def test_there_is_one_first_administrator():
    erin()
    with pytest.raises(ValidationError, match="already"):
        people.add_first_administrator("Mallory", "mallory@example.test")
