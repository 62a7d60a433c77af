"""Sealing the trail: committed events are chained within a second; each minute the chain's head leaves the database.

Not in the transaction of the change: one chained row would be the lock of the whole product.
"""

import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from accounts import verifying
from accounts.models import AuditEvent, AuditHead, AuditSeal, MailDelivery

log = structlog.get_logger(__name__)
LOCK = 7_301_984_226  # one sealer at a time, wherever the workers are
BATCH = 5_000
BEHIND = 100_000  # how far back each second's look goes; what an older transaction left is found with the next head
COLUMNS = ["actor_id" if name == "actor" else name for name in verifying.FIELDS]
SEAL_COLUMNS = ["seq", "event_id", "previous_hash", "hash", "sealed_at", "version"]
BESIDE = ["salt", "redaction__by_id", "redaction__fields", "redaction__keys", "redaction__was"]
TIMES = "%Y-%m-%dT%H:%M:%S.%f+00:00"


class Broken(Exception):
    """The trail does not match its seals, so no head is signed for it. `manage.py verify_audit` names the rows."""


def seal(*, thoroughly: bool = False) -> int:
    """Chain what is committed and has no seal, in order. Returns how many; 0 if another sealer is at it."""
    done = 0
    while count := _seal_batch(thoroughly):
        done += count
        if count < BATCH:
            break
    return done


@transaction.atomic
def _seal_batch(thoroughly: bool) -> int:
    if not _only_one():
        return 0
    last = AuditSeal.objects.order_by("-seq").first()
    seq, previous = (last.seq, last.hash) if last else (0, verifying.BEGINNING)
    waiting = AuditEvent.objects.filter(seal=None).order_by("pk")
    if last and not thoroughly:
        waiting = waiting.filter(pk__gt=last.event_id - BEHIND)
    at = _now()
    seals: list[tuple[int, int, str, str, int]] = []
    for row in waiting.values_list(*COLUMNS, *BESIDE)[:BATCH]:
        event = _row_as_dict(row)
        seq += 1
        version = verifying.VERSION if event["salt"] else 1
        hash_ = verifying.link(previous, seq, verifying.digest(event), at.strftime(TIMES), version)
        seals.append((seq, event["id"], previous, hash_, version))
        previous = hash_
    _insert(seals, at)
    return len(seals)


def _insert(seals: list[tuple[int, int, str, str, int]], at: datetime) -> None:
    """One statement with five arrays: a tenth of the time of as many rows of values."""
    columns = [list(column) for column in zip(*seals, strict=True)]
    if columns:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO accounts_auditseal (seq, event_id, previous_hash, hash, version, sealed_at) "
                "SELECT *, %s FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::smallint[])",
                [at, *columns],
            )


def sign_head() -> AuditHead | None:
    """Sign where the chain stands, and append it with the digest of every row since to a file outside the database.

    None if nothing is new. Raises Broken if what it would sign does not match its seals, OSError if the file cannot
    be written: a head that did not leave is no head.
    """
    seal(thoroughly=True)
    with transaction.atomic():
        if not _only_one():
            return None
        before = AuditHead.objects.order_by("-seq").first()
        since = before.seq if before else 0
        if before and not AuditSeal.objects.filter(seq=since, hash=before.hash).exists():
            raise Broken(f"the chain up to seal {since}, whose head was signed, is not there any more")
        rows, last = _rows_after(since)
        if last is None:
            return None
        head = _signed(last, since, rows)
        row = AuditHead.objects.create(
            seq=head.seq, hash=head.hash, since=since, rows_hash=head.rows_hash, at=head.at, signature=head.signature,
            key_id=head.key_id,
        )  # fmt: skip
        _write_outside(head)
    return row


def mail_head() -> MailDelivery | None:
    """A copy of the newest head to an address outside (settings.AUDIT_HEADS_TO)."""
    head = AuditHead.objects.order_by("-seq").first()
    if not settings.AUDIT_HEADS_TO or head is None:
        return None
    body = (
        f"seal {head.seq}\nhash {head.hash}\nsince {head.since}\nrows {head.rows_hash}\nat {head.at.strftime(TIMES)}\n"
        f"key {head.key_id}\nsignature {head.signature}\n\nKeep this. Nobody can change the trail before it unseen.\n"
    )
    return MailDelivery.objects.create(
        to=settings.AUDIT_HEADS_TO, subject=f"Audit trail of {settings.BASE_URL}: seal {head.seq}", body=body,
        due_at=Now(), next_attempt_at=Now(),
    )  # fmt: skip


def whole_trail() -> tuple[Iterator[tuple[dict, dict | None]], Iterator[dict]]:
    """What verifying.verify asks for, read from the database without holding it in memory."""
    seals = AuditSeal.objects.order_by("seq").values_list(*SEAL_COLUMNS)
    unsealed = AuditEvent.objects.filter(seal=None).order_by("pk").values_list(*COLUMNS, *BESIDE)
    return _pairs(seals.iterator(2000)), map(_row_as_dict, unsealed.iterator(2000))


