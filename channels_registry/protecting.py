"""Doors that may not be cut yet: our own, the last administrator's, the only authoriser's.

Asked in the statement that claims a revocation, and before a person attests one. Somebody else counts as staying only
while nobody has asked for the revocation of their door, so two administrators who leave together are both kept.
"""

from django.db.models import Exists, OuterRef, Q

from channels_registry.models import AccessGrant, Connection, Revocation
from channels_registry.models.access_grant import Door
from channels_registry.queries.administrators import ADMIN_WORDS, staying_administrators
from socialops.lib.delivery.lane import Refusal

OURS = "Socialops itself uses this door. Connect the channel through somebody else first."
LAST_ADMIN = "This is the last administrator over there. Let somebody else become one first."
ONLY_AUTHORISER = "The channel is connected through this person. Connect it again through somebody who stays first."


def refusals() -> list[Refusal]:
    """For the lane: why a revocation that is due may not be sent yet."""
    return [Refusal("blocked", reason, when) for when, reason in _rules()]


def why_not(revocation: Revocation) -> str:
    """The reason why this door may not be cut now, or "". The caller holds the channel's lock."""
    rows = Revocation.objects.filter(pk=revocation.pk)
    return next((reason for when, reason in _rules() if rows.filter(when).exists()), "")


def _rules() -> list[tuple[Q, str]]:
    channel = OuterRef("grant__channel")
    another = Exists(staying_administrators(channel=channel).exclude(pk=OuterRef("grant")))
    listed = Exists(AccessGrant.objects.standing().filter(channel=channel, ours=True, source="observed"))
    through = Connection.objects.filter(channel=channel, state="live", authorised_by=OuterRef("grant__person"))
    role = Q(grant__door=Door.ROLE)
    return [
        (Q(grant__ours=True), OURS),
        (role & Q(grant__entitlement__iregex=ADMIN_WORDS) & ~Q(another), LAST_ADMIN),
        (role & ~listed & Q(Exists(through)), ONLY_AUTHORISER),
    ]
