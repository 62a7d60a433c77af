"""Evidence that leaves the house: a ZIP with tables, what they cover, and the digest of every file in it.

The digest of the manifest is kept here and in the trail, so a bundle that was altered afterwards is recognised.
"""

import io
import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.db import connection, transaction

from accounts import audit
from accounts.models import AuditEvent, AuditSeal, Person
from channels_registry.models import AccessGrant
from governance import queries
from governance.models import EvidenceBundle, OffboardingCase
from governance.permissions import require_reader
from socialops.lib.export import csv_bytes, json_bytes, sha256
from socialops.lib.wall_clock import database_now

audit.register("evidence.access_exported", "exported who could reach what")
audit.register("evidence.case_exported", "exported the proof of an offboarding")

ACCESS_COLUMNS = (
    "channel", "network", "handle", "risk_tier", "person", "person_email", "identity", "door", "level", "source",
    "granted_by", "reason", "since", "expires", "last_proven", "revoked_at", "revoked_by",
)  # fmt: skip
DOOR_COLUMNS = (
    "channel", "network", "door", "label", "level", "stage", "proof", "proof_detail", "residual", "residual_until",
    "requested_at", "verified_at", "attested_by", "confirmed_by", "evidence_note", "evidence_sha256", "risk_reason",
    "risk_asked_by", "risk_accepted_by",
)  # fmt: skip
TRAIL_COLUMNS = ("id", "at", "actor", "action", "subject", "data", "seal_seq", "seal_hash")


@transaction.atomic
def export_access(by: Person, at: datetime | None = None) -> EvidenceBundle:
    """Who could reach what at a moment (default: now), through every door of the ledger."""
    now = _one_moment()
    require_reader(by)
    moment = at or now
    rows = [_access_row(grant) for grant in queries.reach(moment)]
    files = {
        "access.csv": csv_bytes(ACCESS_COLUMNS, rows),
        "access.json": json_bytes([dict(zip(ACCESS_COLUMNS, row, strict=True)) for row in rows]),
    }
    about = {"title": "Who could reach what", "population": {"grants": len(rows), **queries.population(moment)}}
    bundle = _bundle("access", {}, moment, by, about, files)
    audit.record(by, "evidence.access_exported", bundle, at=moment.isoformat(), manifest=bundle.manifest_sha256)
    return bundle


@transaction.atomic
def export_case(by: Person, case: OffboardingCase) -> EvidenceBundle:
    """One departure: every door with its grade of proof, the trail of what was done, and the evidence files."""
    moment = _one_moment()
    require_reader(by)
    if case.person_id == by.pk:
        raise PermissionDenied("This is your own departure. Another administrator or auditor has to do this.")
    doors = list(queries.doors(case))
    rows = [_door_row(door) for door in doors]
    trail = [_trail_row(event) for event in queries.trail(case)]
    files = {
        "doors.csv": csv_bytes(DOOR_COLUMNS, rows),
        "doors.json": json_bytes([dict(zip(DOOR_COLUMNS, row, strict=True)) for row in rows]),
        "trail.csv": csv_bytes(TRAIL_COLUMNS, trail),
        **_evidence_files(doors),
    }
    about = {
        "title": f"Offboarding of {case.person.name}",
        "person": {"name": case.person.name, "email": case.person.email},
        "departure": case.departure.at,
        "state": case.state,
        "population": {"doors": len(rows), "grades": dict(queries.grades(case))},
    }
    bundle = _bundle("offboarding", {"case": case.pk}, moment, by, about, files)
    audit.record(by, "evidence.case_exported", case.person, case=case.pk, manifest=bundle.manifest_sha256)
    return bundle


def _one_moment() -> datetime:
    """All reads of an export see the same instant, so that its tables agree with one another: this one."""
    if connection.in_atomic_block and not connection.savepoint_ids:  # else (in tests) its level is set already
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    return database_now()


def _bundle(
    kind: str, scope: dict, moment: datetime, by: Person, about: Mapping[str, Any], files: Mapping[str, bytes]
) -> EvidenceBundle:
    manifest = {
        **about,
        "kind": kind,
        "at": moment.isoformat(),
        "made_at": database_now().isoformat(),
        "made_by": {"name": by.name, "email": by.email},
        "audit_chain": _chain_position(),
        "files": {name: {"sha256": sha256(data), "bytes": len(data)} for name, data in sorted(files.items())},
    }
    written = json_bytes(manifest)
    bundle = EvidenceBundle(
        kind=kind, scope=scope, at_moment=moment, made_by=by, manifest_sha256=sha256(written),
        manifest=json.loads(written),
    )  # fmt: skip
    name = f"{kind}-{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}.zip"
    bundle.file.save(name, ContentFile(_zip({**files, "manifest.json": written})), save=False)
    bundle.save()
    return bundle


def _zip(files: Mapping[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(name, content)
    return data.getvalue()


def _chain_position() -> dict[str, Any]:
    """How far the trail was sealed when this was made; `manage.py verify_audit` proves everything up to here."""
    seal = AuditSeal.objects.order_by("-seq").first()
    return {"seq": seal.seq, "hash": seal.hash} if seal else {"seq": 0, "hash": ""}


def _access_row(grant: AccessGrant) -> tuple:
    channel, person, identity = grant.channel, grant.person, grant.identity
    return (
        channel.name, channel.network, channel.handle, channel.risk_tier,
        person.name if person else "", person.email if person else "",
        (identity.handle or identity.name) if identity else "", grant.get_door_display(), grant.entitlement,
        grant.get_source_display(), grant.granted_by.name if grant.granted_by else "", grant.reason,
        _time(grant.starts_at), _time(grant.expires_at), _time(grant.last_proven_at), _time(grant.revoked_at),
        grant.revoked_by.name if grant.revoked_by else "",
    )  # fmt: skip


def _door_row(door) -> tuple:
    revocation, acceptance = door.revocation, getattr(door, "acceptance", None)
    grant = revocation.grant
    return (
        grant.channel.name, grant.channel.network, grant.get_door_display(), grant.label, grant.entitlement,
        revocation.get_stage_display(), revocation.get_proof_display() or "none yet", revocation.proof_detail,
        revocation.residual, _time(revocation.residual_until), _time(revocation.created_at),
        _time(revocation.verified_at), _name(revocation.attested_by), _name(revocation.confirmed_by),
        revocation.evidence_note, revocation.evidence_sha256, acceptance.reason if acceptance else "",
        _name(acceptance.asked_by) if acceptance else "", _name(acceptance.accepted_by) if acceptance else "",
    )  # fmt: skip


def _trail_row(event: AuditEvent) -> tuple:
    seal = getattr(event, "seal", None)
    return (
        event.pk, _time(event.at), event.actor_label, event.action, event.subject_label, event.data,
        seal.seq if seal else "", seal.hash if seal else "",
    )  # fmt: skip


def _evidence_files(doors) -> dict[str, bytes]:
    found = {}
    for door in doors:
        if door.revocation.evidence_file:
            with door.revocation.evidence_file.open() as file:
                found[f"evidence/{door.revocation_id}-{door.revocation.evidence_file.name.split('/')[-1]}"] = (
                    file.read()
                )
    return found


def _name(person: Person | None) -> str:
    return person.name if person else ""


def _time(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""
