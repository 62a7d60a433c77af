"""A full disk: the page says what to do, nothing is half written, and the same again works when there is room.

The web process is a real one whose writes the kernel really refuses (tests/disks.py).
"""

import errno
import os
import resource
import subprocess
import sys
from contextlib import contextmanager

import pytest

from accounts import chaining
from accounts.models import AuditEvent, AuditHead
from channels_registry import revoking
from channels_registry.models import Revocation
from governance.models import EvidenceBundle
from socialops.lib.files import WholeFiles
from tests import factories
from tests.disks import SmallDisk
from tests.forms import Browser
from tests.servers import CHECKOUT

PNG = b"\x89PNG\r\n\x1a\n"

FILLED = """
import resource
from django.conf import settings
from socialops import probes

def say():
    found = probes.storage()
    print(found.what, '|', found.mend)

say()
try:
    with open(settings.MEDIA_ROOT / 'filler', 'wb', buffering=0) as filler:
        for _ in range(3000):
            filler.write(bytes(4096))
except OSError:
    pass
else:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
say()
"""


@pytest.fixture
def full(processes, tmp_path):
    """(a web process, its disk of media and of half-received uploads), full."""
    disk = SmallDisk(tmp_path / "media")
    web = processes.web(before=disk.command, MEDIA_ROOT=str(disk.directory), TMPDIR=str(disk.directory))
    disk.belongs_to(web.pid)
    disk.fill()
    return web, disk


def says_what_to_do(status: int, page: str) -> None:
    assert status == 507, page[:2000]
    assert "There is no room left to save this" in page
    assert "manage.py doctor" in page
    assert "Reference for the log" in page
    assert "Traceback" not in page


def test_a_pack_is_asked_for_without_room_and_waits_for_its_worker(full):
    """What the worker does then is in tests/governance/test_packing.py: it tries three times, and nothing is half."""
    web, disk = full
    frank = Browser(web.url, factories.person("frank", "auditor"))
    assert frank.post("/evidence/", "/evidence/", {"at": ""})[0] == 302
    assert frank.get("/evidence/")[0] == 200
    assert (EvidenceBundle.objects.get().state, disk.files()) == ("due", [])


def test_a_handed_in_picture_is_whole_or_not_there_and_the_words_beside_it_are_kept(full):
    web, disk = full
    task = guided_task()
    gina = Browser(web.url, task.assigned_to)
    path, page = f"/revocations/{task.pk}/attestation/", f"/revocations/{task.pk}/"
    form = {"note": "Removed her from the vault, and looked again.", "file": PNG + os.urandom(300_000)}

    status, answer = gina.post(path, page, form)
    says_what_to_do(status, answer)
    assert form["note"] in answer
    assert "Choose it again" in answer
    says_what_to_do(*gina.post(path, page, {**form, "file": PNG + os.urandom(3_000_000)}))  # on the disk as it arrives
    task.refresh_from_db()
    assert (task.evidence_note, task.evidence_file.name, disk.files()) == ("", "", [])
    assert not AuditEvent.objects.filter(action="revocation.attested").exists()

    disk.clear()
    assert gina.post(path, page, form)[0] == 302
    task.refresh_from_db()
    assert task.evidence_file.name.endswith(".png")
    assert len(disk.files()) == 1


def test_pages_are_served_though_the_log_cannot_be_written(processes):
    deaf = ["sh", "-c", 'exec "$@" > /dev/full 2>&1', "web"]
    web = processes.web(before=deaf)
    frank = Browser(web.url, factories.person("frank", "auditor"))
    assert frank.get("/evidence/")[0] == 200
    assert frank.get("/nowhere/")[0] == 404


def test_doctor_names_a_disk_that_is_nearly_full_and_one_that_is(own_servers, tmp_path):
    disk = SmallDisk(tmp_path / "media")
    env = {**os.environ, "MEDIA_ROOT": str(disk.directory)}
    shell = [sys.executable, "manage.py", "shell", "--no-imports", "-c", FILLED]
    said = subprocess.run([*disk.command, *shell], cwd=CHECKOUT, env=env, capture_output=True, text=True, timeout=60)
    nearly, full = said.stdout.splitlines()
    assert full == f"the disk of {disk.directory} is full | Make room there, or set MEDIA_ROOT elsewhere."
    if disk.own:
        assert nearly.endswith(f"MB are left at {disk.directory} | Make room: at least 1 GB.")


@pytest.mark.django_db
def test_a_head_of_the_trail_that_finds_no_room_is_signed_when_there_is(settings, tmp_path):
    """Room for half a line: the kernel writes that much and then refuses."""
    settings.AUDIT_HEADS = tmp_path / "heads"
    factories.erin()
    chaining.sign_head()
    (file,) = settings.AUDIT_HEADS.glob("*.jsonl")
    before = file.read_bytes()
    factories.person("alice")
    with files_no_larger_than(len(before) + 20), pytest.raises(OSError, match="File too large"):
        chaining.sign_head()
    assert file.read_bytes() == before
    assert AuditHead.objects.count() == 1
    chaining.sign_head()
    assert AuditHead.objects.count() == len(file.read_bytes().splitlines()) == 2


@contextmanager
def files_no_larger_than(size: int):
    """What the kernel allows this process, for a moment."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_that_finds_no_room_leaves_neither_a_half_nor_a_place(tmp_path):
    from django.core.files.base import ContentFile

    class Full(ContentFile):
        def chunks(self, size=None):
            yield b"half of it"
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    store = WholeFiles(location=tmp_path)
    with pytest.raises(OSError, match="No space left"):
        store.save("evidence/a.zip", Full(b""))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert store.save("evidence/a.zip", ContentFile(b"whole")) == "evidence/a.zip"
    assert store.open("evidence/a.zip").read() == b"whole"


def guided_task() -> Revocation:
    """gina has to shut a door by hand and to show it."""
    channel = factories.channel(owner=factories.person("gina"))
    grant = factories.grant(channel, factories.person("dana"), "holder", door="shared_login", label="Vault")
    return revoking.request_revocation(grant, factories.erin(), "leaves")
