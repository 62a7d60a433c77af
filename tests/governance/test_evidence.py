"""What an auditor gets: tables of one moment, the digest of each file, and nothing that runs as a formula."""

import csv
import io
import json
import zipfile
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.models import AuditEvent
from channels_registry import access
from channels_registry.models import AccessGrant
from governance import evidence, offboarding, packing
from governance.models import OffboardingCase
from socialops.lib.export import defused, sha256
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    settings.AUDIT_HEADS = tmp_path / "audit"


@pytest.fixture
def frank():
    return factories.person("frank", "auditor")


def unpacked(bundle) -> dict[str, bytes]:
    packing.work_due()
    bundle.refresh_from_db()
    assert bundle.state == "made", bundle.problem
    with bundle.file.open() as file, zipfile.ZipFile(io.BytesIO(file.read())) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def table(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def test_the_manifest_carries_the_digest_of_every_file(frank):
    factories.grant(factories.channel(), factories.person("alice"), "author")
    bundle = evidence.export_access(frank)
    files = unpacked(bundle)
    manifest = json.loads(files.pop("manifest.json"))
    assert {name: sha256(data) for name, data in files.items()} == {
        name: about["sha256"] for name, about in manifest["files"].items()
    } | {"manifest.sig": sha256(files["manifest.sig"])}
    assert bundle.manifest_sha256 == sha256(unpacked(bundle)["manifest.json"])
    event = AuditEvent.objects.get(action="evidence.made")
    assert event.data["manifest"] == bundle.manifest_sha256
    assert event.subject_label == "Who could reach what"
    assert AuditEvent.objects.filter(action="evidence.access_exported", actor=frank).exists()


def test_it_speaks_of_the_moment_that_was_asked_for(frank):
    alice = factories.person("alice")
    grant = factories.grant(factories.channel(), alice, "author")
    AccessGrant.objects.filter(pk=grant.pk).update(starts_at=timezone.now() - timedelta(days=10))
    access.revoke(AccessGrant.objects.get(pk=grant.pk), factories.erin(), "moved on")
    now = table(unpacked(evidence.export_access(frank))["access.csv"])
    then = table(unpacked(evidence.export_access(frank, timezone.now() - timedelta(days=3)))["access.csv"])
    assert [row["person"] for row in now] == []
    assert [(row["person"], row["level"]) for row in then] == [("Alice", "author")]


def test_the_file_is_named_after_the_moment_in_utc(frank):
    evening = datetime(2026, 5, 3, 23, 30, tzinfo=ZoneInfo("America/New_York"))
    bundle = evidence.export_access(frank, evening)
    unpacked(bundle)
    assert "access-20260504T033000Z" in bundle.file.name


def test_a_right_here_ends_at_the_minute_of_the_departure_though_no_sweep_has_run(frank):
    dana, channel = factories.person("dana"), factories.channel()
    rights = [
        factories.grant(channel, dana, "publisher"),
        factories.grant(channel, dana, "editor", door="shared_login"),
    ]
    before = timezone.now() - timedelta(days=2)
    AccessGrant.objects.filter(pk__in=[right.pk for right in rights]).update(starts_at=before)
    factories.departed(dana, timedelta(hours=1))
    doors = [row["door"] for row in table(unpacked(evidence.export_access(frank))["access.csv"])]
    then = [
        row["door"] for row in table(unpacked(evidence.export_access(frank, before + timedelta(days=1)))["access.csv"])
    ]
    assert doors == ["Shared login"]
    assert sorted(then) == ["Right in Socialops", "Shared login"]


def test_a_departure_recorded_late_ends_a_right_when_it_was_recorded(frank):
    dana, channel = factories.person("dana"), factories.channel()
    right = factories.grant(channel, dana, "publisher")
    AccessGrant.objects.filter(pk=right.pk).update(starts_at=timezone.now() - timedelta(days=2))
    factories.departed(dana, timedelta(hours=5))
    two_hours_ago = evidence.export_access(frank, timezone.now() - timedelta(hours=2))
    now = evidence.export_access(frank)
    assert [row["person"] for row in table(unpacked(two_hours_ago)["access.csv"])] == ["Dana"], "they still could"
    assert table(unpacked(now)["access.csv"]) == []


def test_a_case_exports_every_door_with_its_grade_and_the_trail(frank):
    dana = factories.person("dana")
    factories.grant(factories.channel(), dana, "publisher")
    factories.departed(dana)
    offboarding.sweep()
    bundle = evidence.export_case(frank, OffboardingCase.objects.get(person=dana))
    files = unpacked(bundle)
    assert [row["proof"] for row in table(files["doors.csv"])] == ["Verified by reading the network again"]
    assert "departure.recorded" in {row["action"] for row in table(files["trail.csv"])}


def test_charlie_exports_nothing():
    with pytest.raises(PermissionDenied):
        evidence.export_access(factories.person("charlie"))


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "＝1+1"])
def test_no_cell_runs_as_a_formula(cell):
    assert defused(cell) == f"'{cell}"


def test_an_ordinary_cell_stays_as_it_is():
    assert defused("Alice Ndiaye") == "Alice Ndiaye"
