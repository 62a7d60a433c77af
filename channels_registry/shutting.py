"""The lane of revocations: shut the door over there, read the network again, grade what was found.

Two steps, each with an attempt of its own: revoke, whose acceptance is committed; then list and probe. A network that
cannot do it, or says no, is no end: the revocation becomes a guided task of a person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Now

from accounts import audit, notifying
from accounts.models import Person
from channels_registry import access, budgets
from channels_registry.connector.capabilities import ListsDoors, RevokesDoors
from channels_registry.connector.errors import NetworkError, TryLater
from channels_registry.connector.types import RemoteDoor
from channels_registry.delivering import ERRORS, learnt, not_connected, revive
from channels_registry.models import AccessGrant, Connection, Proof, Revocation, RevocationAttempt
from channels_registry.protecting import refusals
from channels_registry.proving import Finding, judge
from channels_registry.reaching import Reach, Reached, client
from socialops.lib.delivery.lane import Done, Lane, Settled, Step, Unclear

audit.register("revocation.proven", "proved that a door is shut")
audit.register("revocation.accepted", "had a door revoked, and cannot read whether it is shut")
audit.register("revocation.handed_over", "handed the revocation of a door to a person")
audit.register("revocation.blocked", "kept a door from being shut")

PLACES = 20
NOT_CONNECTED = "The channel is not connected. Connect it again, or shut the door by hand."


@dataclass(frozen=True, slots=True)
class Parcel:
    revocation: Revocation
    reached: Reached
    door: RemoteDoor


def remote_door(grant: AccessGrant) -> RemoteDoor:
    """The door as its network's class takes it."""
    identity = grant.identity
    return RemoteDoor(
        remote_id=grant.remote_id,
        kind=grant.door,
        entitlement=grant.entitlement,
        label=grant.label,
        holder_id=identity.remote_id if identity and not identity.remote_id.startswith("channel/") else "",
        holder_handle=identity.handle if identity else "",
        holder_name=identity.name if identity else "",
        ours=grant.ours,
    )


def load(ids: Sequence[int], reach: Reach) -> dict[int, Parcel | NetworkError]:
    rows = list(Revocation.objects.filter(pk__in=ids).select_related("grant__channel", "grant__identity"))
    reached = reach.to(row.grant.channel_id for row in rows)
    return {row.pk: _parcel(row, reached[row.grant.channel_id]) for row in rows}


async def send(parcel: Parcel) -> Step | Done:
    if "revoked" not in parcel.revocation.handle:
        revoked = await parcel.reached.network.revoke_door(parcel.reached.access, parcel.door)
        return Step({"revoked": {"already_gone": revoked.already_gone, **dict(revoked.evidence)}})
    finding = await find(parcel.reached, parcel.door)
    if finding.shut is False:
        raise TryLater(f"The network accepted it, but the door is open. {finding.detail}", detail=str(finding.evidence))
    return Done(parcel.door.remote_id, evidence=_told(finding))


async def look(parcel: Parcel) -> Done | Unclear | None:
    """Whether a revocation whose answer was lost was done: the same reading. Revoking twice does no harm."""
    finding = await find(parcel.reached, parcel.door)
    if finding.shut is None:
        return Unclear("This network offers no way to see whether the door is shut.")
    return Done(parcel.door.remote_id, evidence=_told(finding)) if finding.shut else None


async def find(reached: Reached, door: RemoteDoor) -> Finding:
    """Read the list and try the door, without changing anything."""
    listed = None
    if not reached.lacks(ListsDoors):
        listed = await reached.network.list_doors(reached.access)
    return judge(door, listed, await reached.network.probe(reached.access, door))


def settled(rows: Sequence[Settled]) -> None:
    """What the outcomes change here: grades, the ledger, and whose turn it is. Channels are locked in their order."""
    known = Revocation.objects.select_related("grant__channel", "grant__person").in_bulk([row.id for row in rows])
    for row in sorted(rows, key=lambda row: known[row.id].grant.channel_id):
        revocation = known[row.id]
        if row.state == "done":
            grade(revocation, row.evidence)
        elif row.state in ("failed", "needs_human"):
            hand_over(revocation, row.reason)
        elif row.state == "blocked":
            _keep_open(revocation, row.reason)
        elif row.outcome == "continued":
            Revocation.objects.filter(pk=row.id, stage="pending").update(stage="in_hand")
    learnt(rows)


