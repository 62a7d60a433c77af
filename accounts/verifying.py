"""Checking the trail against its seals and against the heads that left the database. Pure Python, without Django.

    python -m accounts.verifying trail.jsonl heads/        (trail.jsonl comes from `manage.py verify_audit --export`)

The chain alone shows an edit. The heads outside, which list the digest of every event, also show a chain that was cut
or computed anew, and name the row.
"""

import bisect
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

BEGINNING = "0" * 64
Outside = dict[int, tuple[int, str]]  # seq: (event, digest)
LATE = timedelta(minutes=10)  # no transaction of ours is open so long
FIELDS = (
    "id", "at", "actor", "actor_label", "action", "subject_type", "subject_id", "subject_label", "data", "click",
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """`event` is the id of the row concerned (None: not one row)."""

    kind: str  # edited, deleted, inserted, moved, cut, rewritten, unsealed, seal, head
    event: int | None
    words: str


@dataclass
class Report:
    events: int = 0
    seals: int = 0
    heads: int = 0
    outside: int = 0  # events whose digest has left the database
    findings: list[Finding] = field(default_factory=list)

    def add(self, kind: str, event: int | None, words: str) -> None:
        self.findings.append(Finding(kind, event, words))


@dataclass(frozen=True)
class Head:
    """One signed line of a head file: the chain's hash at `seq`, and (seq, event, digest) of each row after `since`."""

    seq: int
    hash: str
    since: int
    at: str
    key_id: str
    rows: list[tuple[int, int, str]]
    signature: str

    @property
    def rows_hash(self) -> str:
        return hashlib.sha256(canonical(self.rows)).hexdigest()

    def signed_bytes(self) -> bytes:
        return signed_bytes(self.seq, self.hash, self.since, self.rows_hash, self.at, self.key_id)


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(event: dict[str, Any]) -> str:
    """Of one event, by its FIELDS; `at` is ISO 8601 in UTC with microseconds."""
    return hashlib.sha256(canonical({name: event[name] for name in FIELDS})).hexdigest()


def link(previous_hash: str, seq: int, event_digest: str, sealed_at: str) -> str:
    """The hash of a seal."""
    return hashlib.sha256(f"{previous_hash}\n{seq}\n{event_digest}\n{sealed_at}".encode()).hexdigest()


def signed_bytes(seq: int, hash_: str, since: int, rows_hash: str, at: str, key_id: str) -> bytes:
    return canonical({"seq": seq, "hash": hash_, "since": since, "rows": rows_hash, "at": at, "key": key_id})


def verify(
    sealed: Iterable[tuple[dict, dict | None]],
    unsealed: Iterable[dict],
    heads: list[Head],
    keys: dict[str, Ed25519PublicKey],
    now: datetime,
) -> Report:
    """`sealed`: every seal in order of seq, with its event (None: gone). `unsealed`: events without a seal."""
    report = Report()
    outside = _outside(heads, keys, report)
    inside = _walk_chain(sealed, outside, {head.seq: head.hash for head in heads}, report)
    _compare_with_outside(inside, outside, report)
    for event in unsealed:
        report.events += 1
        if now - datetime.fromisoformat(event["at"]) > LATE:
            report.add("unsealed", event["id"], f"Event {event['id']} of {event['at']} has no seal.")
    return report


def _outside(heads: list[Head], keys: dict[str, Ed25519PublicKey], report: Report) -> Outside:
    """seq to (event, digest), from the heads whose signature is good and which follow one another."""
    rows: Outside = {}
    last = 0
    for head in sorted(heads, key=lambda head: head.seq):
        report.heads += 1
        if head.key_id not in keys or not _signed(head, keys[head.key_id]):
            report.add("head", None, f"The head at seal {head.seq} is not signed by a key of ours.")
            continue
        if head.since > last:
            report.add("head", None, f"The heads of the seals {last + 1} to {head.since} are missing outside.")
        rows.update({seq: (event, event_digest) for seq, event, event_digest in head.rows})
        last = max(last, head.seq)
    report.outside = len(rows)
    return rows


def _signed(head: Head, key: Ed25519PublicKey) -> bool:
    try:
        key.verify(bytes.fromhex(head.signature), head.signed_bytes())
    except (InvalidSignature, ValueError):
        return False
    return True


def _walk_chain(sealed, outside, heads_at: dict[int, str], report: Report) -> list[tuple[int, int, str]]:
    """Each seal against the one before it, its event, and the head outside. Returns (seq, event, digest)."""
    inside: list[tuple[int, int, str]] = []
    known = dict(outside.values())
    previous, expected, batch = BEGINNING, 1, _Batch()
    rewritten = False
    for seal, event in sealed:
        report.seals += 1
        seq, name = seal["seq"], seal["event"]
        for gap in range(expected, min(seq, expected + 1000)):
            if gap not in outside:  # else the comparison names its event
                report.add("deleted", None, f"Seal {gap} is missing.")
        if seq == expected and seal["previous_hash"] != previous:
            report.add("seal", name, f"Seal {seq} (event {name}) does not follow from the seal before it.")
        found = digest(event) if event else known.get(name, "")
        if event is None:
            report.add("deleted", name, f"Event {name} was deleted: its seal {seq} is there, the row is not.")
        else:
            report.events += 1
            _check_row(seal, found, known.get(name), report)
            if batch.already_past(seal, event):
                words = f"Event {name} says {event['at']}, but was not there when later ones were sealed."
                report.add("inserted", name, words)
        if heads_at.get(seq, seal["hash"]) != seal["hash"] and not rewritten:
            rewritten = True
            report.add("rewritten", None, f"The chain up to seal {seq} is not the one whose head left the database.")
        inside.append((seq, name, found))
        previous, expected = seal["hash"], seq + 1
    return inside


def _check_row(seal: dict, found: str, known: str | None, report: Report) -> None:
    seq, name = seal["seq"], seal["event"]
    if known is not None and known != found:
        report.add("edited", name, f"Event {name} (seal {seq}) was edited: it is not what left the database.")
    elif link(seal["previous_hash"], seq, found, seal["sealed_at"]) != seal["hash"]:
        if known is None:
            report.add("edited", name, f"Event {name} or its seal {seq} was edited: they do not match.")
        else:
            report.add("seal", name, f"Seal {seq} of event {name} was edited; the event itself was not.")


class _Batch:
    """When the batch of seals before this one was made: what claims to be older and was not in it, came later."""

    def __init__(self) -> None:
        self._this = self._before = ""

    def already_past(self, seal: dict, event: dict) -> bool:
        if seal["sealed_at"] != self._this:
            self._before, self._this = self._this, seal["sealed_at"]
        return bool(self._before) and datetime.fromisoformat(event["at"]) + LATE < datetime.fromisoformat(self._before)


def _compare_with_outside(
    inside: list[tuple[int, int, str]], outside: dict[int, tuple[int, str]], report: Report
) -> None:
    """Rows that left the database and are gone, rows that came between, rows in another order."""
    place = {event: seq for seq, (event, _) in outside.items()}
    here = {event for _, event, _ in inside}
    last_outside, last_inside = max(outside, default=0), max((seq for seq, *_ in inside), default=0)
    named = {finding.event for finding in report.findings if finding.kind == "deleted"}
    for seq, (event, _) in outside.items():
        if event not in here and event not in named:
            kind, words = ("cut", "cut off the end") if seq > last_inside else ("deleted", "deleted with its seal")
            report.add(kind, event, f"Event {event} (seal {seq}) was {words}.")
    for seq, event, _ in inside:
        if event not in place and seq <= last_outside:
            report.add(
                "inserted", event, f"Event {event} was inserted at seal {seq}: it never left the database there."
            )
    order = [(event, place[event]) for _, event, _ in inside if event in place]
    for event in _out_of_order(order):
        report.add("moved", event, f"Event {event} was moved: it stood at seal {place[event]}.")


def _out_of_order(order: list[tuple[int, int]]) -> list[int]:
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


def read_heads(directory: Path) -> list[Head]:
    """Every line of heads-*.jsonl. Raises ValueError naming the line that cannot be read."""
    return [head for path in sorted(directory.glob("heads-*.jsonl")) for head in _lines(path)]


def _lines(path: Path) -> Iterator[Head]:
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            found = json.loads(line)
            yield Head(**{**found, "rows": [tuple(row) for row in found["rows"]]})
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path.name}, line {number} is not a head: {error}") from error


