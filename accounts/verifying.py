"""Is this evidence what left the system? Plain Python 3.9 or newer: no other program, no network, no database.

    python3 verify.py pack.zip                    a pack, or the directory into which it was unzipped
    python3 verify.py trail.jsonl heads/          an exported trail (manage.py verify_audit --export) and signed heads
    ... --key 0123456789abcdef                    trust this key alone; compare it with what you were told

It names the row that was edited, deleted, inserted, moved or cut, and ends with 1 if there is one. Every event stands
in a chain of seals; each minute the chain's head is signed (Ed25519) and leaves the database together with the digest
of every event and the hash of every seal since the head before. So a row shows against what had left, even if somebody
computed the whole chain anew. One file on purpose: it goes into each pack, and an auditor can read all of it.
"""

from __future__ import annotations

import argparse
import base64
import bisect
import hashlib
import json
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

try:  # a year of heads in a minute; without it, what stands at the end of this file does the same in an hour
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    Ed25519PublicKey = None  # type: ignore[assignment, misc]

BEGINNING = "0" * 64
LATE = timedelta(minutes=10)  # no transaction of ours is open so long
VERSION = 2
FIELDS = (
    "id", "at", "actor", "actor_label", "action", "subject_type", "subject_id", "subject_label", "data", "click",
)  # fmt: skip
PUBLIC = ("id", "at", "actor", "action", "subject_type", "subject_id", "click")  # no name and no word of anybody
ERASED = "(erased)"
_written = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
EVENT_KEYS = {*FIELDS, "kind", "salt", "redaction"}
SEAL_KEYS = {"kind", "seq", "event", "previous_hash", "hash", "sealed_at", "version"}


class Row(NamedTuple):
    """What left the database about one event. `hash` is its seal's; heads of older versions do not tell it."""

    event: int
    digest: str
    hash: str = ""


Outside = dict[int, Row]  # by seq


@dataclass(frozen=True)
class Finding:
    """`event` is the id of the row concerned (None: not one row)."""

    kind: str  # edited, deleted, inserted, moved, cut, rewritten, unsealed, seal, head, erased, file
    event: int | None
    words: str


@dataclass
class Report:
    events: int = 0
    seals: int = 0
    heads: int = 0
    outside: int = 0  # events whose digest has left the database
    erased: list[str] = field(default_factory=list)  # what was erased lawfully, in words
    findings: list[Finding] = field(default_factory=list)

    def add(self, kind: str, event: int | None, words: str) -> None:
        found = Finding(kind, event, words)
        if found not in self.findings:
            self.findings.append(found)


@dataclass(frozen=True)
class Head:
    """One signed line of a head file: the chain's hash at `seq`, and (seq, event, digest, seal's hash) of each row
    after `since`."""

    seq: int
    hash: str
    since: int
    at: str
    key_id: str
    rows: list[tuple]
    signature: str

    @property
    def rows_hash(self) -> str:
        return hashlib.sha256(canonical(self.rows)).hexdigest()

    def signed_bytes(self) -> bytes:
        return signed_bytes(self.seq, self.hash, self.since, self.rows_hash, self.at, self.key_id)


# --- How an event is hashed -------------------------------------------------------------------------------------------


def canonical(value: Any) -> bytes:
    return _written(value).encode()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def digest(event: dict[str, Any]) -> str:
    """Of one event; `at` is ISO 8601 in UTC with microseconds.

    An event with a salt (version 2) stands in it with what is nobody's word as it is, and with a commitment to each
    label and each of its data: the value can be erased and its commitment stays, from which nobody guesses the value
    once its key is gone. Without one (version 1) it is hashed whole; erased, it keeps the digest that it had.
    """
    redaction = event.get("redaction") or {}
    if redaction.get("was"):
        return redaction["was"]
    if not event.get("salt") and not redaction:
        return plain_digest(event)
    body = {name: event[name] for name in PUBLIC}
    return hashlib.sha256(canonical({"v": VERSION, **body, "personal": commitments(event)})).hexdigest()


