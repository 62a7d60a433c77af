"""Doors that may not be cut yet: our own, the last administrator's, the only authoriser's.

Asked in the statement that claims a revocation, and before a person attests one. Somebody else counts as staying only
while nobody has asked for the revocation of their door, so two administrators who leave together are both kept.
"""

from django.db.models import Case, CharField, Exists, OuterRef, Q, QuerySet, Value, When

from channels_registry.models import AccessGrant, Connection, Revocation
from channels_registry.models.access_grant import Door
from channels_registry.queries.administrators import ADMIN_WORDS, staying_administrators
from socialops.lib.delivery.lane import Refusal

OURS = "Socialops itself uses this door. Connect the channel through somebody else first."
LAST_ADMIN = "This is the last administrator over there. Let somebody else become one first."
ONLY_AUTHORISER = "The channel is connected through this person. Connect it again through somebody who stays first."


def refusals() -> list[Refusal]:
    """For the lane: why a revocation that is due may not be sent yet."""
    return [Refusal("blocked", reason, when) for when, reason in _rules("grant__")]


def why_not(revocation: Revocation) -> str:
    """The reason why this door may not be cut now, or "". The caller holds the channel's lock."""
    rows = Revocation.objects.filter(pk=revocation.pk)
    return next((reason for when, reason in _rules("grant__") if rows.filter(when).exists()), "")


def foreseen(doors: QuerySet[AccessGrant]) -> dict[int, str]:
    """Doors that could not be cut if their holder left with all of theirs at this moment, each with the reason."""
    rules = _rules("", leaving=True)
    first = Case(*(When(when, then=Value(reason)) for when, reason in rules), output_field=CharField())
    kept = doors.annotate(kept=first).exclude(kept=None)
    return dict(kept.values_list("pk", "kept"))


def _rules(door: str, leaving: bool = False) -> list[tuple[Q, str]]:
    """`door` is the path to the grant from the rows that are asked. `leaving`: no door of the same person stays."""
    channel = OuterRef(f"{door}channel")
    staying = staying_administrators(channel=channel).exclude(pk=OuterRef(f"{door}pk"))
    if leaving:
        staying = staying.exclude(person=OuterRef(f"{door}person"))
    listed = Exists(AccessGrant.objects.standing().filter(channel=channel, ours=True, source="observed"))
    through = Connection.objects.filter(channel=channel, state="live", authorised_by=OuterRef(f"{door}person"))
    role = Q(**{f"{door}door": Door.ROLE})
    admin = Q(**{f"{door}entitlement__iregex": ADMIN_WORDS})
    return [
        (Q(**{f"{door}ours": True}), OURS),
        (role & admin & ~Q(Exists(staying)), LAST_ADMIN),
        (role & ~listed & Q(Exists(through)), ONLY_AUTHORISER),
    ]
