"""A question whose SQL is written once answers each person as the queryset itself would."""

import pytest

from accounts.models import Person
from channels_registry.permissions import seen_by
from publishing.queries.calendar import channels_of
from socialops.frame import COUNTED, _counted, _waits_for
from socialops.lib.prepared import for_one
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
        assert _waits_for(person.pk) == list(_counted(person.pk))
    assert dict(zip(COUNTED, _waits_for(frank.pk)[0], strict=True))["held"] == ["auditor"]


def test_who_has_left_sees_nothing_a_moment_later(db):
    acme, dana = factories.channel("sandbox", name="Acme"), factories.person("dana")
    factories.grant(acme, dana, "publisher")
    assert channels_of(dana)
    factories.departed(dana)
    assert channels_of(dana) == []


def test_a_question_that_names_nobody_is_refused(db):
    with pytest.raises(ValueError, match="names nobody"):
        for_one(lambda pk: Person.objects.values_list("pk"))(1)
