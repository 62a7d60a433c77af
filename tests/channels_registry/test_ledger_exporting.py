"""The ledger of doors as a file: whose, which rows, recorded, and safe for spreadsheets."""

import csv
import io
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.models import AuditEvent
from channels_registry import ledger_exporting
from channels_registry.models import AccessGrant
from channels_registry.queries.narrowing import Filters
from tests import factories

pytestmark = pytest.mark.django_db


def rows_of(who, query="", **sent):
    answer = factories.signed_in(who).post(f"/matrix/export/{query}", sent)
    assert answer.streaming
    assert answer["Content-Disposition"].startswith('attachment; filename="access-')
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))


def test_each_standing_door_is_a_row_and_the_export_is_recorded():
    acme, alice = factories.channel(name="Acme"), factories.person("alice")
    factories.grant(acme, alice, "publisher")
    over = factories.grant(acme, alice, "author")
    AccessGrant.objects.filter(pk=over.pk).update(starts_at=timezone.now() - timedelta(1), revoked_at=timezone.now())
    (row,) = rows_of(factories.erin(), "?level=publish")
    assert (row["channel"], row["person"], row["level"], row["door"]) == ("Acme", "Alice", "publisher", "right")
    assert row["starts_at"].endswith("Z") and row["revoked_at"] == ""
    event = AuditEvent.objects.get(action="access.exported")
    assert (event.actor_label, event.data["narrowed"]) == ("Erin", {"level": "publish"})


def test_it_can_be_as_it_was():
    acme, alice = factories.channel(), factories.person("alice")
    over = factories.grant(acme, alice, "author")
    AccessGrant.objects.filter(pk=over.pk).update(starts_at="2026-05-01T00:00Z", revoked_at="2026-06-01T00:00Z")
    assert rows_of(factories.erin()) == []
    (row,) = rows_of(factories.erin(), at="2026-05-03T14:00", zone="Europe/Paris")
    assert row["revoked_at"] == "2026-06-01T00:00:00Z"


def test_what_narrows_the_matrix_narrows_the_file():
    acme, blue = factories.channel(name="Acme"), factories.channel("bluesky", name="Blue")
    alice, bob = factories.person("alice"), factories.person("bob")
    factories.grant(acme, alice, "manager")
    AccessGrant.objects.create(
        channel=blue, person=bob, door="role", entitlement="admin", source="observed", starts_at=timezone.now(),
        remote_id="1",
    )  # fmt: skip
    erin = factories.erin()
    for query, people in [
        ("", ["Alice", "Bob"]), ("?network=bluesky", ["Bob"]), ("?q=ali", ["Alice"]), ("?drift=undeclared", ["Bob"]),
        ("?level=admin", ["Bob"]), ("?drift=differs", []),
    ]:  # fmt: skip
        assert [row["person"] for row in rows_of(erin, query)] == people, query


def test_a_manager_gets_their_channels_and_charlie_nothing():
    acme, other, alice = factories.channel(name="Acme"), factories.channel(name="Other"), factories.person("alice")
    factories.grant(acme, alice, "manager")
    factories.grant(other, factories.person("bob"), "manager")
    assert {row["channel"] for row in rows_of(alice)} == {"Acme"}
    with pytest.raises(PermissionDenied):
        ledger_exporting.begin_export(factories.person("charlie"), Filters())
    assert AuditEvent.objects.filter(action="access.exported").count() == 1


def test_no_cell_is_a_formula():
    acme, alice = factories.channel(handle="=cmd()", name="'+1"), factories.person("alice")
    factories.grant(acme, alice, "holder", door="shared_login", label="@vault")
    (row,) = rows_of(factories.erin())
    assert (row["handle"], row["channel"], row["label"]) == ("'=cmd()", "''+1", "'@vault")


def test_a_moment_that_is_none_exports_nothing():
    erin = factories.signed_in(factories.erin())
    assert erin.post("/matrix/export/?level=admin", {"at": "tomorrow"}).url == "/matrix/?level=admin"
    assert not AuditEvent.objects.filter(action="access.exported").exists()
