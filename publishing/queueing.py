"""The queue of a channel: slots in its own zone, and publications that take the next free one.

Somebody who gives a time by hand takes a publication out of the queue; its slot is free again.
"""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.audit import record, record_many, register
from accounts.models import Person
from channels_registry import permissions as channel_permissions
from channels_registry.models import Channel
from publishing import following, queries, scheduling
from publishing.models import Post, Publication, Slot, Variant
from publishing.queries import silences
from socialops.lib import wall_clock

AHEAD = timedelta(days=90)
FULL = "No slot is free in the next 90 days, or in the time it was approved for. Add one, or choose a time by hand."

register("slot.added", "added a slot to a queue")
register("slot.changed", "changed a slot of a queue")
register("slot.removed", "removed a slot of a queue")
register("publication.queued", "put a post into the queue")
register("publication.retimed", "moved a post, because its slot or its clock changed")


@transaction.atomic
def add_to_queue(variant: Variant, by: Person) -> Publication:
    """Into the next free slot of its channel. The rules are those of `scheduling.schedule`."""
    channel = _locked(variant.channel, by)
    slot, wall = next_free(channel, variant)
    reading = wall_clock.read(wall, channel.time_zone)
    publication = scheduling.schedule(variant, wall, channel.time_zone, by)
    publication.slot = slot
    publication.save(update_fields=["slot"])
    record(by, "publication.queued", publication, slot=str(slot), due_at=reading.instant.isoformat())
    return publication


@transaction.atomic
def swap(publication: Publication, by: Person, earlier: bool) -> Publication:
    """Change places with the one before it in the queue, or after it. Whoever does answers for both."""
    channel = _locked(publication.channel, by)
    posts = Post.objects.filter(pk__in=queue_of(channel).values("variant__post"))
    list(posts.select_for_update().order_by("pk"))  # before their publications: the order of every verb
    queue = list(queue_of(channel).select_for_update(of=("self",)))
    here = next((n for n, one in enumerate(queue) if one.pk == publication.pk), None)
    there = None if here is None else here + (-1 if earlier else 1)
    if here is None or there is None or not 0 <= there < len(queue):
        raise ValidationError("There is nothing in the queue to change places with.")
    first, second = queue[here], queue[there]
    places = [(one.slot, one.wall_time.replace(tzinfo=None), one.fold) for one in (second, first)]
    for one, (_, wall, fold) in zip((first, second), places, strict=True):
        scheduling.reschedule(one, wall, channel.time_zone, by, fold)
    for one, (slot, _, _) in zip((first, second), places, strict=True):
        Publication.objects.filter(pk=one.pk).update(slot=slot)
    return Publication.objects.get(pk=first.pk)


@transaction.atomic
def add_slot(channel: Channel, weekday: int, at: time, by: Person) -> Slot:
    """Taken by what is queued from now on; what stands in the queue stays where it is."""
    channel = _locked(channel, by)
    _refuse_second(channel, weekday, at)
    slot = Slot.objects.create(channel=channel, weekday=weekday, at=at, added_by=by)
    record(by, "slot.added", slot, channel=channel.pk)
    return slot


@transaction.atomic
def change_slot(slot: Slot, weekday: int, at: time, by: Person) -> list[Publication]:
    """What stands in it moves with it, within the same week if that time is ahead and free. Returns what moved."""
    channel = _locked(slot.channel, by)
    _refuse_second(channel, weekday, at, slot)
    was = str(slot)
    days = weekday - slot.weekday
    slot.weekday, slot.at = weekday, at
    slot.save(update_fields=["weekday", "at"])
    record(by, "slot.changed", slot, was=was, channel=channel.pk)
    return _retimed(channel, slot, by, days)


@transaction.atomic
def remove_slot(slot: Slot, by: Person) -> list[Publication]:
    """What stands in it moves to the next free slots, or, where there is none, stays by hand. Returns what moved."""
    channel = _locked(slot.channel, by)
    record(by, "slot.removed", slot, channel=channel.pk)
    waiting = list(_in(slot))
    slot_pk, slot.channel = slot.pk, channel
    slot.delete()
    Publication.objects.filter(slot=slot_pk).update(slot=None)
    return _placed(channel, waiting, by)


def next_free(channel: Channel, variant: Variant) -> tuple[Slot, datetime]:
    """The next slot that nothing stands in and nothing keeps this variant from, with its naive wall time."""
    now = queries.now()
    taken = set(_ahead(channel, now).values_list("due_at", flat=True))
    approval = scheduling.approved(variant.post)
    first, last = approval.window_from or now, approval.window_until or now + AHEAD
    for slot, wall in occurrences(channel, now):
        instant = wall_clock.read(wall, channel.time_zone).instant
        if (
            first <= instant <= last
            and instant not in taken
            and not silences.silence_at(channel, variant.post, instant)
        ):
            return slot, wall
    raise ValidationError(FULL)