def read_keys(directory: Path) -> dict[str, Ed25519PublicKey]:
    """The public keys beside the heads, by their id."""
    found = {}
    for path in directory.glob("*.pub"):
        key = load_pem_public_key(path.read_bytes())
        if isinstance(key, Ed25519PublicKey):
            found[path.stem] = key
    return found


def words(report: Report) -> str:
    """What a person reads."""
    counts = (
        f"{report.events} events, {report.seals} seals, {report.heads} heads outside cover {report.outside} of them."
    )
    if not report.findings:
        return f"{counts}\nThe trail is whole."
    lines = [f"  {finding.kind:<10} {finding.words}" for finding in report.findings]
    return "\n".join([counts, f"The trail was tampered with, in {len(lines)} places:", *lines])


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        print(__doc__)
        return 2
    trail, directory = map(Path, arguments)
    seals, events = {}, {}
    with trail.open() as lines:
        for line in map(json.loads, lines):
            (seals if line["kind"] == "seal" else events)[line["event"] if line["kind"] == "seal" else line["id"]] = (
                line
            )
    in_order = sorted(seals.values(), key=lambda seal: seal["seq"])
    unsealed = (event for name, event in events.items() if name not in seals)
    now = max((datetime.fromisoformat(event["at"]) for event in events.values()), default=datetime.now(UTC))
    sealed = ((seal, events.get(seal["event"])) for seal in in_order)
    report = verify(sealed, unsealed, read_heads(directory), read_keys(directory), now)
    print(words(report))
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
