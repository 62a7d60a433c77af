"""Shutting a door, from the wish to the proof.

take, attest         a guided task: a person shuts it on the network's own page and says so, with evidence
confirm, contest     somebody else looks as well
not_provable         nobody can show it; governance asks a second person to accept the risk
by_hand, try_again   change how it is done
withdraw             the wish is taken back

Asking for it is channels_registry.requesting; the lane that talks to networks channels_registry.shutting; a second
reading channels_registry.verifying; what may not be cut yet channels_registry.protecting.

Locks are taken in one order: the offboarding case, revocations, channels (by id), identities and grants. The lane holds
its rows when it learns what to write into the ledger, so a person's step begins with the row as well. A revocation is
locked with no_key, because a case that takes it in already holds channels.
"""

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.base import File
from django.db import transaction
from django.db.models.functions import Now

from accounts import audit, notifying
from accounts.models import Person, Role
from accounts.permissions import has_role, is_present
from channels_registry import access
from channels_registry.models import Channel, Proof, Revocation
from channels_registry.models.access_grant import Door
from channels_registry.observing import live_connection
from channels_registry.permissions import may_administer, require_administer
from channels_registry.protecting import why_not
from channels_registry.proving import checked_file
from channels_registry.requesting import SAFE_ORDER, by_api, request_revocation

audit.register("revocation.taken", "took a door in hand")
audit.register("revocation.attested", "attested that a door is shut")
audit.register("revocation.confirmed", "confirmed that a door is shut")
audit.register("revocation.contested", "found a door still open")
audit.register("revocation.not_provable", "said that nobody can show whether a door is shut")
audit.register("revocation.by_hand", "chose to shut a door by hand")
audit.register("revocation.tried_again", "had a revocation tried again")
audit.register("revocation.withdrawn", "took the wish to shut a door back")

__all__ = [
    "attest", "by_hand", "confirm", "contest", "may_confirm", "may_handle", "not_provable", "request_revocation",
    "take", "try_again", "withdraw",
]  # fmt: skip
Stage = Revocation.Stage
ROTATE = (
    "This is a shared login: change its secret, and say so on the login’s page. That shuts it for all who are to go."
)


@transaction.atomic
def take(revocation: Revocation, by: Person) -> Revocation:
    """A person takes a guided task in hand, from whomever had it."""
    revocation = _locked(revocation)
    _require_hand(revocation, by)
    if not revocation.guided or revocation.stage not in (Stage.PENDING, Stage.FAILED, Stage.IN_HAND):
        raise ValidationError("There is nothing to do by hand here any more.")
    revocation.stage, revocation.assigned_to = Stage.IN_HAND, by
    revocation.save(update_fields=["stage", "assigned_to"])
    audit.record(by, "revocation.taken", revocation, grant=revocation.grant_id)
    return revocation


@transaction.atomic
def attest(revocation: Revocation, by: Person, note: str, file: File | None = None) -> Revocation:
    """Say that it was done, how, and show it. A picture or PDF of at most 5 MB; always needed on high-risk channels.

    The ledger keeps the door open until the network or a second person has confirmed it.
    """
    revocation = _locked(revocation)
    _require_hand(revocation, by)
    if not revocation.guided or revocation.stage == Stage.VERIFIED:
        raise ValidationError("There is nothing to attest here.")
    if reason := ROTATE if revocation.grant.login_id else why_not(revocation):
        raise ValidationError(reason)
    if not note.strip():
        raise ValidationError({"note": "Say what you did, and where you see that the door is shut."})
    if file is None and revocation.grant.channel.risk_tier == Channel.RiskTier.HIGH:
        raise ValidationError({"file": "This is a high-risk channel. Add a picture that shows the door is shut."})
    if file is not None:
        revocation.evidence_file, revocation.evidence_sha256 = checked_file(file)
        _require_own_picture(revocation)
    revocation.state, revocation.stage, revocation.proof = "done", Stage.REVOKED, Proof.ATTESTED
    revocation.evidence_note, revocation.attested_by, revocation.attested_at = note.strip(), by, Now()
    revocation.confirmed_by = revocation.confirmed_at = None
    revocation.settled_at = revocation.next_attempt_at = revocation.shut_at = Now()
    revocation.save()
    audit.record(
        by, "revocation.attested", revocation, grant=revocation.grant_id, note=note.strip()[:500],
        sha256=revocation.evidence_sha256,
    )  # fmt: skip
    _ask_for_second_look(revocation)
    return revocation