def plain_digest(event: dict[str, Any]) -> str:
    return hashlib.sha256(canonical({name: event[name] for name in FIELDS})).hexdigest()


def personal(event: dict[str, Any]) -> dict[str, Any]:
    """What a person may have erased, by its path."""
    labels = {name: event[name] for name in ("actor_label", "subject_label")}
    return {**labels, **{f"data.{name}": value for name, value in event["data"].items()}}


def commitments(event: dict[str, Any]) -> dict[str, str]:
    redaction = event.get("redaction") or {"fields": {}, "keys": {}}
    gone, keys = redaction["fields"], redaction["keys"]
    return {
        path: gone[path] if path in gone else commit(keys.get(path) or blinding(event["salt"], path), value)
        for path, value in personal(event).items()
    }


def blinding(salt: str, path: str) -> str:
    """The key of one field's commitment."""
    return _sha256(f"{salt}\n{path}")


def commit(key: str, value: Any) -> str:
    return hashlib.sha256(canonical([key, value])).hexdigest()


def link(previous_hash: str, seq: int, event_digest: str, sealed_at: str, version: int = 1) -> str:
    """The hash of a seal. What was sealed by the first version stays verifiable."""
    return _sha256(f"{previous_hash}\n{seq}\n{event_digest}\n{sealed_at}" + (f"\n{version}" if version > 1 else ""))


def signed_bytes(seq: int, hash_: str, since: int, rows_hash: str, at: str, key_id: str) -> bytes:
    return canonical({"seq": seq, "hash": hash_, "since": since, "rows": rows_hash, "at": at, "key": key_id})


# --- The trail against its seals, and against what left ---------------------------------------------------------------


def verify(
    sealed: Iterable[tuple[dict, dict | None]],
    unsealed: Iterable[dict],
    heads: list[Head],
    keys: dict[str, bytes],
    now: datetime | None,
) -> Report:
    """`sealed`: every seal in order of seq, with its event (None: gone). `unsealed`: events without a seal; without
    `now`, none may be there."""
    report = Report()
    outside = _outside(heads, keys, report)
    inside, erasures = _walk_chain(sealed, outside, {head.seq: head.hash for head in heads}, report)
    _compare_with_outside(inside, outside, report)
    erasures.settle(report)
    for event in unsealed:
        report.events += 1
        if now is None or now - datetime.fromisoformat(event["at"]) > LATE:
            kind = "unsealed" if now else "inserted"
            report.add(kind, event["id"], f"Event {event['id']} of {event['at']} has no seal.")
    return report


def _outside(heads: list[Head], keys: dict[str, bytes], report: Report) -> Outside:
    """seq to row, from the heads whose signature is good and which follow one another."""
    rows: Outside = {}
    last = 0
    for index, head in enumerate(heads):
        if index and head.seq <= heads[index - 1].seq:
            report.add("head", None, f"The head at seal {head.seq} does not stand in its place, or stands there twice.")
    for head in sorted(heads, key=lambda head: head.seq):
        report.heads += 1
        if head.key_id not in keys or not signed(keys[head.key_id], head.signature, head.signed_bytes()):
            report.add("head", None, f"The head at seal {head.seq} is not signed by a key that you trust.")
            continue
        if head.since > last:
            report.add("head", None, f"The heads of the seals {last + 1} to {head.since} are missing outside.")
        rows.update({row[0]: Row(*row[1:]) for row in head.rows})
        last = max(last, head.seq)
    report.outside = len(rows)
    return rows


