"""A question whose SQL is written once answers each as the queryset itself would."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Person
from channels_registry.permissions import seen_by
from publishing.queries.calendar import channels_of
from socialops.frame import COUNTED, _counted, _waits_for
from socialops.lib.prepared import among, prepared
from tests import factories


def test_each_is_answered_for_themselves(db):
    acme, other = factories.channel("sandbox", name="Acme"), factories.channel("sandbox", name="Other")
    alice, charlie, frank = (factories.person(name) for name in ("alice", "charlie", "frank"))
    factories.grant(acme, alice, "publisher")
    factories.grant(other, charlie, "viewer")
    factories.people.give_role(frank, "auditor", factories.erin())
    assert [(name, own) for _, name, _, own in channels_of(alice)] == [("Acme", True)]
    assert [(name, own) for _, name, _, own in channels_of(charlie)] == [("Other", False)]
    for person in (alice, charlie, frank):
        assert {pk for pk, *_ in channels_of(person)} == set(seen_by(person).values_list("pk", flat=True))
        assert _waits_for(pk=person.pk) == list(_counted(person.pk))
    assert dict(zip(COUNTED, _waits_for(pk=frank.pk)[0], strict=True))["held"] == ["auditor"]


def test_who_has_left_sees_nothing_a_moment_later(db):
    acme, dana = factories.channel("sandbox", name="Acme"), factories.person("dana")
    factories.grant(acme, dana, "publisher")
    assert channels_of(dana)
    factories.departed(dana)
    assert channels_of(dana) == []


@prepared
def _joined(order: str, ids: list[int], since: datetime, nobody: int):
    found = Person.objects.filter(among("pk", ids), created_at__gte=since).exclude(pk=nobody)
    return found.order_by(order).values_list("pk", flat=True)


def test_lists_of_any_length_and_moments_are_values_and_what_it_is_about_is_not(db):
    people = [factories.person(name).pk for name in ("alice", "bob", "charlie")]
    before = datetime(2020, 1, 1, tzinfo=UTC)

    def asked(order, ids, since, nobody):
        return [pk for (pk,) in _joined(order, ids=ids, since=since, nobody=nobody)]

    assert asked("pk", people, before, 0) == people
    assert asked("-pk", people, before, 0) == people[::-1]
    assert asked("pk", people[:2], before, people[0]) == people[1:2]
    assert asked("pk", [], before, 0) == []
    assert asked("pk", people, datetime.now(UTC) + timedelta(days=1), 0) == []


def test_what_can_have_no_answer_is_not_asked(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert prepared(lambda pk: Person.objects.filter(pk=pk, name__in=[]).values_list("pk"))(pk=1) == []


def test_a_question_that_leaves_a_value_out_is_refused(db):
    with pytest.raises(ValueError, match="does not ask by pk"):
        prepared(lambda pk: Person.objects.values_list("pk"))(pk=1)


def test_a_question_that_makes_something_of_a_value_is_refused(db):
    with pytest.raises(ValueError, match="makes something"):
        prepared(lambda pks: Person.objects.filter(among("pk", pks), pk__in=pks).values_list("pk"))(pks=[1])
    with pytest.raises(ValueError, match="makes something"):
        prepared(
            lambda since: Person.objects.filter(
                created_at__gte=since, created_at__lt=since + timedelta(days=1)
            ).values_list("pk")
        )(since=datetime(2026, 1, 1, tzinfo=UTC))
