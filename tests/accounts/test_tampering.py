"""A thousand ways to falsify an exported trail: each is found, the right row is named, and nobody else is accused."""

import json
import random
from collections import Counter
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.management import call_command
from django.db import transaction

from accounts import audit, chaining, verifying
from tests.factories import erin, person

pytestmark = pytest.mark.django_db
audit.register("test.done", "did a test")
HEADS, ROWS = 8, 24
Expected = tuple[set[tuple[str, int | None]], set[int]]  # findings that must be there, rows that may be named besides


class Forger:
    """The files as rows, and what somebody who has read the source would do to them."""

    def __init__(self, trail: Path, heads: Path, chance: random.Random) -> None:
        self.rows = [json.loads(line) for line in trail.read_bytes().splitlines()]
        (self.heads_path,) = heads.glob("heads-*.jsonl")
        self.heads = [json.loads(line) for line in self.heads_path.read_bytes().splitlines()]
        (pub,) = heads.glob("*.pub")
        self.keys = {pub.name: pub.read_bytes()}
        self.chance = chance

    def write(self, directory: Path) -> Path:
        directory.mkdir(exist_ok=True)
        for old in directory.glob("*.pub"):
            old.unlink()
        for name, pem in self.keys.items():
            (directory / name).write_bytes(pem)
        (directory / self.heads_path.name).write_bytes(b"".join(map(line, self.heads)))
        (directory / "trail.jsonl").write_bytes(b"".join(map(line, self.rows)))
        return directory

    def pairs(self) -> list[tuple[dict, dict]]:
        return list(zip(self.rows[::2], self.rows[1::2], strict=True))

    def some(self) -> int:
        """The place of a seal; its event is the next line."""
        return 2 * self.chance.randrange(len(self.rows) // 2)

    def chain_anew(self, pairs: list[tuple[dict, dict]]) -> None:
        previous = verifying.BEGINNING
        for seq, (seal, event) in enumerate(pairs, 1):
            found = verifying.digest(event)
            seal |= {"seq": seq, "event": event["id"], "previous_hash": previous}
            seal["hash"] = previous = verifying.link(previous, seq, found, seal["sealed_at"], seal["version"])
        self.rows = [row for pair in pairs for row in pair]


def line(row: dict) -> bytes:
    return verifying.canonical(row) + b"\n"


def other(value, chance: random.Random):
    """Another value of the same kind."""
    if isinstance(value, int):
        return value + chance.choice((-1, 1, 7000))
    if isinstance(value, dict):
        changed = {**value, "n": chance.random()}
        return chance.choice((changed, {}, {**value, "more": 1}))
    if value is None:
        return 3
    if "T" in value and value.endswith("+00:00"):
        return value[:17] + f"{(int(value[17:19]) + 1) % 60:02}" + value[19:]
    place = chance.randrange(len(value) or 1)
    return value[:place] + chance.choice("0a9bZ") + value[place + 1 :] + chance.choice(("", "x"))


# --- the tamperings: each returns what must be named, and what may be -------------------------------------------------


def edit_an_event(forger: Forger) -> Expected:
    event, name = forger.rows[forger.some() + 1], forger.chance.choice((*verifying.FIELDS, "salt", "kind"))
    before, event[name] = event["id"], changed(event[name], forger.chance)
    if name == "id":
        return {("deleted", before)}, {event["id"]}
    if name == "kind":
        return {("deleted", before)}, set()
    return {("edited", before)}, set()


def changed(value, chance: random.Random):
    while (found := other(value, chance)) == value:
        pass
    return found


def edit_an_event_and_chain_anew(forger: Forger) -> Expected:
    place, name = forger.some(), forger.chance.choice(verifying.FIELDS[1:])
    event = forger.rows[place + 1]
    event[name] = changed(event[name], forger.chance)
    forger.chain_anew(forger.pairs())
    return {("edited", event["id"]), ("rewritten", None)}, set()


def edit_an_event_and_its_seal(forger: Forger) -> Expected:
    seal, event = forger.rows[(place := forger.some()) : place + 2]
    event["actor_label"] = changed(event["actor_label"], forger.chance)
    seal["hash"] = verifying.link(
        seal["previous_hash"], seal["seq"], verifying.digest(event), seal["sealed_at"], seal["version"]
    )
    return {("edited", event["id"])}, set()


def add_a_field(forger: Forger) -> Expected:
    event = forger.rows[forger.some() + 1]
    event["note"] = "approved by Erin"
    return {("edited", event["id"])}, set()


def delete_an_event(forger: Forger) -> Expected:
    event = forger.rows.pop(forger.some() + 1)
    return {("deleted", event["id"])}, set()


def delete_a_seal(forger: Forger) -> Expected:
    seal = forger.rows.pop(place := forger.some())
    last = place == len(forger.rows) - 1
    return {("cut" if last else "deleted", seal["event"])}, set()


def delete_an_event_with_its_seal(forger: Forger) -> Expected:
    place = 2 * forger.chance.randrange(len(forger.rows) // 2 - 1)
    event = forger.rows[place + 1]
    del forger.rows[place : place + 2]
    return {("deleted", event["id"])}, set()


def delete_and_chain_anew(forger: Forger) -> Expected:
    pairs = forger.pairs()
    _, event = pairs.pop(forger.chance.randrange(len(pairs) - 1))
    forger.chain_anew(pairs)
    return {("rewritten", None)}, {event["id"]}  # named as deleted, or as cut: the chain is one shorter


def insert_an_event(forger: Forger) -> Expected:
    event = {**forger.rows[forger.some() + 1], "id": 900_001, "subject_label": "nobody"}
    forger.rows.insert(forger.some(), event)
    return {("inserted", 900_001)}, set()


def insert_and_chain_anew(forger: Forger) -> Expected:
    pairs = forger.pairs()
    place = forger.chance.randrange(len(pairs) - 1)
    seal, event = pairs[place]
    pairs.insert(place + 1, (dict(seal), {**event, "id": 900_001, "subject_label": "nobody"}))
    forger.chain_anew(pairs)
    return {("inserted", 900_001), ("rewritten", None)}, set()


def move_and_chain_anew(forger: Forger) -> Expected:
    pairs = forger.pairs()
    place = forger.chance.randrange(len(pairs))
    to = forger.chance.choice([each for each in range(len(pairs)) if abs(each - place) > 1])
    moved = pairs.pop(place)
    pairs.insert(to, moved)
    forger.chain_anew(pairs)
    return {("moved", moved[1]["id"]), ("rewritten", None)}, set()


def move_a_line(forger: Forger) -> Expected:
    place = forger.some()
    pair = forger.rows[place : place + 2]
    del forger.rows[place : place + 2]
    to = forger.chance.choice([each for each in range(0, len(forger.rows) + 1, 2) if abs(each - place) > 2])
    forger.rows[to:to] = pair
    return {("moved", pair[1]["id"])}, set()


def swap_two_and_chain_anew(forger: Forger) -> Expected:
    pairs = forger.pairs()
    a, b = sorted(forger.chance.sample(range(len(pairs)), 2))
    pairs[a], pairs[b] = pairs[b], pairs[a]
    forger.chain_anew(pairs)
    return {("rewritten", None)}, {pairs[a][1]["id"], pairs[b][1]["id"]}


def swap_what_two_events_say(forger: Forger) -> Expected:
    a, b = (forger.rows[2 * place + 1] for place in forger.chance.sample(range(len(forger.rows) // 2), 2))
    a["id"], b["id"] = b["id"], a["id"]
    return {("edited", a["id"]), ("edited", b["id"])}, {a["id"], b["id"]}


def duplicate_a_line(forger: Forger) -> Expected:
    place = forger.chance.randrange(len(forger.rows))
    row = dict(forger.rows[place])
    forger.rows.insert(forger.chance.randrange(place, len(forger.rows)) + 1, row)
    return {("inserted", row.get("event", row.get("id")))}, set()


def cut_the_tail(forger: Forger) -> Expected:
    place = 2 * forger.chance.randrange(len(forger.rows) // 2 - 40, len(forger.rows) // 2)
    gone = forger.rows[place + 1 :: 2]
    del forger.rows[place:]
    return {("cut", event["id"]) for event in gone}, set()


def edit_a_seal(forger: Forger) -> Expected:
    seal, name = forger.rows[forger.some()], forger.chance.choice(sorted(verifying.SEAL_KEYS - {"kind"}))
    event, pointed = seal["event"], set()
    seal[name] = changed(seal[name], forger.chance)
    if name == "event":
        pointed = {seal["event"]}
        return set(), {event, *pointed}
    if name == "seq":
        return set(), {event, *(each["event"] for each in forger.rows[::2] if each["seq"] == seal["seq"])}
    return {("seal", event)}, set()


def make_a_seal_at_another_time_and_chain_anew(forger: Forger) -> Expected:
    seal = forger.rows[forger.some()]
    seal["sealed_at"] = changed(seal["sealed_at"], forger.chance)
    forger.chain_anew(forger.pairs())
    return {("seal", seal["event"])}, set()


def swap_two_heads(forger: Forger) -> Expected:
    a, b = forger.chance.sample(range(len(forger.heads)), 2)
    forger.heads[a], forger.heads[b] = forger.heads[b], forger.heads[a]
    return {("head", None)}, set()


def edit_a_head(forger: Forger) -> Expected:
    head = forger.chance.choice(forger.heads)
    name = forger.chance.choice(("seq", "hash", "since", "at", "key_id", "signature", "rows"))
    if name == "rows":
        row = forger.chance.choice(head["rows"])
        place = forger.chance.randrange(4)
        row[place] = changed(row[place], forger.chance)
    else:
        head[name] = changed(head[name], forger.chance)
    return {("head", None)}, set()


def delete_a_head(forger: Forger) -> Expected:
    del forger.heads[forger.chance.randrange(len(forger.heads) - 1)]
    return {("head", None)}, set()


def sign_everything_anew(forger: Forger) -> Expected:
    """Edit, compute the chain and every head anew, sign with a key of one's own, and put that in the place of ours."""
    event = forger.rows[forger.some() + 1]
    event["subject_label"] = "nobody"
    forger.chain_anew(forger.pairs())
    key = Ed25519PrivateKey.from_private_bytes(forger.chance.randbytes(32))
    ours = next(iter(forger.keys))
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    forger.keys = {forger.chance.choice((ours, "new.pub")): pem}
    pairs, said = forger.pairs(), forger.chance.choice((verifying.key_of(pem)[0], ours[:-4]))
    for head in forger.heads:
        head["rows"] = [
            (s["seq"], e["id"], verifying.digest(e), s["hash"]) for s, e in pairs if s["seq"] <= head["seq"]
        ]
        head["rows"] = [row for row in head["rows"] if row[0] > head["since"]]
        head["hash"], head["key_id"] = head["rows"][-1][3], said
        head["signature"] = key.sign(verifying.Head(**head).signed_bytes()).hex()
    return {("head", None)}, set()


WAYS = [
    edit_an_event, edit_an_event_and_chain_anew, edit_an_event_and_its_seal, add_a_field, delete_an_event,
    delete_a_seal, delete_an_event_with_its_seal, delete_and_chain_anew, insert_an_event, insert_and_chain_anew,
    move_and_chain_anew, move_a_line, swap_two_and_chain_anew, swap_what_two_events_say, duplicate_a_line,
    cut_the_tail, edit_a_seal, make_a_seal_at_another_time_and_chain_anew, swap_two_heads, edit_a_head, delete_a_head,
    sign_everything_anew,
]  # fmt: skip


@pytest.fixture
def trail(settings, tmp_path) -> Path:
    settings.AUDIT_HEADS = tmp_path / "heads"
    chance, first, alice = random.Random(7), erin(), person("alice")
    for head in range(HEADS):
        for _ in range(3):
            with transaction.atomic():
                audit.record_many(
                    [(first, "test.done", alice, {"n": chance.random(), "text": "é – ß", "head": head})] * (ROWS // 3)
                )
            chaining.seal()
        chaining.sign_head()
    call_command("verify_audit", export=tmp_path / "trail.jsonl")
    return tmp_path


def forged(trail: Path, way, seed: int) -> tuple[Path, Expected]:
    forger = Forger(trail / "trail.jsonl", trail / "heads", random.Random(seed))
    expected = way(forger)
    return forger.write(trail / "forged"), expected


def test_an_untouched_trail_passes(trail):
    (key,) = (path.stem for path in (trail / "heads").glob("*.pub"))
    report = verifying.check_trail(trail / "trail.jsonl", trail / "heads", key)
    assert report.findings == []
    assert report.events == report.outside > HEADS * ROWS


def test_a_thousand_random_tamperings_are_found_and_the_row_is_named(trail):
    (key,) = (path.stem for path in (trail / "heads").glob("*.pub"))
    wrong, done = [], Counter()
    for seed in range(1000):
        way = WAYS[seed % len(WAYS)]
        directory, (must, may) = forged(trail, way, seed)
        try:
            findings = verifying.check_trail(directory / "trail.jsonl", directory, key).findings
        except ValueError as error:
            findings = [verifying.Finding("head", None, str(error))]
        found = {(each.kind, each.event) for each in findings}
        named, allowed = {event for _, event in found if event}, {event for _, event in must if event} | may
        if not found or not must <= found or not named <= allowed or (allowed and not named):
            wrong.append((seed, way.__name__, must, may, findings[:6]))
        done[way.__name__] += 1
    assert not wrong, Counter(each[1] for each in wrong).most_common() + wrong[:4]
    assert min(done.values()) >= 45


def test_a_weaker_verifier_misses_some_of_them(trail):
    """Control: without the heads, whoever chains anew goes unseen; without one's own key, whoever signs anew may."""
    missed = Counter()
    for seed in range(20):
        directory, _ = forged(trail, edit_an_event_and_chain_anew, seed)
        read = verifying.Trail((directory / "trail.jsonl").read_bytes().splitlines(keepends=True))
        missed["chained anew"] += not verifying.verify(read.sealed(), read.unsealed(), [], {}, None).findings
        directory, _ = forged(trail, sign_everything_anew, seed)
        missed["signed anew"] += not verifying.check_trail(directory / "trail.jsonl", directory).findings
    assert missed["chained anew"] == 20
    assert missed["signed anew"] > 0


def test_the_signature_is_checked_the_same_without_any_package():
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    chance = random.Random(3)
    for size in (0, 1, 200):
        message = chance.randbytes(size)
        good = key.sign(message)
        bad = bytearray(good)
        bad[chance.randrange(64)] ^= 1 << chance.randrange(8)
        for each, expected in ((good, True), (bytes(bad), False), (bytes(64), False), (b"\xff" * 64, False)):
            assert verifying._plain(public, each, message) is verifying._fast(public, each, message) is expected
    assert not verifying.signed(public, "zz", b"") and not verifying.signed(public, "00", b"")
