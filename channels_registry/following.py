"""The wish to shut a door holds for the door, whatever level it has.

Another level is another row in the ledger, because history is kept. The revocation goes with the door from the row that
ended to the one that stands: while a door stands open, nothing proves it shut.
"""

from accounts import audit
from channels_registry.models import AccessGrant, Revocation

audit.register("revocation.followed", "went on with a door whose level changed")


def follow(ended: AccessGrant, standing: AccessGrant) -> Revocation | None:
    """Needs a transaction. Never waits for a row that somebody holds: channels_registry.verifying comes back to it."""
    rows = Revocation.objects.filter(grant=ended).exclude(state="cancelled").exclude(stage="verified")
    revocation = rows.select_for_update(of=("self",), no_key=True, skip_locked=True).first()
    if revocation is None or Revocation.objects.filter(grant=standing).exclude(state="cancelled").exists():
        return None
    Revocation.objects.filter(pk=revocation.pk).update(grant=standing)
    audit.record(
        None, "revocation.followed", revocation, was=ended.pk, grant=standing.pk, entitlement=standing.entitlement
    )
    return revocation
