"""Packs: what is in them is what the database says, an auditor checks them alone, and whatever was altered is named."""

import csv
import io
import json
import random
import subprocess
import sys
import zipfile
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from accounts import chaining, people, verifying
from accounts.models import AuditEvent, Person
from channels_registry import access
from governance import evidence, offboarding, packing
from governance.models import EvidenceBundle, OffboardingCase
from governance.queries import pack_rows, packs, reach, trail
from socialops.lib import printing
from socialops.lib.export import undefused
from tests import factories

pytestmark = pytest.mark.django_db
NAMES = ["Zoë Müller", "Łukasz Wiśniewski", "山田太郎", "محمد العربي", "Ирина", "=SUM(A1)"]


@pytest.fixture(autouse=True)
def _own_media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.AUDIT_HEADS = tmp_path / "audit"


@pytest.fixture
def frank():
    return factories.person("frank", "auditor")


@pytest.fixture
def case():
    dana = factories.person("dana")
    for name in NAMES:
        people.add_person(name, f"{NAMES.index(name)}@example.test", factories.erin())
    for number in range(5):
        factories.grant(factories.channel(name=NAMES[number]), dana, "publisher")
    factories.departed(dana)
    offboarding.sweep()
    return OffboardingCase.objects.get(person=dana)


def made(bundle: EvidenceBundle) -> EvidenceBundle:
    packing.work_due()
    bundle.refresh_from_db()
    assert bundle.state == "made", bundle.problem
    return bundle


