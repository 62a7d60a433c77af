"""The trail lives and dies with the change, and nobody rewrites it."""

import pytest
from django.db import DatabaseError, connection, transaction
from structlog.contextvars import bound_contextvars

from accounts import audit, people
from accounts.models import AuditEvent, Person
from tests.factories import erin, person

pytestmark = pytest.mark.django_db
audit.register("test.done", "did a test")


def test_a_verb_records_who_did_what_to_whom():
    alice = person("alice", login=False)
    event = AuditEvent.objects.get(action="person.added", subject_id=str(alice.pk))
    assert (event.actor, event.actor_label, event.subject_label) == (erin(), "Erin", "Alice")
    assert audit.words(event.action) == "added a person"


def test_an_event_dies_with_its_change():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        people.add_person("Zoe", "zoe@example.test", erin())
        raise ZeroDivisionError
    assert not AuditEvent.objects.filter(subject_label="Zoe").exists()


@pytest.mark.django_db(transaction=True)
def test_an_event_outside_a_transaction_is_refused():
    with pytest.raises(RuntimeError, match="transaction"):
        audit.record(None, "test.done", person("alice", login=False))


def test_an_unregistered_action_and_a_second_wording_are_refused():
    with pytest.raises(ValueError, match="not registered"):
        audit.record(None, "test.misspelt", erin())
    with pytest.raises(ValueError, match="twice"):
        audit.register("test.done", "did something else")


def test_all_events_of_one_request_carry_its_id_and_those_of_a_task_the_task_s():
    with bound_contextvars(request_id="r-1"):
        audit.record_many([(None, "test.done", erin(), {}), (None, "test.done", erin(), {})])
        with bound_contextvars(task_id="t-1"):
            audit.record(None, "test.done", erin())
    clicks = AuditEvent.objects.filter(action="test.done").order_by("pk").values_list("click", flat=True)
    assert list(clicks) == ["r-1", "r-1", "t-1"]


def test_the_label_outlives_the_person():
    zoe = people.add_person("Zoe", "zoe@example.test", erin())
    Person.objects.filter(pk=zoe.pk).delete()
    assert AuditEvent.objects.filter(subject_label="Zoe").exists()


@pytest.mark.parametrize("table", ["auditevent", "auditseal", "audithead"])
@pytest.mark.parametrize("words", ["UPDATE accounts_{} SET id = id", "DELETE FROM accounts_{}", "TRUNCATE accounts_{}"])
def test_the_database_refuses_to_change_the_trail(table, words):
    audit.record(None, "test.done", erin())
    event = AuditEvent.objects.latest("pk")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_auditseal (seq, previous_hash, hash, sealed_at, event_id, version) "
            "VALUES (1, 'a', 'b', now(), %s, 1)",
            [event.pk],
        )
        cursor.execute(
            "INSERT INTO accounts_audithead (seq, hash, since, rows_hash, at, signature, key_id) "
            "VALUES (1, 'a', 0, '', now(), '', '')"
        )
        words = words.format(table).replace("id = id", "seq = seq" if table == "auditseal" else "id = id")
        with pytest.raises(DatabaseError, match="append-only"):
            cursor.execute(words)