def _walk_chain(sealed, outside: Outside, heads_at: dict[int, str], report: Report):
    """Each seal against the one before it, its event, and the head outside. Returns (seq, event) and the erasures."""
    inside: list[tuple[int, int]] = []
    known, seals = {row.event: row.digest for row in outside.values()}, _Seals(outside, report)
    previous, expected, batch, erasures = BEGINNING, 1, _Batch(), _Erasures()
    for seal, event in sealed:
        report.seals += 1
        seq, name = seal["seq"], seals.whose(seal)
        for gap in range(expected, min(seq, expected + 1000)):
            if gap not in outside:  # else the comparison names its event
                report.add("deleted", None, f"Seal {gap} is missing.")
        found = digest(event) if event else known.get(name, "")
        if event is None:
            report.add("deleted", name, f"Event {name} was deleted: its seal {seq} is there, the row is not.")
        else:
            report.events += 1
            erasures.see(event)
            if name in known and known[name] != found:
                report.add("edited", name, f"Event {name} (seal {seq}) was edited: it is not what left the database.")
            if batch.already_past(seal, event):
                words = f"Event {name} says {event['at']}, but was not there when later ones were sealed."
                report.add("inserted", name, words)
        seals.check(seal, name, found, previous if seq == expected else None)
        if heads_at.get(seq, seal["hash"]) != seal["hash"]:
            seals.rewritten(f"The chain up to seal {seq} is not the one whose head left the database.")
        inside.append((seq, name))
        previous, expected = seal["hash"], seq + 1
    return inside, erasures


class _Seals:
    """Seals against what left about them. One that left is known by its hash, whatever it says now."""

    def __init__(self, outside: Outside, report: Report) -> None:
        self._outside, self._report, self._rewritten = outside, report, False
        self._left = {row.hash: seq for seq, row in outside.items() if row.hash}

    def whose(self, seal: dict) -> int:
        seq = self._left.get(seal["hash"])
        return self._outside[seq].event if seq else seal["event"]

    def check(self, seal: dict, name: int, found: str, before: str | None) -> None:
        """`found`: the digest of its event as it is; `before`: the hash of the seal before it, if that is there."""
        if seal["hash"] in self._left:
            self._that_left(seal, name, self._left[seal["hash"]])
        elif seal["seq"] in self._outside and self._outside[seal["seq"]].hash:
            self._instead_of_one_that_left(seal, name, found)
        else:
            self._alone(seal, name, found, before)

    def _that_left(self, seal: dict, name: int, seq: int) -> None:
        row = self._outside[seq]
        before = self._before(seq)
        if seal["event"] != name:
            self._edited(seal, name, "it says that it is of another event")
        if seal["seq"] != seq:
            self._edited(seal, name, f"it was number {seq}")
        if before and seal["previous_hash"] != before:
            self._edited(seal, name, "it followed another one")
        if before and not _fits(seal, before, seq, row.digest, row.hash):
            self._edited(seal, name, f"it was not made at {seal['sealed_at']}")

    def _instead_of_one_that_left(self, seal: dict, name: int, found: str) -> None:
        seq, row = seal["seq"], self._outside[seal["seq"]]
        before = self._before(seq)
        if row.event == name and before and not _fits(seal, before, seq, row.digest, row.hash):
            self._edited(seal, name, f"it was not made at {seal['sealed_at']}")
        elif not _fits(seal, seal["previous_hash"], seq, found, seal["hash"]):
            self._edited(seal, name, "its hash is another")
        else:
            self.rewritten(f"From seal {seq} on, the chain is not the one that left the database.")

    def _alone(self, seal: dict, name: int, found: str, before: str | None) -> None:
        """Held by the chain only: sealed after the newest head, or by a version whose heads told less."""
        seq, row = seal["seq"], self._outside.get(seal["seq"])
        if before is not None and seal["previous_hash"] != before:
            self._report.add("seal", name, f"Seal {seq} (event {name}) does not follow from the seal before it.")
        if _fits(seal, seal["previous_hash"], seq, found, seal["hash"]):
            return
        if row is None:
            self._report.add("edited", name, f"Event {name} or its seal {seq} was edited: they do not match.")
        elif row.digest == found:
            self._edited(seal, name, "the event itself was not")

    def rewritten(self, words: str) -> None:
        """Said once: all that follows is another chain as well."""
        if not self._rewritten:
            self._report.add("rewritten", None, words)
        self._rewritten = True

    def _before(self, seq: int) -> str:
        """The hash that left of the seal before this one."""
        row = self._outside.get(seq - 1)
        return BEGINNING if seq == 1 else row.hash if row else ""

    def _edited(self, seal: dict, name: int, words: str) -> None:
        self._report.add("seal", name, f"Seal {seal['seq']} of event {name} was edited: {words}.")


