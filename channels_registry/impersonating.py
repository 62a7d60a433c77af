"""Accounts that imitate ours, and accounts of ours that nobody registered: reported, looked at, dealt with.

report    anybody who works here; the clock runs by the risk of what is imitated
decide    impostor, rogue (ours, not registered), harmless, taken down; or back to the beginning
step      what was done: reported to the network with its number, customers warned, lawyers
adopt     a rogue account enters the register
"""

import re
from datetime import timedelta
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.base import File
from django.db import transaction
from django.utils import timezone

from accounts import audit, notifying
from accounts.models import Person, Role
from accounts.permissions import is_present, people_with_role, require_role
from channels_registry import networks
from channels_registry.models import Channel, ImpostorReport, ImpostorStep
from channels_registry.models.impostor import IMPOSTOR_MOVES
from channels_registry.moving import move
from channels_registry.proving import checked_file
from channels_registry.queries.impostors import TRIAGES, may_triage
from channels_registry.registering import bare_handle, register_channel
from socialops.lib.lookalikes import same_key

audit.register("impostor.reported", "reported an account that imitates us")
audit.register("impostor.decided", "decided what an account is that imitates us")
audit.register("impostor.assigned", "gave an account that imitates us to somebody")
audit.register("impostor.acted", "did something about an account that imitates us")
audit.register("impostor.adopted", "adopted an account that nobody had registered")

State, Kind = ImpostorReport.State, ImpostorStep.Kind
NETWORK = re.compile(r"[a-z0-9][a-z0-9 _-]{0,39}")
TO_LOOK = {"high": timedelta(hours=4), "medium": timedelta(hours=24), "low": timedelta(hours=72)}
TO_END = {"high": timedelta(hours=24), "medium": timedelta(days=3), "low": timedelta(days=7)}


@transaction.atomic
def report(
    by: Person, network: str, handle: str, seen: str, *, url: str = "", imitates: Channel | None = None,
    file: File | None = None,
) -> ImpostorReport:  # fmt: skip
    """The network may be one that Socialops does not know. The same account reported twice is the same report."""
    if not is_present(by):
        raise PermissionDenied("Only people who work here report accounts.")
    network, handle = network.strip().lower()[:40], bare_handle(network.strip().lower(), handle)[:200]
    _check(network, handle, seen, url)
    for standing in ImpostorReport.objects.filter(network=network).exclude(state__in=("harmless", "taken_down")):
        if same_key(standing.handle) == same_key(handle):
            return standing
    tier = imitates.risk_tier if imitates else Channel.RiskTier.MEDIUM
    made = ImpostorReport(
        network=network, handle=handle, seen=seen.strip(), url=url.strip(), imitates=imitates, reported_by=by,
        risk_tier=tier, due_at=timezone.now() + TO_LOOK[tier], owner=imitates.owner if imitates else None,
    )  # fmt: skip
    if file is not None:
        made.evidence_file, made.evidence_sha256 = checked_file(file)
    made.full_clean(exclude=["evidence_file"])
    made.save()
    audit.record(by, "impostor.reported", made, **_told(made), sha256=made.evidence_sha256)
    _tell(made, by)
    return made


@transaction.atomic
def decide(of: ImpostorReport, state: str, by: Person, why: str) -> ImpostorReport:
    """What it is, with the reason. A registered channel that is lost or only proposed turns out to be the impostor."""
    of = _triaged(of, by)
    if state not in IMPOSTOR_MOVES[of.state] or state == State.ADOPTED:
        raise ValidationError(f"It is {of.get_state_display().lower()}, so this cannot be said of it now. Look again.")
    if not why.strip():
        raise ValidationError({"why": "Say how you know."})
    before, of.state = of.state, state
    clock = TO_LOOK if state == State.REPORTED else TO_END
    of.due_at = timezone.now() + clock[of.risk_tier] if of.open else None
    of.save(update_fields=["state", "due_at"])
    _note(of, by, Kind.DECIDED, f"{of.get_state_display()}: {why.strip()}")
    audit.record(by, "impostor.decided", of, **_told(of), before=before, why=why.strip()[:500])
    if state == State.IMPOSTOR:
        _unmask(of, by, why)
    return of


