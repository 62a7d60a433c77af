"""Where everything hangs on one person."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from channels_registry.models import AccessGrant, Channel, Connection
from channels_registry.permissions import oversight
from channels_registry.queries import single_points as points
from tests import factories

pytestmark = pytest.mark.django_db


def hanging(channel, **said):
    page = points.single_points(oversight(factories.erin()), **said)
    return {kind: who.name if who else None for row in page.rows if row.channel == channel for kind, who in row.points}


def seen(channel, person, level="admin"):
    AccessGrant.objects.create(
        channel=channel, person=person, door="role", entitlement=level, source="observed", starts_at=timezone.now(),
        remote_id=f"{person}{level}",
    )  # fmt: skip


def test_one_holder_of_a_right_is_a_single_point_and_two_are_none():
    acme, alice, bob = factories.channel(), factories.person("alice"), factories.person("bob")
    Channel.objects.update(backup_owner=bob)
    for level in ("publisher", "approver", "responder"):
        factories.grant(acme, alice, level)
    assert hanging(acme) == {"publish": "Alice", "approve": "Alice", "answer": "Alice"}
    factories.grant(acme, bob, "manager")
    assert hanging(acme) == {"manage": "Bob"}  # who manages may do the rest, too
    factories.departed(bob)
    assert hanging(acme) == {"publish": "Alice", "approve": "Alice", "answer": "Alice"}


def test_one_administrator_over_there():
    acme, alice, bob = factories.channel(), factories.person("alice"), factories.person("bob")
    seen(acme, alice)
    seen(acme, bob, "editor")
    assert hanging(acme, kind="admin") == {"admin": "Alice"}
    seen(acme, bob)
    assert hanging(acme, kind="admin") == {}


def test_no_backup_and_one_who_could_connect_it_again():
    acme, alice = factories.channel(), factories.person("alice")
    factories.grant(acme, alice, "manager")
    made = Connection.objects.create(channel=acme, sealed_secrets=b"", key_id="t", authorised_by=alice)
    Connection.objects.filter(pk=made.pk).update(state="live")
    assert hanging(acme, kind="backup") == {"backup": None}
    assert hanging(acme, kind="authoriser") == {"authoriser": "Alice"}
    factories.grant(acme, factories.person("bob"), "manager")
    assert hanging(acme, kind="authoriser") == {}


def test_a_grant_that_has_ended_is_nobodys():
    acme, alice, bob = factories.channel(), factories.person("alice"), factories.person("bob")
    factories.grant(acme, alice, "publisher")
    over = factories.grant(acme, bob, "publisher", expires_at=timezone.now() + timedelta(hours=1))
    assert "publish" not in hanging(acme)
    AccessGrant.objects.filter(pk=over.pk).update(starts_at="2026-01-01T00:00Z", expires_at="2026-02-01T00:00Z")
    assert hanging(acme)["publish"] == "Alice"


def test_company_roles_with_one_holder():
    factories.erin()
    factories.person("gina", "social_lead")
    factories.person("ines", "admin")
    assert [(role, who.name) for role, who in points.roles_of_one()] == [("Social lead", "Gina")]


def test_pages_go_on_and_say_how_many_were_looked_at(monkeypatch):
    monkeypatch.setattr(points, "LOOKED", 2)
    channels = [factories.channel(name=f"Brand {n}") for n in range(3)]
    sight = oversight(factories.erin())
    first = points.single_points(sight)
    last = points.single_points(sight, after=first.next)
    assert [row.channel for row in first.rows + last.rows] == channels
    assert (first.looked, first.total, last.looked, last.next) == (2, 3, 1, "")


def test_charlie_is_told_whom_to_ask_and_a_manager_sees_their_channels(django_assert_max_num_queries):
    acme, alice = factories.channel(name="Acme"), factories.person("alice")
    factories.channel(name="Other")
    factories.grant(acme, alice, "manager")
    with pytest.raises(PermissionDenied):
        oversight(factories.person("charlie"))
    browser = factories.signed_in(alice)
    browser.get("/people/")  # a first request notes the session as well
    with django_assert_max_num_queries(12):
        html = browser.get("/single-points/").content.decode()
    assert "One who manages it: Alice" in html
    assert "Other" not in html