def files_of(bundle: EvidenceBundle) -> dict[str, bytes]:
    with bundle.file.open() as file, zipfile.ZipFile(io.BytesIO(file.read())) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def table(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


def zipped(path, files: dict[str, bytes]):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def scopes(case) -> dict[str, dict]:
    first = (timezone.now() - timedelta(days=2)).isoformat()
    return {
        "access": {"at": ""},
        "offboarding": {"case": case.pk},
        "person": {"person": case.person_id},
        "channel": {"channel": case.doors.first().revocation.grant.channel_id},
        "period": {"first": first, "last": (timezone.now() + timedelta(days=1)).isoformat()},
    }


@pytest.mark.parametrize("kind", ["access", "offboarding", "person", "channel", "period"])
def test_a_pack_of_each_kind_is_whole_and_an_auditor_checks_it_with_python_alone(kind, case, frank, tmp_path):
    bundle = made(evidence.ask(frank, kind, scopes(case)[kind]))
    (tmp_path / "verify.py").write_bytes(files_of(bundle)["verify.py"])
    run = subprocess.run(
        [sys.executable, "-IS", "verify.py", bundle.file.path, "--key", bundle.key_id],
        cwd=tmp_path, capture_output=True, timeout=60,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout.decode() + run.stderr.decode()
    assert b"The trail is whole." in run.stdout
    files = files_of(bundle)
    assert files["report.pdf"].startswith(b"%PDF") and bundle.key_id in files["README.txt"].decode()
    shown = {(row[0], row[1]) for row in table(files["controls.csv"])[1:]}
    assert {"SOC 2", "ISO/IEC 27001:2022", "NIST SP 800-53"} == {framework for framework, _ in shown}


def test_its_figures_are_those_of_the_database_at_that_moment(case, frank):
    before = [pack_rows.grant(row) for row in reach(timezone.now()).values_list(*pack_rows.GRANT_VALUES)]
    bundle = made(evidence.export_access(frank))
    rows = table(files_of(bundle)["access.csv"])
    assert rows[0] == list(pack_rows.GRANT_COLUMNS)
    assert sorted(tuple(map(undefused, row)) for row in rows[1:]) == sorted(tuple(map(str, row)) for row in before)
    assert json.loads(files_of(bundle)["access.json"]) == [
        dict(zip(rows[0], map(undefused, row), strict=True)) for row in rows[1:]
    ]
    assert bundle.manifest["population"]["grants"] == len(before)
    assert [bundle.done, bundle.total] == [len(before)] * 2

    grant = case.person.grants.first() or access.AccessGrant.objects.first()
    later = made(evidence.export_access(frank))
    assert later.manifest["population"] == bundle.manifest["population"], grant


def test_the_trail_in_it_is_every_event_about_the_case_and_held_by_signed_heads(case, frank):
    files = files_of(made(evidence.export_case(frank, case)))
    ids = json.loads(files["trail.index.json"])
    about = trail(case).filter(pk__lte=max(ids)).values_list("pk", flat=True)
    assert sorted(ids) == sorted(about) and len(ids) > 5
    assert [row["kind"] for row in map(json.loads, files["trail.jsonl"].splitlines())] == ["seal", "event"] * len(ids)
    assert any(name.startswith("heads/") for name in files)


def edit_cell(files, chance):
    files["doors.csv"] = files["doors.csv"].replace(b"publisher", b"publishes", 1)
    return "doors.csv was edited"


def delete_file(files, chance):
    name = chance.choice(["doors.json", "report.pdf", "controls.csv", "trail.index.json"])
    del files[name]
    return f"{name} was deleted"


def insert_file(files, chance):
    files["waiver.pdf"] = b"%PDF"
    return "waiver.pdf was inserted"


def edit_manifest(files, chance):
    files["manifest.json"] = files["manifest.json"].replace(b"offboarding", b"offboardinG", 1)
    return "manifest.json was edited"


def swap_key(files, chance):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = Ed25519PrivateKey.generate()
    files["key.pub"] = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    manifest = json.loads(files["manifest.json"])
    manifest["files"]["key.pub"]["sha256"] = packing.hashlib.sha256(files["key.pub"]).hexdigest()
    files["manifest.json"] = json.dumps(manifest).encode()
    files["manifest.sig"] = key.sign(files["manifest.json"]).hex().encode()
    return "It is signed by the key"


def edit_event(files, chance):
    lines = files["trail.jsonl"].splitlines(keepends=True)
    place = chance.randrange(1, len(lines), 2)
    event = json.loads(lines[place])
    lines[place] = verifying.canonical({**event, "actor_label": "Mallory"}) + b"\n"
    files["trail.jsonl"] = b"".join(lines)
    return f"Event {event['id']} (seal"


def delete_event(files, chance):
    lines = files["trail.jsonl"].splitlines(keepends=True)
    place = chance.randrange(0, len(lines), 2)
    event = json.loads(lines[place + 1])
    files["trail.jsonl"] = b"".join(lines[:place] + lines[place + 2 :])
    return f"Event {event['id']} was deleted"


def move_event(files, chance):
    lines = files["trail.jsonl"].splitlines(keepends=True)
    event = json.loads(lines[1])
    files["trail.jsonl"] = b"".join(lines[2:] + lines[:2])
    return f"A line of event {event['id']} was moved"


TAMPERINGS = [
    edit_cell, delete_file, insert_file, edit_manifest, swap_key, edit_event, delete_event, move_event,
]  # fmt: skip


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda each: each.__name__)
def test_an_altered_pack_is_recognised_and_what_was_altered_is_named(tamper, case, frank, tmp_path):
    bundle = made(evidence.export_case(frank, case))
    files = files_of(bundle)
    assert verifying.check_pack(zipped(tmp_path / "whole.zip", files), bundle.key_id).findings == []
    for seed in range(4):
        altered = dict(files)
        said = tamper(altered, random.Random(seed))
        report = verifying.check_pack(zipped(tmp_path / "altered.zip", altered), bundle.key_id)
        assert any(said in finding.words for finding in report.findings), (said, report.findings)


def test_a_cell_that_would_calculate_is_text_and_reads_back(frank):
    boss = factories.person("alice")
    people.change_person(boss, factories.erin(), name="=HYPERLINK(1)", title="+1")
    scope = {"first": "2020-01-01T00:00:00+00:00", "last": "2100-01-01T00:00:00+00:00"}
    files = files_of(made(evidence.ask(frank, "period", scope)))
    cells = {cell for row in table(files["people.csv"]) for cell in row}
    assert {"'=HYPERLINK(1)", "'+1"} <= cells and not {"=HYPERLINK(1)", "+1"} & cells
    assert any("'=HYPERLINK(1)" in row for row in table(files["trail.csv"]))


def test_names_stand_in_the_report_in_their_own_script():
    for name in [*NAMES, "김민수", "שלום"]:
        assert "[U+" not in printing.marked(name), name
    assert printing.marked("a 🐙") == "a [U+1F419]"
    assert "HeiseiKakuGo" in printing.marked("山田") and "DejaVu" not in printing.marked("Łukasz")
    assert printing.marked("<b>&") == "&lt;b&gt;&amp;"
    assert printing.marked("سلام") == "\ufee1\ufefc\ufeb3"[::1] or len(printing.marked("سلام")) >= 3
    file = io.BytesIO()
    printing.write_pdf(file, printing.Report(NAMES[2], NAMES[3], NAMES[1], [printing.Section("x", NAMES)]))
    assert file.getvalue().startswith(b"%PDF") and b"DejaVuSans" in file.getvalue()


def test_the_sample_is_drawn_again_from_its_seed(frank):
    factories.person("alice")
    for number in range(30):
        factories.grant(factories.channel(), factories.person(f"p{number % 7}", login=False), "author")
    one, two, other = (
        json.loads(files_of(made(evidence.ask(frank, "access", {"at": ""}, sample=8, seed=seed)))["samples.json"])
        for seed in ("auditor", "auditor", "another")
    )
    rows = [[row["row"] for row in each["tables"]["access"]["rows"]] for each in (one, two, other)]
    assert rows[0] == rows[1] != rows[2]
    assert len(rows[0]) == 8 and one["seed"] == "auditor" and one["tables"]["access"]["population"] == 30
    again = sorted(range(1, 31), key=lambda n: packing.hashlib.sha256(f"auditor:{n}".encode()).hexdigest())[:8]
    assert sorted(again) == rows[0]


def test_who_may_not(case, frank):
    for name in ("charlie", "alice"):
        with pytest.raises(PermissionDenied):
            evidence.ask(factories.person(name), "access", {"at": ""})
    manager, alice = factories.person("gina", "social_lead"), factories.person("alice")
    Person.objects.filter(pk=alice.pk).update(manager=manager)
    with pytest.raises(PermissionDenied):
        evidence.ask(manager, "person", {"person": alice.pk})
    with pytest.raises(PermissionDenied, match="about you"):
        evidence.ask(frank, "person", {"person": frank.pk})
    with pytest.raises(ValidationError):
        evidence.ask(frank, "access", {"at": ""}, sample=0)
    assert not EvidenceBundle.objects.exists()


def test_no_pack_is_made_of_a_trail_that_does_not_match(case, frank, monkeypatch):
    def broken():
        raise chaining.Broken("event 7 does not match its seal 7")

    monkeypatch.setattr(chaining, "sign_head", broken)
    bundle = evidence.export_case(frank, case)
    packing.work_due()
    bundle.refresh_from_db()
    assert bundle.state == "failed" and "event 7" in bundle.problem and not bundle.file
    assert AuditEvent.objects.filter(action="evidence.failed").exists()
    monkeypatch.undo()
    evidence.ask_again(bundle, frank)
    made(bundle)
    with pytest.raises(ValidationError):
        evidence.ask_again(bundle, frank)


def test_what_breaks_is_tried_three_times_and_costs_the_others_nothing(case, frank, monkeypatch):
    real = packs.KINDS["offboarding"]

    def contents(scope, moment):
        raise OSError("no room")

    monkeypatch.setitem(packs.KINDS, "offboarding", packs.Kind("offboarding", "", ("case",), real.title, contents))
    bad, good = evidence.export_case(frank, case), evidence.export_access(frank)
    for wait in range(3):
        EvidenceBundle.objects.filter(pk=bad.pk).update(asked_at=timezone.now() - timedelta(seconds=21 * wait))
        packing.work_due()
        bad.refresh_from_db()
        assert bad.tries == wait + 1, "it is not tried again at once"
    bad.refresh_from_db()
    assert (bad.state, bad.tries) == ("failed", 3) and "no room" in bad.problem
    made(good)


@pytest.mark.parametrize("quiet", [True, False])
def test_a_quiet_departure_is_in_no_pack_before_its_minute(quiet, case, frank):
    """A pack is for every auditor, not for those who were told. The control: one that is not quiet is in both."""
    grace, soon = factories.person("grace"), (timezone.now() + timedelta(hours=5)).replace(tzinfo=None)
    people.mark_departed(grace, soon, "UTC", factories.erin(), "to a rival", quiet=quiet)
    asked = {"person": {"person": grace.pk}, "period": scopes(case)["period"]}
    files = [files_of(made(evidence.ask(frank, kind, scope))) for kind, scope in asked.items()]
    assert [any(b"to a rival" in data for data in each.values()) for each in files] == [not quiet] * 2


def test_a_review_is_packed_with_every_decision(frank):
    from tests.governance.reviews import opened

    grant = factories.grant(factories.channel(), factories.person("alice"), "author")
    review = opened()
    bundle = made(evidence.ask(frank, "review", {"review": review.pk}))
    rows = table(files_of(bundle)["decisions.csv"])
    assert len(rows) - 1 == review.items.count() > 0
    assert str(grant.person) in {row[rows[0].index("holder")] for row in rows[1:]}
    assert bundle.manifest["findings"] and bundle.title.startswith("Review: ")