def occurrences(channel: Channel, now: datetime) -> Iterator[tuple[Slot, datetime]]:
    """The channel's slots after this moment in order of time, 90 days of them, as naive wall times of its zone."""
    slots: dict[int, list[Slot]] = {}
    for slot in channel.slots.order_by("at"):
        slots.setdefault(slot.weekday, []).append(slot)
    today = now.astimezone(ZoneInfo(channel.time_zone)).date()
    for day in (today + timedelta(days=n) for n in range(AHEAD.days + 1)):
        walls = [(slot, datetime.combine(day, slot.at)) for slot in slots.get(day.weekday(), [])]
        read = [(wall_clock.read(wall, channel.time_zone).instant, slot, wall) for slot, wall in walls]
        yield from ((slot, wall) for instant, slot, wall in sorted(read, key=lambda one: one[0]) if instant > now)


def queue_of(channel: Channel):
    """What waits in the channel's slots, in order of time."""
    waiting = Publication.objects.filter(channel=channel, slot__isnull=False, state="scheduled")
    return waiting.filter(due_at__gt=queries.now()).order_by("due_at", "pk")


def _retimed(channel: Channel, slot: Slot, by: Person, days: int) -> list[Publication]:
    """Each to the slot's new time in its own week; what finds that past, taken or silent goes to the next free slot."""
    now, homeless, moved = queries.now(), [], []
    waiting = list(_in(slot))
    taken = set(_ahead(channel, now).exclude(pk__in=[one.pk for one in waiting]).values_list("due_at", flat=True))
    for publication in waiting:
        day = publication.wall_time.date() + timedelta(days=days)
        wall = datetime.combine(day, slot.at)
        instant = wall_clock.read(wall, channel.time_zone).instant
        free = instant > now and instant not in taken
        free = free and not silences.silence_at(channel, publication.variant.post, instant)
        if placed := _place(publication, slot, wall, by) if free else None:
            moved.append(placed)
        else:
            homeless.append(publication)
    Publication.objects.filter(pk__in=[one.pk for one in homeless]).update(slot=None)
    return moved + _placed(channel, homeless, by)


def _placed(channel: Channel, waiting: list[Publication], by: Person) -> list[Publication]:
    """Each into the next free slot; what finds none stays at its time, as if by hand."""
    moved = []
    for publication in waiting:
        try:
            slot, wall = next_free(channel, publication.variant)
        except ValidationError:
            continue
        if placed := _place(publication, slot, wall, by):
            moved.append(placed)
    return moved


def _place(publication: Publication, slot: Slot, wall: datetime, by: Person) -> Publication | None:
    """Whoever answers for it goes on to: only its slot moved. None where something speaks against that time."""
    was, late_by = publication.due_at, scheduling.LATEST_USEFUL
    if publication.not_after:
        late_by = publication.not_after - publication.due_at
    try:
        scheduling.set_time(publication, wall, slot.channel.time_zone, 0, late_by)
    except ValidationError:
        return None  # the rights to its picture end before, or it was not agreed to for then
    publication.slot = slot
    publication.save()
    following.move_with(publication, "scheduled")
    trail = {"was": was.isoformat(), "due_at": publication.due_at.isoformat(), "slot": str(slot)}
    record_many([(by, "publication.retimed", publication, trail)])
    return publication


def _in(slot: Slot):
    rows = queue_of(slot.channel).filter(slot=slot).select_for_update(of=("self",))
    return rows.select_related("variant__post", "channel", "revision", "approval")


def _ahead(channel: Channel, now: datetime):
    return Publication.objects.filter(channel=channel, due_at__gt=now).exclude(state="cancelled")


def _locked(channel: Channel, by: Person) -> Channel:
    """One at a time in a channel's queue: two would take the same slot."""
    channel = Channel.objects.select_for_update().get(pk=channel.pk)
    channel_permissions.require(by, "publish", channel)
    return channel


def _refuse_second(channel: Channel, weekday: int, at: time, but: Slot | None = None) -> None:
    if not 0 <= weekday < 7:
        raise ValidationError({"weekday": "Choose a day of the week."})
    there = channel.slots.filter(weekday=weekday, at=at)
    if (there.exclude(pk=but.pk) if but else there).exists():
        raise ValidationError({"at": "This slot is there already."})
