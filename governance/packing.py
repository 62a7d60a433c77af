"""Making a pack: a ZIP that is written to the disk row by row, with the part of the trail that proves it, signed.

A worker makes what is due (work_due). All reads see one instant. Progress is told on a connection of its own, since
what the reading transaction writes would be seen when it is over.
"""

import csv
import hashlib
import io
import json
import logging
import tempfile
import zipfile
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files.base import File
from django.db import connection, connections, transaction
from django.db.models import F, Max, Q
from django.db.models.functions import Now

from accounts import audit, chaining, verifying
from accounts.models import AuditEvent, AuditHead, AuditRedaction, AuditSeal
from governance.models import EvidenceBundle
from governance.queries import controls, pack_report, packs
from socialops.lib import turns
from socialops.lib.clock import steady
from socialops.lib.export import csv_lines, defused, json_bytes
from socialops.lib.printing import write_pdf
from socialops.lib.wall_clock import database_now

audit.register("evidence.made", "had the pack made")
audit.register("evidence.failed", "could not make the pack")

log = logging.getLogger(__name__)
TRIES, AFTER = 3, timedelta(seconds=20)
TRAIL_COLUMNS = ("id", "at", "actor", "action", "subject", "data", "seal_seq", "seal_hash", "erased")
Sample = list[tuple[int, tuple]]  # (row, cells): row 1 is the first below the header


def work_due() -> int:
    """Make the packs that were asked for, one after the other, by one worker. Returns how many were at hand."""
    return turns.in_turn("packs", _next, _make, seconds=1.0)


def _next() -> EvidenceBundle | None:
    ripe = EvidenceBundle.objects.filter(state="due", asked_at__lte=Now() - F("tries") * AFTER)
    return ripe.select_related("made_by").order_by("tries", "pk").first()


def _make(bundle: EvidenceBundle) -> None:
    try:
        chaining.sign_head()  # so that a signed head holds every event in it
        with tempfile.TemporaryFile() as whole, tempfile.TemporaryFile() as pdf:
            manifest = _written(bundle, whole, pdf)
            _keep(bundle, manifest, whole, pdf)
    except chaining.Broken as error:
        _fail(bundle, f"The trail does not match its seals, so nothing is proven by it. {error}")
    except Exception as error:
        log.exception("pack %s could not be made", bundle.pk)
        _again(bundle, f"{type(error).__name__}: {error}")


@transaction.atomic
def _keep(bundle: EvidenceBundle, written: bytes, whole: IO[bytes], pdf: IO[bytes]) -> None:
    total = bundle.total
    bundle = EvidenceBundle.objects.select_for_update(of=("self",)).select_related("made_by").get(pk=bundle.pk)
    bundle.total = total
    if bundle.state != EvidenceBundle.State.DUE:
        return
    manifest = json.loads(written)
    bundle.manifest, bundle.manifest_sha256 = manifest, hashlib.sha256(written).hexdigest()
    bundle.key_id, bundle.at_moment = manifest["key_id"], datetime.fromisoformat(manifest["at"])
    bundle.size, bundle.sha256 = whole.seek(0, io.SEEK_END), _sha256(whole)
    bundle.state, bundle.made_at, bundle.done, bundle.problem = (
        EvidenceBundle.State.MADE,
        database_now(),
        bundle.total,
        "",
    )
    name = f"{bundle.kind}-{bundle.at_moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    for field, file, ending in ((bundle.file, whole, "zip"), (bundle.pdf, pdf, "pdf")):
        file.seek(0)
        field.save(f"{name}.{ending}", File(file), save=False)
    bundle.save()
    audit.record(bundle.made_by, "evidence.made", bundle, manifest=bundle.manifest_sha256, zip=bundle.sha256)


@transaction.atomic
def _fail(bundle: EvidenceBundle, problem: str) -> None:
    bundle.state, bundle.problem = EvidenceBundle.State.FAILED, problem
    bundle.save(update_fields=["state", "problem"])
    audit.record(bundle.made_by, "evidence.failed", bundle, problem=problem)


def _again(bundle: EvidenceBundle, problem: str) -> None:
    """What breaks may be the disk or the moment: it is tried again, and then a person is told."""
    bundle.tries += 1
    if bundle.tries >= TRIES:
        _fail(bundle, f"It was tried {TRIES} times. {problem}")
    bundle.save(update_fields=["tries"])


