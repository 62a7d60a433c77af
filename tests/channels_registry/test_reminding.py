"""The clock of a door that waits for a person: half of it reminds them, the end of it tells everybody who could act."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEvent, Notification
from channels_registry import reminding, revoking
from channels_registry.models import Revocation
from tests import factories

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def task():
    """A shared login of dana's that gina has to rotate by hand, on a channel of medium risk."""
    channel = factories.channel(owner=factories.person("gina"))
    login = factories.grant(channel, factories.person("dana"), "poster", door="shared_login", label="Vault: acme")
    return revoking.request_revocation(login, factories.erin(), "leaves")


def age(task, hours: float) -> None:
    Revocation.objects.filter(pk=task.pk).update(due_at=timezone.now() - hours * HOUR)


def told(kind: str) -> set[str]:
    return set(Notification.objects.filter(kind=kind).values_list("person__name", flat=True))


def test_nobody_is_reminded_while_there_is_time(task):
    age(task, 11)
    assert reminding.remind() == 0


def test_whoever_has_it_is_reminded_once_at_half_of_its_time(task):
    age(task, 13)
    assert reminding.remind() == 1 and reminding.remind() == 0
    assert AuditEvent.objects.get(action="revocation.reminded").data["person"] == factories.person("gina").pk
    assert Notification.objects.filter(person=factories.person("gina"), text__contains="Half of the 24 hours").exists()
    assert not told("revocation.late")


def test_at_its_end_everybody_who_could_act_is_told_once_and_never_whose_door_it_is(task):
    factories.person("dana", "admin")
    age(task, 25)
    assert reminding.remind() == 1 and reminding.remind() == 0
    assert told("revocation.late") == {"Erin", "Gina"}
    assert AuditEvent.objects.filter(action="revocation.escalated").count() == 1


def test_on_a_high_risk_channel_there_are_four_hours(task):
    task.grant.channel.risk_tier = "high"
    task.grant.channel.save()
    age(task, 5)
    assert reminding.remind() == 1 and told("revocation.late") == {"Erin", "Gina"}


def test_a_second_look_that_nobody_takes_is_told_as_well(task):
    revoking.attest(task, factories.person("gina"), "Rotated.")
    age(task, 25)
    assert reminding.remind() == 1 and "Erin" in told("revocation.late")


@pytest.mark.parametrize("end", ["confirmed", "not_provable", "withdrawn"])
def test_what_is_settled_reminds_nobody(task, end):
    gina, erin = factories.person("gina"), factories.erin()
    if end == "confirmed":
        revoking.confirm(revoking.attest(task, gina, "Rotated."), erin)
    elif end == "not_provable":
        revoking.not_provable(task, gina, "The vault has no log.")
    else:
        revoking.withdraw(task, erin, "She stays.")
    age(task, 48)
    assert reminding.remind() == 0
