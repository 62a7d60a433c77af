"""Tools and their seats: a seat is a door on each channel that the tool reaches, and one deed shuts them all."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from accounts.models import AuditEvent
from channels_registry import revoking, seating
from channels_registry.models import AccessGrant, Proof, Revocation
from governance import offboarding
from tests import factories
from tests.channels_registry.pictures import picture

pytestmark = pytest.mark.django_db


@pytest.fixture
def dana():
    return factories.person("dana")


@pytest.fixture
def channels():
    return [factories.channel(owner=factories.person("gina")) for _ in range(3)]


@pytest.fixture
def tool(channels):
    owner = factories.person("bob")
    return seating.register_tool(factories.erin(), "Canva", owner, channels[:2], vendor="Canva", sign_in="sso")


def seats(tool, person):
    return AccessGrant.objects.standing().filter(tool=tool, person=person, door="tool_seat", source="declared")


def test_a_seat_is_a_door_on_each_channel_that_the_tool_reaches(tool, channels, dana):
    seating.seat(tool, dana, "editor", factories.erin(), "designs")
    assert set(seats(tool, dana).values_list("channel", flat=True)) == {each.pk for each in channels[:2]}


def test_what_the_tool_reaches_later_is_a_door_of_everybody_in_it(tool, channels, dana):
    seating.seat(tool, dana, "editor", factories.erin(), "designs")
    seating.change_tool(tool, factories.erin(), channels)
    assert seats(tool, dana).count() == 3
    assert AuditEvent.objects.filter(action="tool.changed").exists()
    with pytest.raises(ValidationError, match="Only add"):
        seating.change_tool(tool, factories.erin(), channels[:1])


def test_one_deed_shuts_the_seat_on_every_channel(tool, dana):
    seating.seat(tool, dana, "editor", factories.erin(), "designs")
    factories.departed(dana)
    offboarding.sweep()
    first = Revocation.objects.order_by("pk").first()
    assert first.assigned_to == tool.owner
    seating.attest(first, tool.owner, "Took her seat away.", picture())
    assert set(Revocation.objects.values_list("proof", flat=True)) == {Proof.ATTESTED}
    seating.confirm(first, factories.erin())
    assert set(Revocation.objects.values_list("stage", flat=True)) == {"verified"} and not seats(tool, dana)


def test_another_persons_seat_is_left_alone(tool, dana):
    alice = factories.person("alice")
    for person in (dana, alice):
        seating.seat(tool, person, "editor", factories.erin(), "designs")
        seating.free(tool, person, factories.erin(), "done")
    hers = Revocation.objects.filter(grant__person=dana)
    seating.attest(hers.first(), tool.owner, "Took her seat away.", picture())
    assert set(Revocation.objects.filter(grant__person=alice).values_list("proof", flat=True)) == {""}


def test_charlie_neither_registers_a_tool_nor_gives_a_seat(tool, channels):
    charlie = factories.person("charlie")
    with pytest.raises(PermissionDenied):
        seating.register_tool(charlie, "Buffer", charlie, channels)
    with pytest.raises(PermissionDenied):
        seating.change_tool(tool, charlie, owner=charlie)
    with pytest.raises(PermissionDenied):
        seating.seat(tool, charlie, "admin", charlie, "please")


def test_the_holder_of_a_seat_does_not_attest_that_it_is_gone(tool, dana):
    seating.seat(tool, dana, "editor", factories.erin(), "designs")
    (task, _) = seating.free(tool, dana, factories.erin(), "done")
    factories.grant(task.grant.channel, dana, "manager")
    with pytest.raises(PermissionDenied):
        seating.attest(task, dana, "I left.", picture())
    assert revoking.may_handle(task, tool.owner)


@pytest.mark.parametrize("wrong", [{"url": "javascript:alert(1)"}, {"url": "https://a:b@x.example"}, {"name": " "}])
def test_what_cannot_be_on_record(channels, wrong):
    given = {"name": "Buffer"} | wrong
    with pytest.raises(ValidationError):
        seating.register_tool(factories.erin(), owner=factories.person("bob"), channels=channels, **given)
