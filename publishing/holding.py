"""Nothing leaves. A hold is total in its scope; when it is lifted nothing fires, a person decides each held post."""

from datetime import timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import DateTimeField, DurationField, ExpressionWrapper, Value
from django.db.models.functions import Now

from accounts.audit import record, record_many, register
from accounts.models import Person, Role
from accounts.permissions import has_role
from channels_registry import networks
from channels_registry import permissions as channel_permissions
from channels_registry.models import Channel
from publishing import following, queries, scheduling
from publishing.models import Hold, Publication
from socialops.lib.delivery.late import refuse_late_answer

LIFTING = timedelta(seconds=2)  # longer than its last step takes to be committed

register("hold.placed", "placed a hold")
register("hold.lifted", "lifted a hold")
register("publication.kept", "kept a held post at its time")
register("publication.held", "held a post that was due")


@transaction.atomic
def place(by: Person, reason: str, network: str = "", channel: Channel | None = None) -> Hold:
    """Stop everything, one network or one channel. Workers see it before each send, requests in flight are cut off."""
    _require(by, network, channel)
    if not reason.strip():
        raise ValidationError({"reason": "Say why. Everybody sees it while the hold stands."})
    if network and network not in networks.slugs():
        raise ValidationError({"network": "Choose one of the networks."})
    if network and channel:
        raise ValidationError({"channel": "Choose a network or a channel, not both."})
    _refuse_second(network, channel)
    try:
        with transaction.atomic():
            hold = Hold.objects.create(network=network, channel=channel, reason=reason.strip(), placed_by=by)
    except IntegrityError:
        _refuse_second(network, channel)  # placed by somebody else in this very moment
        raise
    record(by, "hold.placed", hold, scope=hold.scope, waiting=queries.held_by(hold).count())
    return hold


@transaction.atomic
def lift(hold: Hold, by: Person) -> Hold:
    """Let things leave again. What was due while it stood stays held, and waits for a decision."""
    hold = Hold.objects.select_for_update(of=("self",)).select_related("channel", "placed_by").get(pk=hold.pk)
    _require(by, hold.network, hold.channel)
    if hold.lifted_at:
        raise ValidationError(f"{hold.lifted_by} has already lifted it.")
    held = _hold_due(hold, by)
    hold.lifted_by, hold.lifted_at = by, queries.now()
    hold.save(update_fields=["lifted_by", "lifted_at"])
    held += _hold_due(hold, by)  # what fell due while the first, which may be many, were written down
    record(by, "hold.lifted", hold, scope=hold.scope, held=held)
    return hold


@transaction.atomic
def keep(publication: Publication, by: Person) -> Publication:
    """A held post whose time is still ahead goes out as planned."""
    publication = scheduling.locked(publication)
    channel_permissions.require(by, "publish", publication.channel)
    if publication.state != "held":
        raise ValidationError("It is not held.")
    refuse_late_answer(publication)
    if publication.due_at <= queries.now():
        raise ValidationError("Its time has passed while it was held. Give it a new time, or drop it.")
    for each in [publication, *following.after(publication, "held")]:
        each.state, each.reason = "scheduled", ""
        each.save(update_fields=["state", "reason"])
        record(by, "publication.kept", each)
    return publication


def may_hold(person: Person, channel: Channel | None = None) -> bool:
    """A channel: its managers. More than that: social leads and administrators, who may hold channels too."""
    if has_role(person, Role.SOCIAL_LEAD, Role.ADMIN):
        return True
    return channel is not None and channel_permissions.may(person, "manage", channel)


def _require(by: Person, network: str, channel: Channel | None) -> None:
    if not may_hold(by, channel):
        what = f"{channel}, or a social lead or administrator," if channel else "a social lead or administrator"
        raise PermissionDenied(f"Only {'who manages ' if channel else ''}{what} may hold this or lift it.")


def _refuse_second(network: str, channel: Channel | None) -> None:
    standing = Hold.objects.filter(network=network, channel=channel, lifted_at=None)
    if same := standing.select_related("placed_by", "channel").first():
        raise ValidationError(f"{same.placed_by} has already placed this hold. {same.scope} is held.")


def _hold_due(hold: Hold, by: Person) -> int:
    """Until the lifting is committed workers see the hold, so what falls due till then was due while it stood."""
    soon = ExpressionWrapper(Now() + Value(LIFTING, DurationField()), DateTimeField())
    due = list(queries.held_by(hold).filter(due_at__lte=soon).select_for_update(of=("self",)))
    reason = f"It was due while a hold stood: {hold.reason}"
    Publication.objects.filter(pk__in=[p.pk for p in due], state="scheduled").update(state="held", reason=reason)
    record_many([(by, "publication.held", p, {"due_at": p.due_at.isoformat()}) for p in due])
    return len(due)