def grade(revocation: Revocation, evidence: Mapping[str, Any]) -> None:
    """The network was read again. Proven if it could say; otherwise a person has to attest."""
    proven = bool(evidence.get("shut"))
    Revocation.objects.filter(pk=revocation.pk).update(
        stage="verified" if proven else "revoked",
        proof=Proof.API if proven else "",
        proof_detail=str(evidence.get("detail", ""))[:2000],
        residual=str(evidence.get("residual", ""))[:300],
        residual_until=evidence.get("until") or None,
        verified_at=Now() if proven else None,
        guided=not proven,
        assigned_to=revocation.assigned_to if proven else whose_turn(revocation.grant),
    )
    if proven:
        access.end(revocation.grant, revocation.requested_by, revocation.reason_for or "Revoked.")
    action = "revocation.proven" if proven else "revocation.accepted"
    audit.record(None, action, revocation, grant=revocation.grant_id, evidence=dict(evidence))
    if not proven:
        _ask(revocation, "was revoked, but the network cannot show it. Look there and attest it.")


def hand_over(revocation: Revocation, reason: str) -> None:
    """No API did it: the network's own page will, in the hands of a person."""
    person = whose_turn(revocation.grant)
    Revocation.objects.filter(pk=revocation.pk).update(
        state="needs_human", guided=True, stage="pending", reason=reason, assigned_to=person
    )
    audit.record(None, "revocation.handed_over", revocation, grant=revocation.grant_id, reason=reason)
    revocation.assigned_to = person
    _ask(revocation, "has to be shut by hand.")


def whose_turn(grant: AccessGrant) -> Person | None:
    """Who keeps the login or the tool, the channel's owner, or the backup: never the person whose door it is, never
    somebody who left.
    """
    channel, kept = grant.channel, grant.login or grant.tool
    near = (kept.owner_id if kept else None, channel.owner_id, channel.backup_owner_id)
    wanted = [pk for pk in near if pk and pk != grant.person_id]
    present = Person.objects.present().in_bulk(wanted)
    return next((present[pk] for pk in wanted if pk in present), None)


def release_blocked() -> int:
    """What was kept from being shut and no longer is goes on by itself.

    A refusal of the lane's holds no longer: a successor is there, or a connection. Anything else was the connection
    itself (dead, or no key here that opens it): it goes on once the connection was renewed or read through since.
    """
    kept = Q()
    for refusal in LANE.refusals:
        kept |= refusal.when
    tried = RevocationAttempt.objects.filter(delivery=OuterRef("pk")).order_by("-fence").values("settled_at")[:1]
    works = Connection.objects.filter(
        Q(proven_at__gt=OuterRef("tried_at")) | Q(checked_at__gt=OuterRef("tried_at")),
        channel=OuterRef("grant__channel"),
        state="live",
    )
    blocked = Revocation.objects.filter(state="blocked").annotate(tried_at=Coalesce(Subquery(tried), "created_at"))
    free = blocked.filter(Q(reason__in=[refusal.reason for refusal in LANE.refusals]) | Exists(works))
    free = free.exclude(pk__in=Revocation.objects.filter(kept).values("pk"))
    return Revocation.objects.filter(pk__in=list(free.values_list("pk", flat=True)[:500]), state="blocked").update(
        state="scheduled", next_attempt_at=Now(), reason=""
    )


def _parcel(revocation: Revocation, reached: Reached | NetworkError) -> Parcel | NetworkError:
    if isinstance(reached, NetworkError):
        return reached
    return reached.lacks(RevokesDoors) or Parcel(revocation, reached, remote_door(revocation.grant))


def _told(finding: Finding) -> dict[str, Any]:
    return {
        "shut": finding.shut,
        "detail": finding.detail,
        "residual": finding.residual,
        "until": finding.until.isoformat() if finding.until else None,
        "read": dict(finding.evidence),
    }


def _keep_open(revocation: Revocation, reason: str) -> None:
    Revocation.objects.filter(pk=revocation.pk, stage="in_hand").update(stage="pending")
    audit.record(None, "revocation.blocked", revocation, grant=revocation.grant_id, reason=reason)
    revocation.assigned_to = revocation.assigned_to or whose_turn(revocation.grant)
    _ask(revocation, f"cannot be shut yet. {reason}")


def _ask(revocation: Revocation, words: str) -> None:
    if revocation.assigned_to:
        text = f"{revocation.grant}: it {words}"[:300]
        notifying.notify(revocation.assigned_to, "revocation.waits", text, f"/revocations/{revocation.pk}/", mail=True)


LANE = Lane(
    name="revoke",
    model=Revocation,
    attempts=RevocationAttempt,
    slots=1,
    places=PLACES,
    refusals=[*refusals(), not_connected("grant__channel", NOT_CONNECTED)],
    waits=budgets.waits("grant__channel"),
    client=client(PLACES),
    load=load,
    send=send,
    look=look,
    errors=ERRORS,
    settled=settled,
    revive=revive,
    late_after=None,  # revoking once more does no harm
    order=("order", "next_attempt_at", "id"),
    notice=0.1,  # somebody has to be out, now
)