def _fits(seal: dict, before: str, seq: int, event_digest: str, hash_: str) -> bool:
    return link(before, seq, event_digest, seal["sealed_at"], seal.get("version", 1)) == hash_


class _Batch:
    """When the batch of seals before this one was made: what claims to be older and was not in it, came later."""

    def __init__(self) -> None:
        self._this = self._before = ""

    def already_past(self, seal: dict, event: dict) -> bool:
        if seal["sealed_at"] != self._this:
            self._before, self._this = self._this, seal["sealed_at"]
        return bool(self._before) and datetime.fromisoformat(event["at"]) + LATE < datetime.fromisoformat(self._before)


class _Erasures:
    """What was erased, against the sealed events that say so: each lists what it erased, and by whom it was asked."""

    def __init__(self) -> None:
        self._erased: list[tuple[int, dict, str]] = []
        self._said: dict[int, dict] = {}

    def see(self, event: dict) -> None:
        if event["action"] == "person.redacted":
            self._said[event["id"]] = event
        if event.get("redaction"):
            self._erased.append((event["id"], event["redaction"], plain_digest(event)))

    def settle(self, report: Report) -> None:
        for name, redaction, rest in self._erased:
            says = self._said.get(redaction["by"], {"data": {}})
            listed = says["data"].get("events", {}).get(str(name))
            paths = sorted(redaction["fields"])
            if listed is None or sorted(listed["fields"]) != paths:
                report.add("erased", name, f"Event {name} was erased in part, and no sealed event says so.")
            elif redaction.get("was") and listed.get("rest") != rest:
                report.add("edited", name, f"Event {name} was edited after a part of it was erased.")
            else:
                report.erased.append(f"Event {name}: {', '.join(paths)}, at {says['at']} (event {says['id']})")


def _compare_with_outside(inside: list[tuple[int, int]], outside: Outside, report: Report) -> None:
    """Rows that left the database and are gone, rows that came between, rows in another order."""
    place = {row.event: seq for seq, row in outside.items()}
    here = {event for _, event in inside}
    last_inside = max((seq for seq, _ in inside), default=0)
    named = {finding.event for finding in report.findings if finding.kind == "deleted"}
    for seq, row in outside.items():
        if row.event not in here and row.event not in named:
            kind, words = ("cut", "cut off the end") if seq > last_inside else ("deleted", "deleted with its seal")
            report.add(kind, row.event, f"Event {row.event} (seal {seq}) was {words}.")
    for seq, event in inside:
        if event not in place and seq in outside:
            report.add(
                "inserted", event, f"Event {event} was inserted at seal {seq}: it never left the database there."
            )
    for event in out_of_order([(event, place[event]) for _, event in inside if event in place]):
        report.add("moved", event, f"Event {event} was moved: it stood at seal {place[event]}.")


def out_of_order(order: list[tuple[int, int]]) -> list[int]:
    """The fewest events that must go for the rest to be in order: all that are not in a longest rising run."""
    tails: list[int] = []
    length: list[int] = []
    for _, place in order:
        at = bisect.bisect_left(tails, place)
        tails[at : at + 1] = [place]
        length.append(at)
    want, kept = len(tails) - 1, set()
    for index in range(len(order) - 1, -1, -1):
        if length[index] == want:
            kept.add(index)
            want -= 1
    return [event for index, (event, _) in enumerate(order) if index not in kept]


# --- Files ------------------------------------------------------------------------------------------------------------


