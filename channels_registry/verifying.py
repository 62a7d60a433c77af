"""Reading a network once more to see whether a door is really shut. For workers."""

from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from accounts import audit
from channels_registry import access, shutting
from channels_registry.connector.capabilities import ListsDoors
from channels_registry.connector.errors import NetworkError
from channels_registry.connector.types import Probe
from channels_registry.models import AccessGrant, Channel, ChannelUserPermission, Proof, Revocation
from channels_registry.models.access_grant import Door
from channels_registry.observing import can, live_connection, observe, read_doors
from channels_registry.proving import Finding, judge
from socialops.lib.sealing import CannotOpen

audit.register("revocation.open_again", "found a door open that had been shut")
AGAIN = timedelta(hours=1)


def verify(revocation: Revocation) -> Revocation:
    """Read again and grade: proven by the list, or found open. Leaves the grade alone where nothing can be read."""
    revocation = Revocation.objects.select_related("grant__channel", "grant__identity").get(pk=revocation.pk)
    if revocation.stage not in (Revocation.Stage.REVOKED, Revocation.Stage.VERIFIED):
        return revocation
    finding = _find(revocation.grant)
    if finding is None or finding.shut is None:
        return revocation
    return _write(revocation, finding)


def verify_due() -> int:
    """What people attested and a network can show. Leased by moving its next turn on, so two workers do no harm."""
    due = Revocation.objects.filter(
        state="done", stage="revoked", proof=Proof.ATTESTED, next_attempt_at__lte=Now(), grant__source="observed"
    )
    done = _gone()
    for revocation in due.order_by("next_attempt_at")[:50]:
        leased = due.filter(pk=revocation.pk).update(next_attempt_at=Now() + AGAIN)
        if leased:
            verify(revocation)
            done += 1
    return done


def _gone() -> int:
    """Doors that somebody shut over there meanwhile: the network's whole list, read since, does not have them."""
    gone = Revocation.objects.filter(
        state__in=["blocked", "failed", "needs_human", "done"],
        grant__source="observed",
        grant__revoked_at__isnull=False,
    ).exclude(stage="verified")
    with transaction.atomic():
        rows = list(gone.select_for_update(of=("self",), skip_locked=True).select_related("grant")[:200])
        for revocation in rows:
            mine = Revocation.objects.filter(pk=revocation.pk)
            detail = revocation.grant.revoked_reason
            mine.filter(state__in=["blocked", "failed"]).update(state="needs_human")
            mine.update(state="done", stage="verified", proof=Proof.API, proof_detail=detail, verified_at=Now())
            audit.record(None, "revocation.proven", revocation, grant=revocation.grant_id, detail=detail)
    return len(rows)


def _find(grant: AccessGrant) -> Finding | None:
    if grant.door == Door.RIGHT:
        left = ChannelUserPermission.objects.filter(grant=grant).count()
        return Finding(left == 0, f"Read back from the table of rights: {left or 'none'} left.")
    connection = live_connection(grant.channel)
    if connection is None or not grant.remote_id or not can(connection, ListsDoors):
        return None
    try:
        doors = read_doors(connection)
    except (NetworkError, CannotOpen):
        return None
    return judge(shutting.remote_door(grant), doors, Probe(None))


@transaction.atomic
def _write(revocation: Revocation, finding: Finding) -> Revocation:
    Channel.objects.select_for_update().get(pk=revocation.grant.channel_id)
    rows = Revocation.objects.filter(pk=revocation.pk, stage__in=["revoked", "verified"])
    if finding.shut:
        rows.update(stage="verified", proof=Proof.API, proof_detail=finding.detail, verified_at=Now())
        access.end(revocation.grant, revocation.requested_by, revocation.reason_for or "Revoked.")
        audit.record(None, "revocation.proven", revocation, grant=revocation.grant_id, detail=finding.detail)
    elif rows.update(stage="failed", proof="", proof_detail=finding.detail, guided=True, reason=finding.detail):
        audit.record(None, "revocation.open_again", revocation, grant=revocation.grant_id, detail=finding.detail)
        transaction.on_commit(lambda: observe(revocation.grant.channel))
    revocation.refresh_from_db()
    return revocation
