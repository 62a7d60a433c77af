"""manage.py seed_access: so many people, channels and doors, as real as what people do one by one."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import AuditEvent, Departure, Person
from channels_registry.models import AccessGrant, Channel, ChannelUserPermission
from channels_registry.models.access_grant import RIGHTS, Door
from channels_registry.permissions import may
from tests import factories

pytestmark = pytest.mark.django_db
SIZE = {"channels": 30, "people": 400, "doors": 600, "verbosity": 0}


def seed(**more):
    call_command("seed_access", **{**SIZE, **more})


def test_it_makes_what_was_asked_for_with_a_history():
    seed()
    assert (Channel.objects.count(), Person.objects.count()) == (30, 400)
    standing = AccessGrant.objects.standing()
    assert 600 <= standing.count() <= 630
    assert AccessGrant.objects.count() - standing.count() > 200
    assert set(standing.values_list("door", flat=True)) >= {
        Door.RIGHT, Door.ROLE, Door.SHARED_LOGIN, Door.APP_PASSWORD, Door.RECOVERY, Door.TOOL_SEAT,
    }  # fmt: skip
    assert Departure.objects.exists()
    assert Channel.objects.filter(backup_owner=None).exists()
    assert standing.filter(person=None, source="observed").exists()


def test_its_rights_are_enforced_as_those_that_people_give():
    seed()
    grant = AccessGrant.objects.standing().filter(door=Door.RIGHT, entitlement="publisher").first()
    assert may(grant.person, "publish", grant.channel_id)
    rows = ChannelUserPermission.objects.filter(grant=grant).values_list("permission__codename", flat=True)
    assert sorted(rows) == sorted(RIGHTS["publisher"])
    assert not ChannelUserPermission.objects.exclude(grant__in=AccessGrant.objects.standing()).exists()


def test_the_rules_about_periods_are_in_force_again():
    seed()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_constraint WHERE contype = 'x'"
            " AND conrelid = 'channels_registry_accessgrant'::regclass"
        )
        assert cursor.fetchone() == (2,)


def test_a_company_that_is_there_is_left_alone_unless_told():
    erin = factories.erin()
    with pytest.raises(CommandError, match="There is a company in this database already"):
        seed()
    assert list(Person.objects.all()) == [erin]
    seed(beside=True)
    assert Person.objects.count() == 401
    assert not AuditEvent.objects.filter(action="access.granted").exists()


def test_more_doors_than_people_could_hold_are_refused_before_anything_is_written():
    with pytest.raises(CommandError, match="fewer doors"):
        seed(doors=60_000)
    assert not Person.objects.exists()
