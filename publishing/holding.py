"""Nothing leaves. A hold is total in its scope; when it is lifted nothing fires, a person decides each held post."""

from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import DateTimeField, DurationField, ExpressionWrapper, Value
from django.db.models.functions import Now

from accounts.audit import record, record_many, register
from accounts.models import Person
from accounts.permissions import has_role, is_present
from channels_registry import networks
from channels_registry import permissions as channel_permissions
from channels_registry.models import AccessGrant, Channel
from channels_registry.models.access_grant import Door
from publishing import following, queries, scheduling
from publishing.models import Campaign, Hold, HoldDecision, HoldTask, Publication
from publishing.permissions import LEADS
from socialops.lib.delivery.late import refuse_late_answer

SCOPE = ("channel", "campaign__owner")
MOST_TOOLS = 20
LIFTING = timedelta(seconds=2)  # longer than its last step takes to be committed

register("hold.placed", "placed a hold")
register("hold.lifted", "lifted a hold")
register("hold.task_done", "stopped by hand what a hold cannot stop")
register("publication.kept", "kept a held post at its time")
register("publication.held", "held a post that was due")


@transaction.atomic
def place(
    by: Person, reason: str, network: str = "", channel: Channel | None = None, campaign: Campaign | None = None,
    tag: str = "",
) -> Hold:  # fmt: skip
    """Stop everything, or one network, channel, campaign or tag. Workers see it before each send, requests in flight
    are cut off. What no hold can stop becomes its list of tasks.
    """
    hold = Hold(network=network, channel=channel, campaign=campaign, tag=tag.strip().lower(), reason=reason.strip())
    _require(by, hold)
    _refuse_unclear(hold)
    _refuse_second(hold)
    hold.placed_by = by
    try:
        with transaction.atomic():
            hold.save()
    except IntegrityError:
        _refuse_second(hold)  # placed by somebody else in this very moment
        raise
    HoldTask.objects.bulk_create(HoldTask(hold=hold, **task) for task in cannot_stop(hold))
    record(by, "hold.placed", hold, scope=hold.scope, waiting=queries.held_by(hold).count())
    return hold


@transaction.atomic
def lift(hold: Hold, by: Person) -> Hold:
    """Let things leave again. What was due while it stood stays held, and waits for a decision."""
    hold = Hold.objects.select_for_update(of=("self",)).select_related(*SCOPE, "placed_by").get(pk=hold.pk)
    _require(by, hold)
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
    scheduling.refuse_embargo(publication)
    for each in [publication, *following.after(publication, "held")]:
        each.state, each.reason = "scheduled", ""
        each.save(update_fields=["state", "reason"])
        record(by, "publication.kept", each)
    return publication


@transaction.atomic
def decide(
    hold: Hold, publication: Publication, by: Person, fate: str, wall_time: datetime | None = None, time_zone: str = ""
) -> HoldDecision:
    """What becomes of one held post: kept at its time, moved to another, or dropped."""
    if not queries.undecided(hold).filter(pk=publication.pk).exists():
        raise ValidationError("It is not held any more: somebody has decided.")
    if fate == HoldDecision.Fate.KEPT:
        keep(publication, by)
    elif fate == HoldDecision.Fate.DROPPED:
        scheduling.cancel(publication, by, f"Dropped after a hold: {hold.reason}")
    elif wall_time is None:
        raise ValidationError({"day": "Choose the day to move them to."})
    else:
        scheduling.reschedule(publication, wall_time, time_zone or publication.time_zone, by)
    return HoldDecision.objects.create(hold=hold, publication=publication, fate=fate, by=by)


@transaction.atomic
def tick_off(task: HoldTask, by: Person, note: str) -> HoldTask:
    """It was stopped by hand over there. `note`: what was done, and what is to be seen now."""
    task = HoldTask.objects.select_for_update(of=("self",)).get(pk=task.pk)
    hold = Hold.objects.select_related(*SCOPE).get(pk=task.hold_id)
    if not may_tick_off(by, hold):
        raise PermissionDenied("Only who may hold this, or publishes there, says that it is stopped.")
    if task.done_at:
        raise ValidationError("Somebody has already done it.")
    if not note.strip():
        raise ValidationError({"note": "Say what you did and what you see now."})
    task.done_by, task.done_at, task.note = by, queries.now(), note.strip()
    task.save(update_fields=["done_by", "done_at", "note"])
    record(by, "hold.task_done", hold, task=task.text, note=task.note)
    return task