class Trail:
    """An exported trail, line for line: a line is a seal or its event, in order, as it was written."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self.seals: dict[int, dict] = {}
        self.events: dict[int, dict] = {}
        self.findings: list[Finding] = []
        order: list[tuple[int, int]] = []
        sealed_as: dict[int, int] = {}
        for number, line in enumerate(lines, 1):
            row = self._read(number, line)
            if row is None:
                continue
            kept, name = (self.seals, row["seq"]) if row["kind"] == "seal" else (self.events, row["id"])
            event: int = row["event" if row["kind"] == "seal" else "id"]
            if name in kept:
                self._add("inserted", event, f"Line {number}: the {row['kind']} {name} stands there twice.")
                continue
            kept[name] = row
            if row["kind"] == "seal":
                sealed_as[event] = row["seq"]
            order.append((event, 2 * sealed_as.get(event, 0) + (row["kind"] == "event")))
        for event in out_of_order([(event, at) for event, at in order if at > 1]):
            self._add("moved", event, f"A line of event {event} was moved in the file.")

    def sealed(self) -> Iterator[tuple[dict, dict | None]]:
        return ((self.seals[seq], self.events.get(self.seals[seq]["event"])) for seq in sorted(self.seals))

    def unsealed(self) -> list[dict]:
        names = {seal["event"] for seal in self.seals.values()}
        return [event for name, event in self.events.items() if name not in names]

    def _read(self, number: int, line: bytes) -> dict | None:
        try:
            row = json.loads(line)
            keys = SEAL_KEYS if row["kind"] == "seal" else EVENT_KEYS
            wrong = set(row) - keys or row["kind"] not in ("seal", "event") or _wrong_types(row)
            if not wrong and canonical(row) == line.rstrip(b"\n"):
                return row
            event = row.get("event", row.get("id"))
            self._add("edited", event if isinstance(event, int) else None,
                      f"Line {number} (event {event}) is not as it was written.")  # fmt: skip
            return None if wrong else row
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            self._add("edited", None, f"Line {number} cannot be read: {error}")
            return None

    def _add(self, kind: str, event: int | None, words: str) -> None:
        self.findings.append(Finding(kind, event, words))


def _wrong_types(row: dict) -> bool:
    """Whether something is missing in it, or is not of its kind."""
    if row["kind"] == "seal":
        texts = [row[name] for name in ("previous_hash", "hash", "sealed_at")]
        return any(not isinstance(each, str) for each in texts) or not all(
            isinstance(row[name], int) for name in ("seq", "event")
        )
    datetime.fromisoformat(row["at"])
    texts = [row[name] for name in ("at", "actor_label", "action", "subject_type", "subject_id", "subject_label")]
    redaction = row.get("redaction") or {"fields": {}, "keys": {}, "by": 0}
    whole = isinstance(redaction["fields"], dict) and isinstance(redaction["keys"], dict) and "by" in redaction
    return any(not isinstance(each, str) for each in texts) or not isinstance(row["data"], dict) or not whole or (
        not isinstance(row["id"], int)
    )  # fmt: skip


def lines_of(seal: dict, event: dict | None) -> list[bytes]:
    """How the two stand in a file."""
    lines = [canonical({"kind": "seal", **seal}) + b"\n"]
    return lines if event is None else [*lines, canonical({"kind": "event", **event}) + b"\n"]


def read_heads(directory: Path) -> list[Head]:
    """Every line of heads-*.jsonl. Raises ValueError naming the line that cannot be read."""
    return [head for path in sorted(directory.glob("heads-*.jsonl")) for head in heads_of(path.name, path.read_bytes())]


def heads_of(name: str, content: bytes) -> Iterator[Head]:
    for number, line in enumerate(content.splitlines(), 1):
        try:
            found = json.loads(line)
            yield Head(**{**found, "rows": [tuple(row) for row in found["rows"]]})
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"{name}, line {number} is not a head: {error}") from error


def read_keys(directory: Path) -> dict[str, bytes]:
    """The public keys beside the heads, by their id."""
    return dict(key_of(path.read_bytes()) for path in directory.glob("*.pub"))


def key_of(pem: bytes) -> tuple[str, bytes]:
    """An Ed25519 public key and its id, which is made of it: a key that was put in another's place has another."""
    body = b"".join(line for line in pem.splitlines() if line and not line.startswith(b"-"))
    raw = base64.b64decode(body)[-32:]
    return hashlib.sha256(raw).hexdigest()[:16], raw