@transaction.atomic
def _written(bundle: EvidenceBundle, whole: IO[bytes], pdf: IO[bytes]) -> bytes:
    """Write the ZIP. Returns its manifest."""
    now = _one_moment()
    moment = bundle.at_moment or now
    contents = packs.KINDS[bundle.kind].contents(bundle.scope, moment)
    events = _events(contents)
    progress = Progress(bundle, sum(table.count for table in contents.tables) + events.count())
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        pack = Archive(archive)
        samples = {table.name: _table(pack, table, bundle, progress) for table in contents.tables}
        for name, file in contents.files:
            with file.open() as opened:
                pack.add(name, opened.chunks())
        trail = _trail(pack, events, progress)
        shown = controls.shown_in({table.name for table in contents.tables})
        pack.add("samples.json", [json_bytes(_samples(contents.tables, samples, bundle))])
        pack.add("controls.csv", csv_lines(("framework", "control", "asks", "shown_by", "files"), shown))
        about = _about(bundle, contents, moment, trail)
        write_pdf(pdf, pack_report.report(about, contents, samples, shown, events))
        pdf.seek(0)
        pack.add("report.pdf", iter(lambda: pdf.read(1 << 20), b""))
        pack.add("verify.py", [Path(verifying.__file__).read_bytes()])
        pack.add("key.pub", [chaining.public_pem()])
        pack.add("README.txt", [pack_report.readme(about).encode()])
        manifest = json_bytes({**about, "files": pack.files})
        archive.writestr("manifest.json", manifest)
        archive.writestr("manifest.sig", chaining.sign(manifest))
    return manifest


