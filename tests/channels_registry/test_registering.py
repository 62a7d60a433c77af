"""A channel enters the register, and changes its description: who answers for it above all."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse

from accounts.models import AuditEvent, Notification
from channels_registry.models import AccessGrant
from channels_registry.permissions import may
from channels_registry.registering import change_channel, register_channel
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def gina():
    return factories.person("gina")


@pytest.fixture
def channel(gina):
    return register_channel("sandbox", "acme", "Acme", factories.erin(), owner=gina)


def saved(browser, channel, **said):
    form = {
        "name": channel.name, "owner": channel.owner_id, "purpose": "", "kind": "brand", "time_zone": "UTC",
        "verification": "unknown",
    }  # fmt: skip
    return browser.post(reverse("channel_change", args=[channel.pk]), {**form, **said})


def test_its_owner_manages_a_new_channel_at_once(channel, gina):
    assert may(gina, "manage", channel)
    assert AuditEvent.objects.get(action="channel.registered").data["owner"] == gina.pk


@pytest.mark.parametrize("part", ["owner", "backup_owner"])
def test_nobody_who_has_left_answers_for_a_channel(channel, part):
    dana, erin = factories.person("dana"), factories.erin()
    factories.departed(dana)
    with pytest.raises(ValidationError, match="Dana has left"):
        change_channel(channel, erin, **{part: dana})
    with pytest.raises(ValidationError, match="Dana has left"):
        register_channel("sandbox", "other", "Other", erin, **{part: dana})


def test_the_owner_is_not_the_backup_as_well(channel, gina):
    with pytest.raises(ValidationError, match="cannot be the backup as well"):
        change_channel(channel, factories.erin(), backup_owner=gina)
    with pytest.raises(ValidationError, match="cannot be the backup as well"):
        register_channel("sandbox", "other", "Other", factories.erin(), owner=gina, backup_owner=gina)


def test_a_new_owner_manages_it_is_told_and_the_trail_says_so(channel, gina):
    alice, bob = factories.person("alice"), factories.person("bob")
    change_channel(channel, factories.erin(), owner=alice, backup_owner=bob)
    channel.refresh_from_db()
    assert (channel.owner, channel.backup_owner) == (alice, bob)
    assert may(alice, "manage", channel) and not may(bob, "manage", channel)
    assert may(gina, "manage", channel)  # until somebody takes it away
    assert AuditEvent.objects.get(action="channel.changed").data["changed"] == {
        "owner": ["Gina", "Alice"],
        "backup_owner": ["None", "Bob"],
    }
    told = Notification.objects.filter(kind="channel.owner").values_list("person__name", "text")
    assert set(told) == {("Alice", "You are the owner of Acme now."), ("Bob", "You are the backup of Acme now.")}


def test_who_manages_it_already_is_not_granted_it_twice(channel):
    alice = factories.person("alice")
    factories.grant(channel, alice, "manager")
    change_channel(channel, factories.erin(), owner=alice)
    assert AccessGrant.objects.standing().filter(person=alice).count() == 1


def test_who_makes_themselves_the_owner_gives_themselves_no_access(channel):
    erin = factories.erin()
    change_channel(channel, erin, owner=erin)
    assert not may(erin, "manage", channel)


def test_saying_the_same_changes_nothing(channel, gina):
    change_channel(channel, factories.erin(), owner=gina, name="Acme")
    assert not AuditEvent.objects.filter(action="channel.changed").exists()


def test_charlie_and_who_only_writes_change_nothing(channel):
    charlie, alice = factories.person("charlie"), factories.person("alice")
    factories.grant(channel, alice, "author")
    for who in (charlie, alice):
        with pytest.raises(PermissionDenied):
            change_channel(channel, who, name="Mine")
    url = reverse("channel_change", args=[channel.pk])
    assert factories.signed_in(charlie).get(url).status_code == 404
    assert factories.signed_in(alice).get(url).status_code == 403
    assert saved(factories.signed_in(alice), channel, name="Mine").status_code == 403


def test_a_manager_changes_it_on_its_page(channel, gina):
    alice, browser = factories.person("alice"), factories.signed_in(gina)
    url = reverse("channel_change", args=[channel.pk])
    assert url in browser.get(reverse("channel", args=[channel.pk])).content.decode()
    assert "Change Acme" in browser.get(url).content.decode()
    answer = saved(
        browser, channel, name="Acme News", purpose="News", kind="corporate", backup_owner=alice.pk, audience_size=120
    )
    assert answer.status_code == 302
    channel.refresh_from_db()
    assert (channel.name, channel.purpose, channel.kind) == ("Acme News", "News", "corporate")
    assert (channel.owner, channel.backup_owner, channel.audience_size) == (gina, alice, 120)
    assert AuditEvent.objects.get(action="channel.changed").actor == gina


def test_the_page_says_beside_the_field_what_is_refused(channel, gina):
    answer = saved(factories.signed_in(gina), channel, backup_owner=gina.pk)
    assert answer.status_code == 422 and "cannot be the backup as well" in answer.content.decode()


def test_an_owner_who_has_left_has_to_be_replaced_before_anything_is_saved(channel, gina):
    factories.departed(gina)
    browser = factories.signed_in(factories.erin())
    assert browser.get(reverse("channel_change", args=[channel.pk])).status_code == 200
    assert saved(browser, channel).status_code == 422
    assert saved(browser, channel, owner=factories.erin().pk).status_code == 302
