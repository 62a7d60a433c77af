"""Channels, backup places and tasks of somebody who leaves go to those who stay."""

import pytest

from accounts.models import AuditEvent, Notification
from channels_registry import requesting, transferring
from channels_registry.permissions import may
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def dana():
    return factories.person("dana")


def channel_of(owner, backup=None):
    channel = factories.channel(owner=owner)
    channel.backup_owner = backup
    channel.save()
    return channel


def test_a_channel_goes_to_its_backup_who_may_manage_it_and_is_told(dana):
    alice, erin = factories.person("alice"), factories.erin()
    channel = channel_of(dana, alice)
    factories.departed(dana)
    assert transferring.transfer_channels(dana, None, erin) == 1
    channel.refresh_from_db()
    assert (channel.owner, channel.backup_owner) == (alice, None) and may(alice, "manage", channel)
    assert AuditEvent.objects.get(action="channel.transferred").data == {"was": dana.pk, "to": alice.pk}
    assert "has no backup" in Notification.objects.get(person=alice).text
    assert transferring.transfer_channels(dana, None, erin) == 0


def test_without_a_backup_it_goes_to_the_named_successor_and_without_one_it_waits(dana):
    bob, channel = factories.person("bob"), channel_of(dana)
    factories.departed(dana)
    assert transferring.transfer_channels(dana, None, factories.erin()) == 0
    assert transferring.transfer_channels(dana, bob, factories.erin()) == 1
    channel.refresh_from_db()
    assert channel.owner == bob


def test_nobody_who_has_left_takes_anything_over(dana):
    zoe, channel = factories.person("zoe"), None
    channel = channel_of(dana, zoe)
    factories.departed(dana), factories.departed(zoe)
    assert transferring.transfer_channels(dana, zoe, factories.erin()) == 0
    channel.refresh_from_db()
    assert channel.owner == dana


def test_nobody_gets_a_right_by_vouching_for_themselves(dana):
    ines = factories.person("ines", "admin")
    channel = channel_of(dana, ines)
    factories.departed(dana)
    transferring.transfer_channels(dana, None, ines)
    channel.refresh_from_db()
    assert channel.owner == ines and not may(ines, "manage", channel)


def test_a_backup_who_leaves_is_backup_no_more_and_the_owner_is_told(dana):
    erin = factories.erin()
    channel = channel_of(erin, dana)
    factories.departed(dana)
    transferring.transfer_channels(dana, None, erin)
    channel.refresh_from_db()
    assert channel.backup_owner is None and AuditEvent.objects.filter(action="channel.backup_left").exists()
    assert "has no backup" in Notification.objects.get(person=erin).text


def test_doors_that_a_leaver_was_to_shut_by_hand_go_to_whoever_is_next(dana):
    alice, zoe = factories.person("alice"), factories.person("zoe")
    channel = channel_of(dana, alice)
    login = factories.grant(channel, zoe, "poster", door="shared_login", label="Vault")
    task = requesting.request_revocation(login, factories.erin(), "rotates")
    assert task.assigned_to == dana
    factories.departed(dana)
    assert transferring.pass_tasks_on(dana) == 1 and transferring.pass_tasks_on(dana) == 0
    task.refresh_from_db()
    assert task.assigned_to == alice
    assert AuditEvent.objects.get(action="revocation.passed_on").data == {"was": dana.pk, "to": alice.pk}
