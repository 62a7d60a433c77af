"""Access that ends by itself. A right here is over at its minute, by the query that asks for it; what is elsewhere is
shut by a revocation, which the sweep asks for. Whoever has it is told seven days and one day before.

extend   the one click that gives it more time, for whoever may grant it
warn     the notices
sweep    doors elsewhere whose time is over
"""

from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from accounts import audit, notifying
from accounts.models import Person
from channels_registry import access, revoking
from channels_registry.models import AccessGrant, Channel, Revocation
from channels_registry.models.access_grant import Door
from channels_registry.permissions import require_administer
from socialops.lib.turns import safely
from socialops.lib.wall_clock import database_now

audit.register("access.extended", "gave access more time")

NOTICES = (timedelta(days=7), timedelta(days=1))  # before the end; not for what was given for less than that
LONGEST = timedelta(days=400)


@transaction.atomic
def extend(grant: AccessGrant, by: Person, until: datetime, reason: str) -> AccessGrant:
    """Let it end later. For whoever may grant it, never for oneself, and only while it holds."""
    Channel.objects.select_for_update().get(pk=grant.channel_id)
    grant = AccessGrant.objects.select_for_update(of=("self",)).select_related("channel", "person").get(pk=grant.pk)
    require_administer(by, grant.channel)
    if by.pk == grant.person_id:
        raise PermissionDenied("Nobody gives more time to themselves. Ask another administrator or manager.")
    if grant.source == AccessGrant.Source.EMERGENCY:
        raise ValidationError("Emergency access ends at its time. Ask for it again, with a second person.")
    if not reason.strip():
        raise ValidationError({"reason": "Say why. The reason stays with the grant."})
    if not AccessGrant.objects.standing().filter(pk=grant.pk).exists() or grant.expires_at is None:
        raise ValidationError("It is over, or has no end. Give access anew if they need it.")
    if not grant.expires_at < until <= database_now() + LONGEST:
        raise ValidationError({"until": "Choose a time after its present end, and within 400 days."})
    before, grant.expires_at = grant.expires_at, until
    try:
        with transaction.atomic():
            grant.save(update_fields=["expires_at"])
    except IntegrityError as error:
        raise ValidationError("The same access was given again from that time on. Look at the channel.") from error
    audit.record(by, "access.extended", grant, **access.told(grant), was=before.isoformat(), reason=reason)
    return grant


def warn() -> int:
    """Tell holders and those who answer for the channel what is about to end. Returns how many grants were told of."""
    return sum(safely(_warn, pk) or 0 for pk in _to_warn().values_list("pk", flat=True)[:500])


def sweep() -> int:
    """Have what ended elsewhere shut over there. Level-triggered; returns how many revocations were asked for."""
    return sum(safely(_shut, pk) or 0 for pk in over().values_list("pk", flat=True)[:500])


def over() -> QuerySet[AccessGrant]:
    """Doors elsewhere that were declared until a time that has come, and that nobody has had shut."""
    asked = Revocation.objects.filter(grant=OuterRef("pk")).exclude(state="cancelled")
    ended = AccessGrant.objects.filter(revoked_at=None, expires_at__lte=Now(), source=AccessGrant.Source.DECLARED)
    return ended.exclude(door=Door.RIGHT).filter(~Exists(asked), ours=False).order_by("channel", "pk")


def _to_warn() -> QuerySet[AccessGrant]:
    due = Q()
    for before in NOTICES:
        begun = Q(expires_at__lte=Now() + before, starts_at__lte=F("expires_at") - before)
        due |= begun & (Q(warned_at=None) | Q(warned_at__lt=F("expires_at") - before))
    standing = AccessGrant.objects.standing().filter(due, person__isnull=False)
    return standing.exclude(person__in=Person.objects.departed().values("pk")).order_by("person", "pk")


@transaction.atomic
def _warn(pk: int) -> int:
    grant = _to_warn().select_for_update(of=("self",), skip_locked=True).filter(pk=pk).first()
    if grant is None:
        return 0
    AccessGrant.objects.filter(pk=pk).update(warned_at=Now())
    grant = AccessGrant.objects.select_related("channel__owner", "channel__backup_owner", "person").get(pk=pk)
    soon = grant.expires_at is not None and grant.expires_at <= timezone.now() + NOTICES[1]
    left = "within a day" if soon else "within 7 days"
    channel = grant.channel
    told = {each.pk: each for each in (grant.person, channel.owner, channel.backup_owner) if each}
    for key in sorted(told):
        whose = "Your" if key == grant.person_id else f"{grant.person}’s"
        text = f"{whose} {grant.get_door_display().lower()} on {channel.name} ({grant.entitlement}) ends {left}."
        url = f"/channels/{channel.pk}/" if key != grant.person_id else f"/people/{key}/access/"
        notifying.notify(told[key], "access.ends", text, url, mail=True)
    return 1


def _shut(pk: int) -> int:
    """The network's own row of the same door, where it shows one, is shut with it, and by API where it can."""
    grant = AccessGrant.objects.select_related("channel").get(pk=pk)
    same = AccessGrant.objects.standing().filter(
        channel=grant.channel_id, person=grant.person_id, door=grant.door, source="observed", ours=False
    )
    observed = same.first() if grant.person_id and same.count() == 1 else None
    reason = "Its time is over."
    if observed is None:
        revoking.request_revocation(grant, None, reason)
        return 1
    with transaction.atomic():
        revoking.request_revocation(observed, None, reason)
        access.end(grant, None, "Its time is over; the door that the network lists is being shut.")
    return 1