@transaction.atomic
def confirm(revocation: Revocation, by: Person) -> Revocation:
    """A second person has looked on the network: it is shut. Never the one who attested, never the one who had it."""
    revocation = _locked(revocation)
    _require_second(revocation, by)
    revocation.stage, revocation.proof = Stage.VERIFIED, Proof.SECOND_PERSON
    revocation.confirmed_by, revocation.confirmed_at, revocation.verified_at = by, Now(), Now()
    revocation.save(update_fields=["stage", "proof", "confirmed_by", "confirmed_at", "verified_at"])
    access.end(revocation.grant, by, revocation.reason_for or "Revoked by hand.")
    audit.record(by, "revocation.confirmed", revocation, grant=revocation.grant_id)
    return revocation


@transaction.atomic
def contest(revocation: Revocation, by: Person, why: str) -> Revocation:
    """A second person has looked, and it is open. The task begins again."""
    revocation = _locked(revocation)
    _require_second(revocation, by)
    if not why.strip():
        raise ValidationError({"why": "Say what you saw."})
    revocation.stage, revocation.proof, revocation.reason, revocation.shut_at = Stage.FAILED, "", why.strip(), None
    revocation.save(update_fields=["stage", "proof", "reason", "shut_at"])
    audit.record(by, "revocation.contested", revocation, grant=revocation.grant_id, why=why.strip()[:500])
    if revocation.attested_by:
        text = f"{by} found {revocation.grant} still open."
        notifying.notify(revocation.attested_by, "revocation.waits", text, f"/revocations/{revocation.pk}/", mail=True)
    return revocation


@transaction.atomic
def not_provable(revocation: Revocation, by: Person, note: str) -> Revocation:
    """Nobody can show whether it is shut. Graded so; a second person has to accept the risk in the case."""
    revocation = _locked(revocation)
    _require_hand(revocation, by)
    if revocation.stage == Stage.VERIFIED:
        raise ValidationError("This door is proven shut.")
    if not revocation.guided:
        raise ValidationError("The network is being asked. Choose to do it by hand first.")
    if not note.strip():
        raise ValidationError({"note": "Say what was tried, and why it cannot be shown."})
    revocation.proof, revocation.evidence_note, revocation.stage = Proof.NOT_PROVABLE, note.strip(), Stage.IN_HAND
    revocation.attested_by, revocation.attested_at, revocation.state = by, Now(), "done"
    revocation.save(update_fields=["proof", "evidence_note", "stage", "attested_by", "attested_at", "state"])
    audit.record(by, "revocation.not_provable", revocation, grant=revocation.grant_id, note=note.strip()[:500])
    return revocation


@transaction.atomic
def by_hand(revocation: Revocation, by: Person) -> Revocation:
    """Do not wait for the network (or its connection) any longer: a person does it on the network's own page."""
    revocation = _locked(revocation)
    _require_hand(revocation, by)
    if revocation.state not in ("scheduled", "blocked", "failed"):
        raise ValidationError("This cannot be done by hand now. Look again in a minute.")
    revocation.state, revocation.guided, revocation.assigned_to = "needs_human", True, by
    revocation.save(update_fields=["state", "guided", "assigned_to"])
    audit.record(by, "revocation.by_hand", revocation, grant=revocation.grant_id)
    return revocation


@transaction.atomic
def try_again(revocation: Revocation, by: Person) -> Revocation:
    """Ask the network once more."""
    revocation = _locked(revocation)
    _require_hand(revocation, by)
    if revocation.state not in ("blocked", "failed", "needs_human") or revocation.stage == Stage.REVOKED:
        raise ValidationError("There is nothing to try again.")
    if not by_api(revocation.grant, live_connection(revocation.grant.channel)):
        raise ValidationError("This network cannot shut this door by itself. It is done by hand.")
    revocation.state, revocation.stage, revocation.guided = "scheduled", Stage.PENDING, False
    revocation.tries, revocation.next_attempt_at, revocation.handle, revocation.reason = 0, Now(), {}, ""
    revocation.order = SAFE_ORDER[Door(revocation.grant.door)]
    revocation.save()
    audit.record(by, "revocation.tried_again", revocation, grant=revocation.grant_id)
    return revocation