def cannot_stop(hold: Hold) -> list[dict[str, str]]:
    """What goes on whatever we do, as fields of HoldTask: a task a network and kind, and one a tool that can post."""
    where: dict[str, list[Channel]] = {}
    for channel in queries.channels_in(hold).order_by("name"):
        where.setdefault(channel.network, []).append(channel)
    tasks = []
    for slug, channels in sorted(where.items()):
        on = channels[0].name if len(channels) == 1 else f"{len(channels)} channels"
        place = f"{networks.network(slug).label if slug in networks.slugs() else slug} ({on})"
        url = channels[0].url if len(channels) == 1 else ""
        tasks += [
            {"kind": "native", "text": f"Stop what is scheduled on {place} itself.", "url": url},
            {"kind": "ads", "text": f"Pause ads and boosted posts on {place}.", "url": url},
        ]
    return tasks + [{"kind": "app", "text": f"Stop what {name} posts by itself."} for name in _tools(hold)]


def may_hold(person: Person, scope: Hold) -> bool:
    """Social leads and administrators whatever there is; a channel its managers; a campaign its owner."""
    if has_role(person, *LEADS):
        return True
    if scope.campaign:
        return scope.campaign.owner_id == person.pk and is_present(person)
    return scope.channel is not None and channel_permissions.may(person, "manage", scope.channel)


def may_tick_off(person: Person, hold: Hold) -> bool:
    """Who may hold it, and who publishes there."""
    there = channel_permissions.channels_with(person, "publish").filter(pk__in=queries.channels_in(hold).values("pk"))
    return there.exists() or may_hold(person, hold)


def _require(by: Person, hold: Hold) -> None:
    if may_hold(by, hold):
        return
    also = f"who manages {hold.channel}, " if hold.channel_id else ""
    also = f"{hold.campaign.owner}, " if hold.campaign else also
    raise PermissionDenied(f"Only {also}a social lead or an administrator may hold this or lift it.")


def _refuse_unclear(hold: Hold) -> None:
    if not hold.reason:
        raise ValidationError({"reason": "Say why. Everybody sees it while the hold stands."})
    if hold.network and hold.network not in networks.slugs():
        raise ValidationError({"network": "Choose one of the networks."})
    if sum(map(bool, (hold.network, hold.channel, hold.campaign, hold.tag))) > 1:
        raise ValidationError({"scope": "Choose one: a network, a channel, a campaign or a tag, not both."})
    if len(hold.tag) > 40:
        raise ValidationError({"tag": "No tag is that long."})


def _refuse_second(hold: Hold) -> None:
    same = Hold.objects.standing().filter(
        network=hold.network, channel=hold.channel, campaign=hold.campaign, tag=hold.tag
    )
    if first := same.select_related("placed_by").first():
        raise ValidationError(f"{first.placed_by} has already placed this hold. {hold.scope} is held.")


def _tools(hold: Hold) -> list[str]:
    """The apps of others that the ledger knows on these channels, by name."""
    doors = AccessGrant.objects.standing().filter(door__in=(Door.APP, Door.TOOL_SEAT), ours=False)
    there = doors.filter(channel__in=queries.channels_in(hold).values("pk")).exclude(label="")
    return list(there.order_by("label").values_list("label", flat=True).distinct()[:MOST_TOOLS])


def _hold_due(hold: Hold, by: Person) -> int:
    """Until the lifting is committed workers see the hold, so what falls due till then was due while it stood."""
    soon = ExpressionWrapper(Now() + Value(LIFTING, DurationField()), DateTimeField())
    due = list(queries.held_by(hold).filter(due_at__lte=soon).select_for_update(of=("self",)))
    reason = f"It was due while a hold stood: {hold.reason}"
    Publication.objects.filter(pk__in=[p.pk for p in due], state="scheduled").update(state="held", reason=reason)
    record_many([(by, "publication.held", p, {"due_at": p.due_at.isoformat()}) for p in due])
    return len(due)