def check_trail(path: Path, directory: Path, trusted: str = "") -> Report:
    with path.open("rb") as lines:
        trail = Trail(lines)
    keys = {name: key for name, key in read_keys(directory).items() if trusted in ("", name)}
    report = verify(trail.sealed(), trail.unsealed(), read_heads(directory), keys, None)
    report.findings = [*trail.findings, *(each for each in report.findings if each not in trail.findings)]
    return report


# --- A pack -----------------------------------------------------------------------------------------------------------


class Pack:
    """The files of a pack: a ZIP, or the directory into which it was unzipped."""

    def __init__(self, path: Path) -> None:
        self._zip = None if path.is_dir() else zipfile.ZipFile(path)
        self._path = path

    def names(self) -> list[str]:
        if self._zip:
            return self._zip.namelist()
        return [each.relative_to(self._path).as_posix() for each in self._path.rglob("*") if each.is_file()]

    def open(self, name: str):
        return self._zip.open(name) if self._zip else (self._path / name).open("rb")

    def read(self, name: str) -> bytes:
        with self.open(name) as file:
            return file.read()


def check_pack(path: Path, trusted: str = "") -> Report:
    """The signature of the manifest, the digest of each file, and each event of its part of the trail."""
    report, pack = Report(), Pack(path)
    names = pack.names()
    missing = [name for name in ("manifest.json", "manifest.sig", "key.pub") if name not in names]
    for name in missing:
        report.add("file", None, f"{name} is missing.")
    if missing:
        return report
    name, key = key_of(pack.read("key.pub"))
    if trusted not in ("", name):
        report.add("file", None, f"It is signed by the key {name}, not by {trusted}.")
    written = pack.read("manifest.json")
    if not signed(key, pack.read("manifest.sig").decode("ascii", "replace").strip(), written):
        report.add("file", None, "manifest.json was edited, or signed by another key: its signature does not fit.")
    try:
        listed = json.loads(written)["files"]
        expected = {each: listed[each]["sha256"] for each in listed}
    except (ValueError, KeyError, TypeError):
        report.add("file", None, "manifest.json cannot be read.")
        return report
    for each in sorted(set(names) - set(expected) - {"manifest.json", "manifest.sig"}):
        report.add("file", None, f"{each} was inserted: the manifest does not know it.")
    for each in sorted({each for each in names if names.count(each) > 1}):
        report.add("file", None, f"{each} stands in it twice.")
    for each, sha256 in expected.items():
        _check_file(pack, each, sha256, names, report)
    if "trail.jsonl" in expected and "trail.jsonl" in names:
        _check_part(pack, {name: key}, expected, names, report)
    return report


def _check_file(pack: Pack, name: str, sha256: str, names: list[str], report: Report) -> None:
    if name not in names:
        report.add("file", None, f"{name} was deleted.")
        return
    found = hashlib.sha256()
    try:
        with pack.open(name) as file:
            while chunk := file.read(1 << 20):
                found.update(chunk)
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        report.add("file", None, f"{name} cannot be read: {error}")
        return
    if found.hexdigest() != sha256:
        report.add("file", None, f"{name} was edited: its digest is not the one in the manifest.")


def _check_part(pack: Pack, keys: dict[str, bytes], expected: dict, names: list[str], report: Report) -> None:
    """A part of the trail has gaps; each row of it is held by its head."""
    heads = [head for name in sorted(expected) if name in names and name.startswith("heads/")
             for head in heads_of(name, pack.read(name))]  # fmt: skip
    outside: Outside = {}
    for head in heads:
        report.heads += 1
        if head.key_id in keys and signed(keys[head.key_id], head.signature, head.signed_bytes()):
            outside.update({row[0]: Row(*row[1:]) for row in head.rows})
        else:
            report.add("head", None, f"The head at seal {head.seq} is not signed by a key that you trust.")
    with pack.open("trail.jsonl") as lines:
        trail = Trail(lines)
    report.findings += trail.findings
    index = set(json.loads(pack.read("trail.index.json"))) if "trail.index.json" in names else set(trail.events)
    report.outside = sum(row.event in index for row in outside.values())
    for event in sorted(index - set(trail.events)):
        report.add("deleted", event, f"Event {event} was deleted from the part of the trail.")
    for event in sorted(set(trail.events) - index):
        report.add("inserted", event, f"Event {event} was inserted into the part of the trail.")
    erasures = _Erasures()
    for seal, event in trail.sealed():
        report.seals += 1
        if event is not None:
            report.events += 1
            erasures.see(event)
            _check_sealed(seal, event, outside, report)
    erasures.settle(report)


