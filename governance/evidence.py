"""Asking for evidence that leaves the house. What a pack holds is in queries.packs; a worker makes it (packing).

The digest of the manifest is kept here and in the trail, and the manifest is signed, so a pack that was altered
afterwards is recognised.
"""

import secrets
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction

from accounts import audit
from accounts.models import Person
from governance.models import EvidenceBundle, OffboardingCase
from governance.permissions import require_reader
from governance.queries import packs

audit.register("evidence.access_exported", "exported who could reach what")
audit.register("evidence.case_exported", "exported the proof of an offboarding")
audit.register("evidence.exported", "asked for a pack of evidence")
audit.register("evidence.asked_again", "had a pack made once more")

OWN = "This is your own departure. Another administrator or auditor has to do this."
MOST_SAMPLED = 500


def export_access(by: Person, at: datetime | None = None, sample: int = 25) -> EvidenceBundle:
    """Who could reach what at a moment (default: when it is made), through every door of the ledger."""
    return ask(by, "access", {"at": at.isoformat() if at else ""}, at, sample)


def export_case(by: Person, case: OffboardingCase, sample: int = 25) -> EvidenceBundle:
    """One departure: every door with its grade of proof, the trail of what was done, and the evidence files."""
    return ask(by, "offboarding", {"case": case.pk}, None, sample)


@transaction.atomic
def ask(
    by: Person, kind: str, scope: dict[str, Any], at: datetime | None = None, sample: int = 25, seed: str = ""
) -> EvidenceBundle:
    """Have a pack made. `seed`: an auditor's own, so that nobody here chose the sample; else one is drawn."""
    require_reader(by)
    if kind not in packs.KINDS:
        raise ValidationError({"kind": "Choose what the pack is about."})
    if not 0 < sample <= MOST_SAMPLED:
        raise ValidationError({"sample": f"Draw between 1 and {MOST_SAMPLED} rows of each table."})
    refuse_own(by, kind, scope)
    bundle = EvidenceBundle.objects.create(
        kind=kind, scope=scope, at_moment=at, made_by=by, sample=sample, seed=seed.strip() or secrets.token_hex(8),
        title=packs.KINDS[kind].title(scope)[:200],
    )  # fmt: skip
    _record(bundle, by)
    return bundle


@transaction.atomic
def ask_again(bundle: EvidenceBundle, by: Person) -> EvidenceBundle:
    """One that could not be made: from the start."""
    require_reader(by)
    bundle = EvidenceBundle.objects.select_for_update(of=("self",)).get(pk=bundle.pk)
    if bundle.state != EvidenceBundle.State.FAILED:
        raise ValidationError("This pack is made, or being made. Ask for a new one.")
    bundle.state, bundle.tries, bundle.done, bundle.problem = EvidenceBundle.State.DUE, 0, 0, ""
    bundle.save(update_fields=["state", "tries", "done", "problem"])
    audit.record(by, "evidence.asked_again", bundle)
    return bundle


def refuse_own(by: Person, kind: str, scope: dict[str, Any]) -> None:
    """Nobody makes the proof of their own access or departure."""
    own = OffboardingCase.objects.filter(person=by)
    if kind == "offboarding" and own.filter(pk=scope["case"]).exists():
        raise PermissionDenied(OWN)
    if kind == "person" and scope["person"] == by.pk:
        raise PermissionDenied("This is about you. Another administrator or auditor has to do this.")
    if kind == "period" and own.exclude(state=OffboardingCase.State.WITHDRAWN).exists():
        raise PermissionDenied(OWN)


def _record(bundle: EvidenceBundle, by: Person) -> None:
    if bundle.kind == "access":
        audit.record(by, "evidence.access_exported", bundle, at=bundle.scope["at"])
    elif bundle.kind == "offboarding":
        case = OffboardingCase.objects.select_related("person").get(pk=bundle.scope["case"])
        audit.record(by, "evidence.case_exported", case.person, case=case.pk, pack=bundle.pk)
    else:
        audit.record(by, "evidence.exported", bundle, kind=bundle.kind, scope=bundle.scope, seed=bundle.seed)
