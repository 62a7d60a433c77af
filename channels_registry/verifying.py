"""Reading a network once more to see whether a door is really shut. For workers."""

from datetime import timedelta

from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce, Now

from accounts import audit
from channels_registry import access, shutting
from channels_registry.connector.capabilities import ListsDoors
from channels_registry.connector.errors import NetworkError
from channels_registry.connector.types import Probe
from channels_registry.following import follow
from channels_registry.models import AccessGrant, ChannelUserPermission, Proof, Revocation
from channels_registry.models.access_grant import Door
from channels_registry.observing import can, live_connection, observe, read_doors
from channels_registry.proving import Finding, judge
from socialops.lib import turns

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
    """Read again what people attested and a network can show. Returns how many were read."""
    return turns.in_turn("verify doors", _next, verify)


def settle_by_list() -> int:
    """What the network's whole list has decided meanwhile: doors that are gone are proven shut, however that came.

    A door that stands there with another level is not gone: its revocation goes on with it.
    """
    standing = AccessGrant.objects.filter(
        source="observed", revoked_at=None, channel=OuterRef("grant__channel"), door=OuterRef("grant__door"),
        remote_id=OuterRef("grant__remote_id"),
    )  # fmt: skip
    ended = Revocation.objects.filter(grant__source="observed", grant__revoked_at__isnull=False)
    ended = ended.exclude(state="cancelled").exclude(stage="verified")
    ended = ended.annotate(stands=Subquery(standing.values("pk")[:1]))
    for grant, stands in ended.filter(stands__isnull=False).values_list("grant", "stands")[:200]:
        _follow(grant, stands)
    gone = ended.filter(stands=None, state__in=["blocked", "failed", "needs_human", "done"])
    with transaction.atomic():
        rows = list(gone.select_for_update(of=("self",), no_key=True, skip_locked=True).select_related("grant")[:200])
        for revocation in rows:
            _gone(revocation)
    return len(rows)


def _next() -> Revocation | None:
    due = Revocation.objects.filter(
        state="done", stage="revoked", proof=Proof.ATTESTED, next_attempt_at__lte=Now(), grant__source="observed"
    )
    with transaction.atomic():
        rows = due.select_for_update(of=("self",), no_key=True, skip_locked=True)
        taken = rows.order_by("next_attempt_at", "pk").first()
        if taken:
            Revocation.objects.filter(pk=taken.pk).update(next_attempt_at=Now() + AGAIN)
    return taken


@transaction.atomic
def _follow(ended: int, standing: int) -> None:
    follow(AccessGrant.objects.get(pk=ended), AccessGrant.objects.get(pk=standing))


def _gone(revocation: Revocation) -> None:
    mine = Revocation.objects.filter(pk=revocation.pk)
    detail = revocation.grant.revoked_reason
    mine.filter(state__in=["blocked", "failed"]).update(state="needs_human")
    mine.update(
        state="done", stage="verified", proof=Proof.API, proof_detail=detail, verified_at=Now(),
        shut_at=Coalesce("shut_at", Now()),
    )  # fmt: skip
    audit.record(None, "revocation.proven", revocation, grant=revocation.grant_id, detail=detail)


def _find(grant: AccessGrant) -> Finding | None:
    if grant.door == Door.RIGHT:
        left = ChannelUserPermission.objects.filter(grant=grant).count()
        return Finding(left == 0, f"Read back from the table of rights: {left or 'none'} left.")
    connection = live_connection(grant.channel)
    if connection is None or not grant.remote_id or not can(connection, ListsDoors):
        return None
    try:
        doors = read_doors(connection)
    except NetworkError:
        return None
    return judge(shutting.remote_door(grant), doors, Probe(None))


@transaction.atomic
def _write(revocation: Revocation, finding: Finding) -> Revocation:
    rows = Revocation.objects.filter(pk=revocation.pk, stage__in=["revoked", "verified"])
    if finding.shut:
        if rows.update(stage="verified", proof=Proof.API, proof_detail=finding.detail, verified_at=Now()):
            revocation.refresh_from_db()
            access.end(revocation.grant, revocation.requested_by, revocation.reason_for or "Revoked.")
            audit.record(None, "revocation.proven", revocation, grant=revocation.grant_id, detail=finding.detail)
    elif rows.update(
        stage="failed", shut_at=None, proof="", proof_detail=finding.detail, guided=True, reason=finding.detail
    ):
        audit.record(None, "revocation.open_again", revocation, grant=revocation.grant_id, detail=finding.detail)
        transaction.on_commit(lambda: observe(revocation.grant.channel))
    revocation.refresh_from_db()
    return revocation