def part_of_trail(events: Iterable[int]) -> Iterator[tuple[dict, dict | None]]:
    """The same of some sealed events alone, in order of their seals. Holds one chunk of ids in memory at a time."""
    ids = iter(events)
    while chunk := list(islice(ids, 2000)):
        seals = AuditSeal.objects.filter(event__in=chunk).order_by("seq").values_list(*SEAL_COLUMNS)
        yield from _with_events(list(seals))


def as_dict(event: AuditEvent) -> dict:
    """The event as it is hashed."""
    redaction = getattr(event, "redaction", None)
    beside = [redaction and getattr(redaction, name) for name in ("by_id", "fields", "keys", "was")]
    return _row_as_dict((*(getattr(event, column) for column in COLUMNS), event.salt, *beside))


def _row_as_dict(row: tuple) -> dict:
    *values, salt, by, fields, keys, was = row
    event = dict(zip(verifying.FIELDS, values, strict=True))
    event["at"] = event["at"].astimezone(UTC).strftime(TIMES)
    event["salt"] = str(salt) if salt else ""
    event["redaction"] = {"by": by, "fields": fields, "keys": keys, "was": was} if by else None
    return event


def heads_directory() -> Path:
    return Path(settings.AUDIT_HEADS)


def _pairs(seals) -> Iterator[tuple[dict, dict | None]]:
    batch: list[tuple] = []
    for row in seals:
        batch.append(row)
        if len(batch) == 2000:
            yield from _with_events(batch)
            batch = []
    yield from _with_events(batch)


def _with_events(batch: list[tuple]) -> Iterator[tuple[dict, dict | None]]:
    names = [event for _, event, *_ in batch]
    rows = AuditEvent.objects.filter(pk__in=names).values_list(*COLUMNS, *BESIDE)
    events = {event["id"]: event for event in map(_row_as_dict, rows)}
    for seal in batch:
        line = dict(zip(("seq", "event", "previous_hash", "hash", "sealed_at", "version"), seal, strict=True))
        yield line | {"sealed_at": line["sealed_at"].strftime(TIMES)}, events.get(line["event"])


def _rows_after(since: int) -> tuple[list[tuple], AuditSeal | None]:
    """(seq, event, digest, hash) of the seals after `since`, each checked against its event, and the last of them."""
    rows, last = [], None
    for last in AuditSeal.objects.filter(seq__gt=since).select_related("event__redaction").order_by("seq"):
        try:
            found = verifying.digest(as_dict(last.event))
        except AuditEvent.DoesNotExist:
            found = ""
        at = last.sealed_at.strftime(TIMES)
        if verifying.link(last.previous_hash, last.seq, found, at, last.version) != last.hash:
            raise Broken(f"event {last.event_id} does not match its seal {last.seq}")
        rows.append((last.seq, last.event_id, found, last.hash))
    return rows, last


def _signed(last: AuditSeal, since: int, rows: list[tuple]) -> verifying.Head:
    key = _signing_key()
    key_id, _ = verifying.key_of(public_pem())
    head = verifying.Head(last.seq, last.hash, since, _now().strftime(TIMES), key_id, rows, "")
    signature = key.sign(head.signed_bytes()).hex()
    return verifying.Head(head.seq, head.hash, since, head.at, key_id, rows, signature)


def sign(written: bytes) -> str:
    """The signature, in hexadecimal, under the key of the heads. Raises Broken if there is none."""
    return _signing_key().sign(written).hex()


def public_pem() -> bytes:
    """The public half of the key of the heads."""
    return _signing_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _signing_key() -> Ed25519PrivateKey:
    if not settings.AUDIT_SIGNING_KEY:
        raise Broken("AUDIT_SIGNING_KEY is not set, so no head can be signed. Workers need it.")
    derived = HKDF(SHA256(), 32, salt=None, info=b"socialops audit head v1").derive(settings.AUDIT_SIGNING_KEY.encode())
    return Ed25519PrivateKey.from_private_bytes(derived)


def _write_outside(head: verifying.Head) -> None:
    """Append one line, whole, and see it on the disk. The public key is beside it for whoever verifies."""
    directory = heads_directory()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    public = directory / f"{head.key_id}.pub"
    if not public.exists():
        public.write_bytes(public_pem())
    with (directory / f"heads-{head.at[:10]}.jsonl").open("ab", buffering=0) as file:
        before, line = file.tell(), verifying.canonical(vars(head)) + b"\n"
        try:
            while line:
                line = line[file.write(line) :]
            os.fsync(file.fileno())
        except OSError:
            file.truncate(before)  # half a line would spoil the next one
            raise


def _only_one() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        return cursor.fetchone()[0]


def _now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0].astimezone(UTC)
