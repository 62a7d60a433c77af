"""Who gets in: one ledger, one writer, guardian's rows in the same transaction."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.http import Http404
from django.utils import timezone
from guardian.shortcuts import assign_perm

from accounts.models import AuditEvent, Departure
from channels_registry import access
from channels_registry.models import AccessGrant, ChannelUserPermission
from channels_registry.models.access_grant import RIGHTS, Door
from channels_registry.permissions import access_channel, channels_with, may, people_with, require
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def channel():
    return factories.channel(owner=factories.person("gina"))


@pytest.fixture
def alice():
    return factories.person("alice")


@pytest.fixture
def charlie():
    return factories.person("charlie")


@pytest.mark.parametrize(("said", "over"), [(timedelta(hours=5), "at"), (timedelta(0), "recorded_at")])
def test_a_right_of_somebody_who_left_is_over_since_then_whenever_the_sweep_comes(channel, said, over):
    """`said`: how long ago it was recorded; a departure that is said late ends the right when it was said."""
    dana, now = factories.person("dana"), timezone.now()
    held = factories.grant(channel, dana, "author")
    AccessGrant.objects.filter(pk=held.pk).update(starts_at=now - timedelta(days=9))
    departure = factories.departed(dana, timedelta(hours=2))
    Departure.objects.filter(pk=departure.pk).update(recorded_at=now - said)
    departure.refresh_from_db()
    access.revoke(held, None, "left")
    held.refresh_from_db()
    assert held.revoked_at == getattr(departure, over)
    assert not AccessGrant.objects.standing(held.revoked_at).filter(pk=held.pk).exists()
    assert AccessGrant.objects.standing(held.revoked_at - timedelta(seconds=1)).filter(pk=held.pk).exists()


def test_a_door_elsewhere_and_the_right_of_somebody_who_came_back_end_when_they_are_ended(channel):
    dana, now = factories.person("dana"), timezone.now()
    held = factories.grant(channel, dana, "author")
    login = factories.grant(channel, dana, "poster", door=Door.SHARED_LOGIN)
    AccessGrant.objects.filter(person=dana).update(starts_at=now - timedelta(days=9))
    departure = factories.departed(dana, timedelta(hours=2))
    Departure.objects.filter(pk=departure.pk).update(recorded_at=now - timedelta(hours=5))
    assert access.end(login, None, "shut by hand").revoked_at >= now
    Departure.objects.filter(pk=departure.pk).update(returned_at=now)
    assert access.end(held, None, "left").revoked_at >= now


@pytest.mark.parametrize("level", list(RIGHTS))
def test_a_level_gives_exactly_its_rights(channel, alice, level):
    factories.grant(channel, alice, level)
    assert {right for right in RIGHTS["manager"] if may(alice, right, channel)} == set(RIGHTS[level])


def test_the_grant_its_rows_and_its_trail_are_one_commit(channel, alice):
    factories.grant(channel, alice, "author")
    event = AuditEvent.objects.get(action="access.granted", data__person=alice.pk)
    assert event.actor == factories.erin() and event.data["entitlement"] == "author"
    assert alice.user.has_perm("channels_registry.draft", channel)  # guardian agrees


def test_charlie_without_a_grant_may_nothing_and_sees_nothing(channel, charlie):
    assert not any(may(charlie, right, channel) for right in RIGHTS["manager"])
    with pytest.raises(Http404):
        access_channel(charlie.user, channel.pk)
    with pytest.raises(PermissionDenied, match="may not publish"):
        require(charlie, "publish", channel)


def test_charlie_may_not_grant(channel, alice, charlie):
    factories.grant(channel, charlie, "publisher")
    with pytest.raises(PermissionDenied):
        access.grant(channel, alice, "viewer", charlie, "because")


def test_charlie_may_not_revoke_somebody_elses(channel, alice, charlie):
    held = factories.grant(channel, alice, "author")
    with pytest.raises(PermissionDenied):
        access.revoke(held, charlie, "because")
    assert may(alice, "draft", channel)


@pytest.mark.parametrize("manager", [True, False])
def test_nobody_grants_to_themselves_neither_as_manager_nor_as_administrator(channel, alice, manager):
    somebody = alice if manager else factories.erin()
    if manager:
        factories.grant(channel, alice, "manager")
    with pytest.raises(PermissionDenied, match="themselves"):
        access.grant(channel, somebody, "publisher", somebody, "I would like to")


def test_an_administrator_sees_every_channel_and_may_do_nothing_on_it(channel):
    erin = factories.erin()
    assert access_channel(factories.user(erin), channel.pk) == channel
    assert not may(erin, "publish", channel)


def test_a_manager_may_grant_and_revoke(channel, alice):
    gina = factories.person("gina")
    factories.grant(channel, gina, "manager")
    held = access.grant(channel, alice, "author", gina, "writes for us")
    access.revoke(held, gina, "done")
    assert not may(alice, "draft", channel)
    assert AuditEvent.objects.filter(action="access.revoked", actor=gina).exists()
    assert not ChannelUserPermission.objects.filter(grant=held).exists()


def test_revoking_twice_is_revoking_once(channel, alice):
    held = factories.grant(channel, alice, "author")
    first = access.revoke(held, factories.erin(), "done").revoked_at
    assert access.revoke(held, factories.erin(), "again").revoked_at == first
    assert AuditEvent.objects.filter(action="access.revoked").count() == 1


def test_one_of_two_overlapping_grants_goes_and_the_other_stays(channel, alice):
    held = factories.grant(channel, alice, "author")
    factories.grant(channel, alice, "publisher")
    access.revoke(held, factories.erin(), "done")
    assert may(alice, "draft", channel) and may(alice, "publish", channel)


def test_the_same_grant_twice_is_refused_in_plain_words(channel, alice):
    factories.grant(channel, alice, "author")
    with pytest.raises(ValidationError, match="exactly this access already"):
        factories.grant(channel, alice, "author")


def test_after_it_ended_the_same_grant_can_be_given_again_and_history_is_kept(channel, alice):
    access.revoke(factories.grant(channel, alice, "author"), factories.erin(), "done")
    factories.grant(channel, alice, "author")
    assert AccessGrant.objects.filter(channel=channel, person=alice).count() == 2


def test_the_database_itself_refuses_overlapping_periods(channel, alice):
    held = factories.grant(channel, alice, "author")
    copy = AccessGrant.objects.get(pk=held.pk)
    copy.pk, copy.starts_at = None, held.starts_at + timedelta(days=1)
    with pytest.raises(IntegrityError, match="overlap"), transaction.atomic():
        copy.save(force_insert=True)


def test_the_database_refuses_a_right_without_a_grant(channel, alice):
    with pytest.raises(IntegrityError), transaction.atomic():
        assign_perm("channels_registry.publish", alice.user, channel)


def test_a_grant_that_ran_out_gives_nothing_although_nothing_has_run(channel, alice):
    held = factories.grant(channel, alice, "publisher", expires_at=timezone.now() + timedelta(hours=1))
    assert may(alice, "publish", channel)
    past = timezone.now() - timedelta(minutes=1)
    AccessGrant.objects.filter(pk=held.pk).update(starts_at=past - timedelta(hours=1), expires_at=past)
    assert not may(alice, "publish", channel)
    assert channel not in channels_with(alice, "publish") and alice not in people_with(channel, "publish")
    assert access.level() == (0, 3)
    assert not alice.user.has_perm("channels_registry.publish", channel)


def test_an_expiry_in_the_past_is_refused(channel, alice):
    with pytest.raises(ValidationError, match="has passed"):
        factories.grant(channel, alice, "author", expires_at=timezone.now() - timedelta(seconds=1))


def test_a_login_made_later_gets_the_rights_that_the_ledger_holds(channel):
    late = factories.person("hana", login=False)
    factories.grant(channel, late, "approver")
    assert not may(late, "approve", channel)
    factories.user(late)
    access.level()
    assert may(late, "approve", channel)


def test_somebody_who_has_left_has_no_right_at_the_minute_and_can_be_given_none(channel):
    dana = factories.person("dana")
    factories.grant(channel, dana, "publisher")
    factories.departed(dana)
    assert not may(dana, "publish", channel)
    assert dana not in people_with(channel, "publish") and channel not in channels_with(dana, "publish")
    with pytest.raises(ValidationError, match="has left"):
        factories.grant(channel, dana, "author")


def test_an_administrator_who_has_left_grants_nothing(channel, alice):
    ines = factories.person("ines", "admin")
    factories.departed(ines)
    with pytest.raises(PermissionDenied):
        access.grant(channel, alice, "author", ines, "from outside")


def test_a_door_elsewhere_is_declared_and_gives_no_right_here(channel, alice):
    factories.grant(channel, alice, "poster", door=Door.SHARED_LOGIN, label="Vault: social/acme")
    assert not may(alice, "see", channel)


def test_a_door_elsewhere_is_not_revoked_by_a_stamp(channel, alice):
    door = factories.grant(channel, alice, "poster", door=Door.SHARED_LOGIN)
    with pytest.raises(ValidationError, match="revocation"):
        access.revoke(door, factories.erin(), "done")


@pytest.mark.parametrize(
    ("level", "reason", "field"), [("emperor", "x", "entitlement"), ("", "x", "entitlement"), ("author", " ", "reason")]
)
def test_what_does_not_fit_is_refused_beside_its_field(channel, alice, level, reason, field):
    with pytest.raises(ValidationError) as refusal:
        access.grant(channel, alice, level, factories.erin(), reason)
    assert field in refusal.value.message_dict


def test_asking_is_one_query(channel, alice, django_assert_num_queries):
    factories.grant(channel, alice, "publisher")
    with django_assert_num_queries(1):
        assert may(alice, "publish", channel)
    with django_assert_num_queries(1):
        assert list(people_with(channel, "publish")) == [alice]
    with django_assert_num_queries(1):
        assert list(channels_with(alice, "publish")) == [channel]


def test_nothing_is_left_of_a_grant_whose_trail_cannot_be_written(channel, alice, monkeypatch):
    monkeypatch.setattr(access.audit, "record", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        factories.grant(channel, alice, "author")
    assert not AccessGrant.objects.filter(person=alice).exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM channels_registry_channeluserpermission")
        assert cursor.fetchone() == (0,)