@transaction.atomic
def step(of: ImpostorReport, kind: str, by: Person, text: str, reference: str = "") -> ImpostorStep:
    """What was done about it. A report to the network carries the network's number of the case."""
    of = _triaged(of, by)
    if kind not in Kind.values or kind == Kind.DECIDED:
        raise ValidationError({"kind": "Choose what was done."})
    if not text.strip():
        raise ValidationError({"text": "Say what was done."})
    if kind == Kind.NETWORK and not reference.strip():
        raise ValidationError({"reference": "Write down the network’s number of the case, or the address it went to."})
    made = _note(of, by, kind, text.strip(), reference.strip())
    audit.record(by, "impostor.acted", of, **_told(of), kind=kind, text=made.text, reference=made.reference)
    return made


@transaction.atomic
def assign(of: ImpostorReport, to: Person, by: Person) -> ImpostorReport:
    of = _triaged(of, by)
    if not is_present(to):
        raise ValidationError({"to": f"{to} has left. Choose somebody who is here."})
    of.owner = to
    of.save(update_fields=["owner"])
    audit.record(by, "impostor.assigned", of, **_told(of), to=to.pk)
    if to != by:
        notifying.notify(to, "impostor.assigned", f"Yours to deal with: {of}.", _url(of))
    return of


@transaction.atomic
def adopt(of: ImpostorReport, by: Person, name: str, owner: Person, **details: Any) -> Channel:
    """It is ours: into the register, by an administrator, with somebody who answers for it."""
    require_role(by, Role.ADMIN)
    of = _triaged(of, by)
    if of.state != State.ROGUE:
        raise ValidationError("Only what is known to be ours is adopted. Decide that first.")
    if of.network not in networks.slugs():
        raise ValidationError(f"Socialops does not know {of.network} yet, so it cannot stand in the register.")
    channel = register_channel(of.network, of.handle, name, by, owner=owner, url=of.url, **details)
    of.state, of.adopted_as, of.due_at = State.ADOPTED, channel, None
    of.save(update_fields=["state", "adopted_as", "due_at"])
    _note(of, by, Kind.DECIDED, f"Adopted as {channel.name}.")
    audit.record(by, "impostor.adopted", of, **_told(of), channel=channel.pk)
    return channel


def _check(network: str, handle: str, seen: str, url: str) -> None:
    wrong = {}
    if not NETWORK.fullmatch(network):
        wrong["network"] = "Say on which network it is: its name in plain letters, such as tiktok."
    if not handle:
        wrong["handle"] = "Say which account it is."
    if not seen.strip():
        wrong["seen"] = "Say what you saw, and where."
    if url.strip() and not url.strip().lower().startswith(("https://", "http://")):
        wrong["url"] = "An address begins with https://."
    if network in networks.slugs() and handle:
        ours = Channel.objects.filter(network=network, state__in=("live", "dormant"))
        if any(same_key(each.handle) == same_key(handle) for each in ours):
            wrong["handle"] = "This very account is registered as ours. If nobody gets in, say that it is lost."
    if wrong:
        raise ValidationError(wrong)


def _unmask(of: ImpostorReport, by: Person, why: str) -> None:
    """The account stands in the register itself: it was ours, or was taken for ours."""
    for channel in Channel.objects.select_for_update().filter(network=of.network, state__in=("lost", "proposed")):
        if same_key(channel.handle) == same_key(of.handle):
            move(channel, Channel.State.IMPOSTOR, by, why)


def _tell(of: ImpostorReport, by: Person) -> None:
    told = {each.pk: each for each in people_with_role(*TRIAGES)}
    told |= {each.pk: each for each in (of.imitates and [of.imitates.owner, of.imitates.backup_owner]) or [] if each}
    words = f"{by} reports an account that may imitate us: {of}."
    for pk in sorted(told.keys() - {by.pk}):
        notifying.notify(told[pk], "impostor.reported", words, _url(of), mail=of.risk_tier == "high")


def _note(of: ImpostorReport, by: Person, kind: str, text: str, reference: str = "") -> ImpostorStep:
    return ImpostorStep.objects.create(report=of, kind=kind, text=text[:500], reference=reference[:120], by=by)


def _triaged(of: ImpostorReport, by: Person) -> ImpostorReport:
    rows = ImpostorReport.objects.select_for_update(of=("self",)).select_related("imitates", "owner")
    of = rows.get(pk=of.pk)
    if not may_triage(by, of):
        raise PermissionDenied("Only administrators, social leads and who answers for the channel deal with this.")
    return of


def _told(of: ImpostorReport) -> dict[str, Any]:
    return {"network": of.network, "handle": of.handle, "state": str(of.state), "imitates": of.imitates_id}


def _url(of: ImpostorReport) -> str:
    return f"/channels/impostors/{of.pk}/"