class Archive:
    """A ZIP that keeps the digest and the size of each file that is written to it, chunk by chunk."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.files: dict[str, dict[str, Any]] = {}

    def add(self, name: str, chunks: Iterable[bytes]) -> None:
        digest, size = hashlib.sha256(), 0
        with self._archive.open(name, "w", force_zip64=True) as file:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                file.write(chunk)
        self.files[name] = {"sha256": digest.hexdigest(), "bytes": size}


class Progress:
    """How many rows are written, told at most once a second."""

    def __init__(self, bundle: EvidenceBundle, total: int) -> None:
        self._pk, self._total, self._done, self._told = bundle.pk, total, 0, steady()
        bundle.total = total

    def step(self) -> None:
        self._done += 1
        if not self._done % 500 and steady() - self._told > 1:
            self._told = steady()
            self._tell()

    def _tell(self) -> None:
        beside = connections.create_connection("default")
        try:
            with beside.cursor() as cursor:
                cursor.execute(
                    "UPDATE governance_evidencebundle SET done = %s, total = %s WHERE id = %s",
                    [self._done, self._total, self._pk],
                )
        finally:
            beside.close()


def _one_moment() -> datetime:
    """All reads of a pack see the same instant, so that its tables agree with one another: this one."""
    if connection.in_atomic_block and not connection.savepoint_ids:  # else (in tests) its level is set already
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    return database_now()


def _table(pack: Archive, table: packs.Table, bundle: EvidenceBundle, progress: Progress) -> Sample:
    """The table as CSV and as JSON, read once. Returns the rows that the sample drew."""
    draw = Draw(bundle.seed, bundle.sample)
    with tempfile.TemporaryFile() as beside:

        def rows() -> Iterator[tuple]:
            for number, row in enumerate(table.read(), 1):
                beside.write(b"[\n" if number == 1 else b",\n")
                beside.write(verifying.canonical(dict(zip(table.columns, row, strict=True))))
                draw.see(number, row)
                progress.step()
                yield row

        pack.add(f"{table.name}.csv", _blocks(csv_rows(table.columns, rows())))
        beside.write(b"\n]\n" if beside.tell() else b"[]\n")
        beside.seek(0)
        pack.add(f"{table.name}.json", iter(lambda: beside.read(1 << 20), b""))
    return draw.drawn()


def csv_rows(columns: tuple[str, ...], rows: Iterable[tuple]) -> Iterator[bytes]:
    """As socialops.lib.export.csv_lines, with one writer for all rows."""
    text = io.StringIO()
    writer = csv.writer(text)
    text.write("\ufeff")
    writer.writerow(columns)
    for row in rows:
        writer.writerow(map(defused, row))
        if text.tell() > 1 << 16:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    return (chunk for chunk in chunks if chunk)


class Draw:
    """A sample that anybody can draw again: the rows whose SHA-256 of “seed:number of the row” is smallest."""

    def __init__(self, seed: str, size: int) -> None:
        self._seed, self._size, self._kept = seed, size, []

    def see(self, number: int, row: tuple) -> None:
        rank = hashlib.sha256(f"{self._seed}:{number}".encode()).hexdigest()
        if len(self._kept) < self._size or (self._kept and rank < self._kept[-1][0]):
            self._kept.insert(bisect_left([each[0] for each in self._kept], rank), (rank, number, row))
            del self._kept[self._size :]

    def drawn(self) -> Sample:
        return sorted((number, row) for _, number, row in self._kept)


def _samples(tables: list[packs.Table], samples: dict[str, Sample], bundle: EvidenceBundle) -> dict[str, Any]:
    return {
        "seed": bundle.seed,
        "how": "Row n of a table is drawn if sha256(seed + ':' + n) is among the smallest; row 1 is below the header.",
        "tables": {
            table.name: {"population": table.count, "rows": [
                {"row": number, **dict(zip(table.columns, row, strict=True))} for number, row in samples[table.name]
            ]} for table in tables
        },
    }  # fmt: skip


# --- the part of the trail --------------------------------------------------------------------------------------------


def _events(contents: packs.Contents):
    """The sealed events of the pack, and those that say what was erased from them, in order of their seals."""
    own = contents.events.order_by().values("pk")
    said = AuditRedaction.objects.filter(event__in=own).values("by")
    head = AuditHead.objects.aggregate(seq=Max("seq"))["seq"] or 0  # what is sealed since then proves itself next time
    return AuditEvent.objects.filter(Q(pk__in=own) | Q(pk__in=said), seal__seq__lte=head).order_by("seal__seq")


def _trail(pack: Archive, events, progress: Progress) -> dict[str, Any]:
    """trail.jsonl for the verifier, trail.csv for people, the ids for what is missing, and the heads that hold them."""
    heads = Heads()
    ids: list[int] = []
    with tempfile.TemporaryFile() as beside:

        def lines() -> Iterator[bytes]:
            for seal, event in chaining.part_of_trail(events.values_list("pk", flat=True).iterator(packs.CHUNK)):
                beside.writelines(csv_rows_bare(_trail_row(seal, event)))
                heads.need(seal["seq"])
                ids.append(seal["event"])
                progress.step()
                yield from verifying.lines_of(seal, event)

        pack.add("trail.jsonl", lines())
        beside.seek(0)
        header = csv_lines(TRAIL_COLUMNS, ())
        pack.add("trail.csv", chain(header, iter(lambda: beside.read(1 << 20), b"")))
    pack.add("trail.index.json", [verifying.canonical(ids)])
    for name, content in heads.files():
        pack.add(f"heads/{name}", content)
    last = AuditSeal.objects.order_by("-seq").first()
    return {"events": len(ids), "seq": last.seq if last else 0, "hash": last.hash if last else ""}


def csv_rows_bare(row: tuple) -> list[bytes]:
    text = io.StringIO()
    csv.writer(text).writerow(map(defused, row))
    return [text.getvalue().encode()]


def _trail_row(seal: dict, event: dict | None) -> tuple:
    if event is None:
        raise chaining.Broken(f"event {seal['event']} is gone, its seal {seal['seq']} is there")
    gone = ", ".join(sorted(event["redaction"]["fields"])) if event["redaction"] else ""
    return (
        event["id"], event["at"], event["actor_label"], event["action"], event["subject_label"],
        json.dumps(event["data"], ensure_ascii=False, sort_keys=True), seal["seq"], seal["hash"], gone,
    )  # fmt: skip


class Heads:
    """The signed heads that hold some seals, copied from the files outside."""

    def __init__(self) -> None:
        self._all = list(AuditHead.objects.order_by("seq").values_list("seq", "at", "signature"))
        self._seqs = [seq for seq, *_ in self._all]
        self._needed: dict[str, datetime] = {}  # when, by signature

    def need(self, seq: int) -> None:
        _, at, signature = self._all[bisect_left(self._seqs, seq)]
        self._needed[signature] = at

    def files(self) -> Iterator[tuple[str, Iterator[bytes]]]:
        directory = chaining.heads_directory()
        for day in sorted({at.astimezone(UTC).date() for at in self._needed.values()}):
            path = directory / f"heads-{day}.jsonl"
            if not path.exists():
                raise chaining.Broken(f"the heads of {day} are not in AUDIT_HEADS any more")
            yield path.name, self._lines(path)

    def _lines(self, path: Path) -> Iterator[bytes]:
        with path.open("rb") as lines:
            for line in lines:
                if json.loads(line)["signature"] in self._needed:
                    yield line


def _about(bundle: EvidenceBundle, contents: packs.Contents, moment: datetime, trail: dict) -> dict[str, Any]:
    name, _ = verifying.key_of(chaining.public_pem())
    return {
        "title": bundle.title, "kind": bundle.kind, "scope": bundle.scope, "pack": bundle.pk,
        "at": moment.isoformat(), "made_at": database_now().isoformat(), "made_on": settings.BASE_URL,
        "made_by": {"name": bundle.made_by.name, "email": bundle.made_by.email},
        "facts": {fact: pack_report.said(value) for fact, value in contents.facts},
        "population": contents.population, "grades": contents.grades, "findings": contents.findings,
        "sample": {"seed": bundle.seed, "size": bundle.sample}, "audit_chain": trail, "key_id": name,
    }  # fmt: skip


def _sha256(file: IO[bytes]) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
