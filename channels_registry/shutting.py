"""The lane of revocations: shut the door over there, read the network again, grade what was found.

Two steps, each with an attempt of its own: revoke, whose acceptance is committed; then list and probe. A network that
cannot do it, or says no, is no end: the revocation becomes a guided task of a person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Now

from accounts import audit, notifying
from accounts.models import Departure, Person
from channels_registry import access, budgets
from channels_registry.connector.capabilities import ListsDoors, RevokesDoors
from channels_registry.connector.errors import NetworkError, Refused
from channels_registry.connector.types import RemoteDoor
from channels_registry.delivering import ERRORS, learnt, not_connected, revive
from channels_registry.models import AccessGrant, Connection, Proof, Revocation, RevocationAttempt
from channels_registry.models.revocation import READ_AGAIN
from channels_registry.protecting import refusals
from channels_registry.proving import Finding, judge
from channels_registry.reaching import Reach, Reached, client
from channels_registry.reminding import hours_for
from socialops.lib.delivery.lane import Done, Lane, Refusal, Settled, Step, Unclear
from socialops.lib.delivery.pace import pace

audit.register("revocation.proven", "proved that a door is shut")
audit.register("revocation.accepted", "had a door revoked, and cannot read whether it is shut")
audit.register("revocation.handed_over", "handed the revocation of a door to a person")
audit.register("revocation.still_open", "found a door open that the network had said it shut")
audit.register("revocation.put_off", "could not reach the network, and tries again")
audit.register("revocation.called_off", "did not shut a door, because the departure was withdrawn")
audit.register("revocation.blocked", "kept a door from being shut")

PLACES = 20
TIMES_ACCEPTED = 3  # so often a network may accept it and leave the door open, until a person is asked
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
    handle = parcel.revocation.handle
    if "revoked" not in handle:
        revoked = await parcel.reached.network.revoke_door(parcel.reached.access, parcel.door)
        told = {"already_gone": revoked.already_gone, **dict(revoked.evidence)}
        return Step({"found_open": handle.get("found_open", 0), "revoked": told})
    finding = await find(parcel.reached, parcel.door)
    if finding.shut is not False:
        return Done(parcel.door.remote_id, evidence=_told(finding))
    return _once_more(handle.get("found_open", 0) + 1, finding)


def _once_more(times: int, finding: Finding) -> Step:
    """The network said yes, and the door is open: read again a little later, asked again, then a person."""
    if times >= TIMES_ACCEPTED:
        detail = str(finding.evidence)
        raise Refused(f"The network accepted it {times} times, but the door is open. {finding.detail}", detail=detail)
    return Step({"found_open": times, "open": finding.detail}, after=pace().retry * 2**times)


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
    accepted = [known[row.id] for row in rows if row.outcome == "continued" and not known[row.id].handle.get("open")]
    _read_again(accepted)
    _prove([(known[row.id], row.evidence) for row in rows if row.state == "done" and row.evidence.get("shut")])
    for row in sorted(rows, key=lambda row: known[row.id].grant.channel_id):
        revocation = known[row.id]
        if row.state == "done" and not row.evidence.get("shut"):
            _leave_to_attest(revocation, row.evidence)
        elif row.state == "failed" and row.infra and _is_early(revocation):
            _try_later(revocation, row.reason)
        elif row.state in ("failed", "needs_human"):
            hand_over(revocation, row.reason)
        elif row.state == "blocked":
            _keep_open(revocation, row.reason)
        elif row.state == "cancelled":
            audit.record(None, "revocation.called_off", revocation, grant=revocation.grant_id, reason=row.reason)
        elif row.outcome == "continued" and revocation not in accepted:
            _ask_again(revocation)
    learnt(rows)


def _read_again(accepted: Sequence[Revocation]) -> None:
    """The network said yes: it is read again, once nothing is left to shut."""
    mine = Revocation.objects.filter(pk__in=[each.pk for each in accepted])
    mine.filter(order__lt=READ_AGAIN).update(order=F("order") + READ_AGAIN)
    mine.filter(shut_at=None).update(shut_at=Now())
    mine.filter(stage__in=["pending", "failed"]).update(stage="in_hand")


def _ask_again(revocation: Revocation) -> None:
    """Found open in spite of its yes: asked again before anything is read."""
    detail, mine = revocation.handle["open"], Revocation.objects.filter(pk=revocation.pk)
    mine.filter(order__gte=READ_AGAIN).update(order=F("order") - READ_AGAIN)
    mine.update(
        stage="failed",
        shut_at=None,
        reason=f"The network accepted it, but the door is open. {detail} It is asked again.",
    )
    audit.record(None, "revocation.still_open", revocation, grant=revocation.grant_id, detail=detail)


def _prove(found: Sequence[tuple[Revocation, Mapping[str, Any]]]) -> None:
    """The network was read again, and it could say: the grade, and the end in the ledger. Few queries for any number.

    The rows themselves are written one by one in one statement; channels are locked in order.
    """
    for revocation, evidence in found:
        _write_down(revocation, evidence)
        revocation.stage, revocation.proof, revocation.guided = "verified", Proof.API, False
        revocation.verified_at, revocation.shut_at = Now(), Coalesce(F("shut_at"), Now())
    fields = ["stage", "shut_at", "proof", "proof_detail", "residual", "residual_until", "verified_at", "guided"]
    Revocation.objects.bulk_update([revocation for revocation, _ in found], fields)
    access.end_all((each.grant, each.requested_by, each.reason_for or "Revoked.") for each, _ in found)
    audit.record_many(
        (None, "revocation.proven", each, {"grant": each.grant_id, "evidence": dict(evidence)})
        for each, evidence in found
    )


def _leave_to_attest(revocation: Revocation, evidence: Mapping[str, Any]) -> None:
    """The network cannot say whether it is shut, so a person has to look and attest."""
    _write_down(revocation, evidence)
    revocation.stage, revocation.guided, revocation.assigned_to = "revoked", True, whose_turn(revocation.grant)
    fields = ["stage", "proof_detail", "residual", "residual_until", "guided", "assigned_to"]
    revocation.save(update_fields=fields)
    audit.record(None, "revocation.accepted", revocation, grant=revocation.grant_id, evidence=dict(evidence))
    _ask(revocation, "was revoked, but the network cannot show it. Look there and attest it.")


def _write_down(revocation: Revocation, evidence: Mapping[str, Any]) -> None:
    revocation.proof_detail = str(evidence.get("detail", ""))[:2000]
    revocation.residual = str(evidence.get("residual", ""))[:300]
    until = evidence.get("until")
    revocation.residual_until = datetime.fromisoformat(until) if until else None


def _is_early(revocation: Revocation) -> bool:
    """Half of a person's time is the network's: it may be away for an hour, and nobody has to do its work."""
    patience = timedelta(hours=hours_for(revocation.grant.channel)) / 2
    return Revocation.objects.filter(pk=revocation.pk, due_at__gt=Now() - patience).exists()


def _try_later(revocation: Revocation, reason: str) -> None:
    """Tried as often as anything is, and the network is away: again in five minutes, for as long as it is early."""
    again = Now() + timedelta(seconds=pace().longest_retry / 3)
    Revocation.objects.filter(pk=revocation.pk).update(
        state="scheduled", tries=0, next_attempt_at=again, settled_at=None, reason=f"{reason} It is tried again."
    )
    audit.record(None, "revocation.put_off", revocation, grant=revocation.grant_id, reason=reason)


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


CALLED_OFF = Refusal(
    "cancelled",
    "The departure was withdrawn before its minute.",
    Q(upon__in=Departure.objects.filter(withdrawn_at__isnull=False).values("pk")),
)
LANE = Lane(
    name="revoke",
    model=Revocation,
    attempts=RevocationAttempt,
    slots=1,
    places=PLACES,
    refusals=[CALLED_OFF, *refusals(), not_connected("grant__channel", NOT_CONNECTED)],
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
