"""The columns of a pack's tables, what is read for each, and how a cell is written. Times are ISO 8601 in UTC."""

from datetime import datetime
from typing import Any

from channels_registry.models import AccessGrant, Proof, Revocation
from channels_registry.models.access_grant import Door

DOOR_WORDS, SOURCE_WORDS = dict(Door.choices), dict(AccessGrant.Source.choices)
STAGE_WORDS, PROOF_WORDS = dict(Revocation.Stage.choices), dict(Proof.choices)

GRANT_COLUMNS = (
    "channel", "network", "handle", "risk_tier", "person", "person_email", "identity", "door", "level", "source",
    "granted_by", "reason", "since", "expires", "last_proven", "revoked_at", "revoked_by",
)  # fmt: skip
GRANT_VALUES = (
    "channel__name", "channel__network", "channel__handle", "channel__risk_tier", "person__name", "person__email",
    "identity__handle", "identity__name", "door", "entitlement", "source", "granted_by__name", "reason", "starts_at",
    "expires_at", "last_proven_at", "revoked_at", "revoked_by__name",
)  # fmt: skip
DOOR_COLUMNS = (
    "person", "channel", "network", "door", "label", "level", "stage", "proof", "proof_detail", "residual",
    "residual_until", "requested_at", "verified_at", "attested_by", "confirmed_by", "evidence_note", "evidence_sha256",
    "risk_reason", "risk_asked_by", "risk_accepted_by",
)  # fmt: skip
_R, _G, _A = "revocation__", "revocation__grant__", "acceptance__"
DOOR_VALUES = (
    "case__person__name", _G + "channel__name", _G + "channel__network", _G + "door", _G + "label", _G + "entitlement",
    _R + "stage", _R + "proof", _R + "proof_detail", _R + "residual", _R + "residual_until", _R + "created_at",
    _R + "verified_at", _R + "attested_by__name", _R + "confirmed_by__name", _R + "evidence_note",
    _R + "evidence_sha256", _A + "reason", _A + "asked_by__name", _A + "accepted_by__name",
)  # fmt: skip
PERSON_COLUMNS = ("id", "name", "email", "title", "manager", "on_record_since")
PERSON_VALUES = ("pk", "name", "email", "title", "manager__name", "created_at")
DEPARTURE_COLUMNS = (
    "person", "at", "time_zone", "reason", "recorded_by", "recorded_at", "withdrawn_at", "withdrawn_by", "returned_at",
)  # fmt: skip
DEPARTURE_VALUES = (
    "person__name", "at", "time_zone", "reason", "recorded_by__name", "recorded_at", "withdrawn_at",
    "withdrawn_by__name", "returned_at",
)  # fmt: skip
CASE_COLUMNS = ("id", "person", "state", "owner", "departure", "opened_at", "swept_at", "closed_at", "closed_by")
CASE_VALUES = (
    "pk", "person__name", "state", "owner__name", "departure__at", "opened_at", "swept_at", "closed_at",
    "closed_by__name",
)  # fmt: skip
ACCEPTANCE_COLUMNS = ("person", "channel", "door", "reason", "asked_by", "asked_at", "accepted_by", "accepted_at")
ACCEPTANCE_VALUES = (
    "door__case__person__name", "door__revocation__grant__channel__name", "door__revocation__grant__label", "reason",
    "asked_by__name", "asked_at", "accepted_by__name", "accepted_at",
)  # fmt: skip
ITEM_COLUMNS = (
    "channel", "risk_tier", "holder", "door", "level", "granted_by", "granted_at", "reviewer", "why_this_reviewer",
    "decision", "decided_by", "decided_at", "seconds", "with_others", "by_silence", "reason", "revocation", "proof",
    "risk_accepted_by", "risk_reason",
)  # fmt: skip
ITEM_VALUES = (
    "channel_name", "tier", "holder", "door", "entitlement", "granted_by__name", "granted_at", "reviewer__name", "why",
    "state", "decided_by__name", "decided_at", "seconds", "many", "lapsed", "reason", "revocation__stage",
    "revocation__proof", "accepted_by__name", "accepted_reason",
)  # fmt: skip


def grant(row: tuple) -> tuple:
    (channel, network, handle, tier, person, email, identity, named, door, level, source, by, why, since, expires,
     proven, revoked_at, revoked_by) = row  # fmt: skip
    return (
        channel, network, handle, tier, person or "", email or "", identity or named or "", DOOR_WORDS[door], level,
        SOURCE_WORDS[source], by or "", why, written(since), written(expires), written(proven), written(revoked_at),
        revoked_by or "",
    )  # fmt: skip


def door(row: tuple) -> tuple:
    person, channel, network, door, label, level, stage, proof, *rest = row
    return (
        person, channel, network, DOOR_WORDS[door], label, level, STAGE_WORDS[stage],
        PROOF_WORDS.get(proof, "none yet"), *map(written, rest),
    )  # fmt: skip


def plain(row: tuple) -> tuple:
    return tuple(map(written, row))


def written(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return "" if value is None else value
