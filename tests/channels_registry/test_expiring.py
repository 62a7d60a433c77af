"""Access that ends by itself, and is shut over there as well."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from accounts.models import AuditEvent, Notification
from channels_registry import expiring
from channels_registry.models import AccessGrant, Revocation
from channels_registry.models.access_grant import Door
from channels_registry.observing import observe
from channels_registry.permissions import may
from tests import factories

DAY = timedelta(days=1)


@pytest.fixture
def alice(db):
    return factories.person("alice")


@pytest.fixture
def channel(db):
    return factories.channel(owner=factories.person("gina"))


def until(grant, left: timedelta, given: timedelta = 30 * DAY) -> AccessGrant:
    """`grant` as it is when `left` of it is left."""
    now = timezone.now()
    AccessGrant.objects.filter(pk=grant.pk).update(starts_at=now + left - given, expires_at=now + left)
    grant.refresh_from_db()
    return grant


def ends_told() -> set[str]:
    return set(Notification.objects.filter(kind="access.ends").values_list("person__name", flat=True))


def test_a_right_is_over_at_its_minute_with_nothing_running(channel, alice):
    held = factories.grant(channel, alice, "author", expires_at=timezone.now() + DAY)
    assert may(alice, "draft", channel)
    until(held, -timedelta(seconds=1))
    assert not may(alice, "draft", channel)


@pytest.mark.parametrize(("left", "words"), [(6 * DAY, "within 7 days"), (DAY / 2, "within a day")])
def test_the_holder_and_who_answers_for_the_channel_are_told_once(channel, alice, left, words):
    until(factories.grant(channel, alice, "author", expires_at=timezone.now() + DAY), left)
    assert expiring.warn() == 1 and ends_told() == {"Alice", "Gina"}
    assert Notification.objects.filter(kind="access.ends", text__contains=words).count() == 2
    Notification.objects.update(read_at=timezone.now())
    assert expiring.warn() == 0


def test_told_at_seven_days_and_again_at_one(channel, alice):
    held = until(factories.grant(channel, alice, "author", expires_at=timezone.now() + DAY), 6 * DAY)
    expiring.warn()
    AccessGrant.objects.update(warned_at=timezone.now() - 5 * DAY - DAY / 2)
    until(held, DAY / 2)
    assert expiring.warn() == 1


@pytest.mark.parametrize(("left", "given"), [(8 * DAY, 30 * DAY), (DAY / 2, DAY / 2), (-DAY, 30 * DAY)])
def test_nobody_is_told_early_of_a_short_while_or_of_what_is_over(channel, alice, left, given):
    until(factories.grant(channel, alice, "author", expires_at=timezone.now() + DAY), left, given)
    assert expiring.warn() == 0


def test_one_click_gives_more_time_and_never_to_oneself(channel, alice):
    gina = factories.person("gina")
    factories.grant(channel, gina, "manager")
    held = factories.grant(channel, alice, "manager", expires_at=timezone.now() + DAY)
    later = timezone.now() + 30 * DAY
    with pytest.raises(PermissionDenied, match="themselves"):
        expiring.extend(held, alice, later, "I still need it")
    with pytest.raises(PermissionDenied):
        expiring.extend(held, factories.person("charlie"), later, "why not")
    assert expiring.extend(held, gina, later, "the project goes on").expires_at == later
    event = AuditEvent.objects.get(action="access.extended")
    assert event.actor == gina and event.data["reason"] == "the project goes on"


def test_what_is_over_or_too_long_is_not_given_more_time(channel, alice):
    held = factories.grant(channel, alice, "author", expires_at=timezone.now() + DAY)
    for wrong in (timezone.now() + DAY / 2, timezone.now() + 500 * DAY):
        with pytest.raises(ValidationError, match="Choose a time"):
            expiring.extend(held, factories.erin(), wrong, "more")
    until(held, -DAY)
    with pytest.raises(ValidationError, match="over"):
        expiring.extend(held, factories.erin(), timezone.now() + DAY, "more")


def test_a_door_elsewhere_whose_time_is_over_becomes_a_revocation_once(channel, alice):
    door = factories.grant(
        channel, alice, "full", door=Door.RECOVERY, label="press@acme.example", expires_at=timezone.now() + DAY
    )
    assert expiring.sweep() == 0
    until(door, -timedelta(minutes=1))
    assert expiring.sweep() == 1 and expiring.sweep() == 0
    asked = Revocation.objects.get()
    assert asked.grant == door and asked.guided and asked.reason_for == "Its time is over."


def test_where_the_network_lists_the_door_its_own_row_is_shut_by_api(place, alice):
    here = place(people=[{"name": "Alice", "handle": "alice", "role": "editor"}]).connected()
    observe(here.channel)
    declared = factories.grant(here.channel, alice, "editor", door=Door.ROLE, expires_at=timezone.now() + DAY)
    until(declared, -timedelta(minutes=1))
    assert expiring.sweep() == 1 and expiring.sweep() == 0
    asked = Revocation.objects.get()
    assert asked.grant.source == "observed" and not asked.guided
    declared.refresh_from_db()
    assert declared.revoked_at


def test_a_right_here_needs_no_revocation(channel, alice):
    until(factories.grant(channel, alice, "author", expires_at=timezone.now() + DAY), -DAY)
    assert expiring.sweep() == 0 and not Revocation.objects.exists()