def _check_sealed(seal: dict, event: dict, outside: Outside, report: Report) -> None:
    row, name, found = outside.get(seal["seq"]), seal["event"], digest(event)
    if row is None:
        report.add("head", name, f"No signed head in the pack holds event {name}.")
    elif (row.event, row.digest) != (name, found):
        report.add("edited", name, f"Event {name} (seal {seal['seq']}) was edited: it is not what was signed.")
    elif not _fits(seal, seal["previous_hash"], seal["seq"], found, seal["hash"]):
        report.add("seal", name, f"Seal {seal['seq']} of event {name} was edited; the event itself was not.")
    elif row.hash and row.hash != seal["hash"]:
        report.add("seal", name, f"Seal {seal['seq']} of event {name} was made anew.")


# --- Ed25519 (RFC 8032), checking only: some 3 ms a signature ---------------------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
BASE_Y = 4 * pow(5, P - 2, P) % P


def signed(key: bytes, signature: str, message: bytes) -> bool:
    """Whether the 64 bytes (hexadecimal) are this key's signature of the message."""
    try:
        raw = bytes.fromhex(signature)
    except (ValueError, TypeError):
        return False
    return len(raw) == 64 and len(key) == 32 and (_plain if Ed25519PublicKey is None else _fast)(key, raw, message)


def _fast(key: bytes, raw: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(raw, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _plain(key: bytes, raw: bytes, message: bytes) -> bool:
    try:
        s = int.from_bytes(raw[32:], "little")
        r, a = _point(raw[:32]), _point(key)
    except ValueError:
        return False
    if s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(raw[:32] + key + message).digest(), "little") % ORDER
    base = _point(BASE_Y.to_bytes(32, "little"))
    left, right = _times(s, base), _plus(r, _times(k, a))
    return not (left[0] * right[2] - right[0] * left[2]) % P and not (left[1] * right[2] - right[1] * left[2]) % P


def _point(encoded: bytes) -> tuple[int, int, int, int]:
    """Raises ValueError if it is none."""
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - x2) % P or (not x and sign):
        raise ValueError("not a point of the curve")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def _plus(p, q) -> tuple[int, int, int, int]:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(number: int, point) -> tuple[int, int, int, int]:
    found = (0, 1, 1, 0)
    while number:
        if number & 1:
            found = _plus(found, point)
        point, number = _plus(point, point), number >> 1
    return found


# --- What a person reads ----------------------------------------------------------------------------------------------


def words(report: Report) -> str:
    counts = (
        f"{report.events} events, {report.seals} seals, {report.heads} heads outside cover {report.outside} of them."
    )
    erased = [f"  erased     {each}" for each in report.erased]
    if not report.findings:
        return "\n".join([counts, *erased, "The trail is whole."])
    lines = [f"  {finding.kind:<10} {finding.words}" for finding in report.findings]
    return "\n".join([counts, *erased, f"The trail was tampered with, in {len(lines)} places:", *lines])


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", type=Path, nargs="?", default=Path(__file__).parent)
    parser.add_argument("heads", type=Path, nargs="?")
    parser.add_argument("--key", default="", help="the id of the key that you were told")
    options = parser.parse_args(arguments)
    try:
        report = (
            check_trail(options.what, options.heads, options.key)
            if options.heads
            else check_pack(options.what, options.key)
        )
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        print(f"This cannot be read: {error}")
        return 2
    print(words(report))
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