@transaction.atomic
def withdraw(revocation: Revocation, by: Person, reason: str) -> Revocation:
    """Leave the door open after all. Not once it is on its way, and never for somebody who has left."""
    revocation = _locked(revocation)
    require_administer(by, revocation.grant.channel)
    if not reason.strip():
        raise ValidationError({"reason": "Say why the door stays open."})
    if revocation.grant.person_id and not is_present(revocation.grant.person):
        raise ValidationError(f"{revocation.grant.person} has left, so their doors are shut.")
    if revocation.state not in ("scheduled", "blocked", "failed", "needs_human") or revocation.handle:
        raise ValidationError("It is on its way or done already.")
    revocation.state, revocation.reason = "cancelled", reason.strip()
    revocation.save(update_fields=["state", "reason"])
    audit.record(by, "revocation.withdrawn", revocation, grant=revocation.grant_id, reason=reason)
    return revocation


def may_handle(revocation: Revocation, by: Person) -> bool:
    """Whose hands may do it: the one it was given to, managers and administrators; never the holder of the door."""
    if by.pk == revocation.grant.person_id:
        return False
    return may_administer(by, revocation.grant.channel) or (revocation.assigned_to_id == by.pk and is_present(by))


def may_confirm(revocation: Revocation, by: Person) -> bool:
    """Whose eyes may confirm it: anybody trusted with the channel but the attester and the holder."""
    if by.pk in (revocation.grant.person_id, revocation.attested_by_id):
        return False
    channel = revocation.grant.channel
    near = by.pk in (channel.owner_id, channel.backup_owner_id) and is_present(by)
    return near or may_administer(by, channel) or has_role(by, Role.SOCIAL_LEAD)


def _locked(revocation: Revocation) -> Revocation:
    """The row, locked before its channel's, as everywhere (see the top of this module)."""
    Revocation.objects.select_for_update(no_key=True).get(pk=revocation.pk)
    rows = Revocation.objects.select_related("grant__channel", "grant__person", "assigned_to", "attested_by")
    locked = rows.get(pk=revocation.pk)
    Channel.objects.select_for_update().get(pk=locked.grant.channel_id)
    return locked


def _require_own_picture(revocation: Revocation) -> None:
    """On a high-risk channel each door is shown by itself: no picture proves many of them in one go."""
    if revocation.grant.channel.risk_tier != Channel.RiskTier.HIGH:
        return
    same = Revocation.objects.filter(evidence_sha256=revocation.evidence_sha256).exclude(pk=revocation.pk)
    if same.exists():
        raise ValidationError({"file": "This picture was handed in for another door. Show this one by itself."})


def _require_hand(revocation: Revocation, by: Person) -> None:
    if not may_handle(revocation, by):
        raise PermissionDenied(
            "Only the person it was given to, somebody who manages the channel, or an administrator may do this; "
            "never the person whose door it is."
        )


def _require_second(revocation: Revocation, by: Person) -> None:
    if revocation.proof != Proof.ATTESTED or revocation.stage != Stage.REVOKED:
        raise ValidationError("There is nothing to confirm: nobody has attested it, or it is proven already.")
    if revocation.grant.login_id:
        raise ValidationError(ROTATE)
    if not may_confirm(revocation, by):
        raise PermissionDenied("Somebody else has to confirm this: not who attested it, and not whose door it is.")


def _ask_for_second_look(revocation: Revocation) -> None:
    channel = revocation.grant.channel
    for person in {each.pk: each for each in (channel.owner, channel.backup_owner) if each}.values():
        if may_confirm(revocation, person):
            text = f"{revocation.attested_by} attests that {revocation.grant} is shut. Look as well and confirm it."
            notifying.notify(person, "revocation.waits", text[:300], f"/revocations/{revocation.pk}/", mail=True)
