"""When a variant goes out, and who answers for it. The person who sets the time answers for it by name."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import tzdata
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Func, Q, Value

from accounts.audit import record, record_many, register
from accounts.models import Person
from accounts.permissions import is_present
from channels_registry import permissions as channel_permissions
from channels_registry.connector.capabilities import Publishes
from publishing import following, queries
from publishing.models import (
    Approval,
    Embargo,
    Post,
    Publication,
    PublicationAttempt,
    Recurrence,
    Revision,
    Variant,
)
from publishing.models.revision import content_of, parts_of, sha256
from publishing.queries import silences
from socialops.lib import wall_clock
from socialops.lib.delivery.late import accepted_late, refuse_late_answer

register("publication.scheduled", "scheduled a post")
register("publication.rescheduled", "gave a post another time")
register("publication.cancelled", "cancelled a scheduled post")
register("publication.adopted", "took over a scheduled post")
register("publication.returned", "sent a scheduled post back to its author")

LATEST_USEFUL = timedelta(hours=1)  # after its time by more than this it is missed, and a person decides
WAITING = ("scheduled", "held", "blocked", "missed", "failed")  # nothing of it is on its way
MAYBE_OUT = ("sending", "unknown", "needs_human")


@transaction.atomic
def schedule(
    variant: Variant, wall_time: datetime, time_zone: str, by: Person, fold: int = 0, late_by: timedelta = LATEST_USEFUL
) -> Publication:
    """Send this variant at a wall time of a zone. `fold` 1 is the second of two equal times, when clocks go back.

    Only what is approved now, as it was approved. A wall time that the clocks skip moves forward.
    """
    post = Post.objects.select_for_update().get(pk=variant.post_id)
    variant = Variant.objects.select_related("channel").get(pk=variant.pk)
    channel_permissions.require(by, "publish", variant.channel)
    approval = approved(post)
    parts = approval.revision.parts_on(variant.channel_id)
    if variant.removed_at or not parts:
        raise ValidationError("This post does not go to that channel any more.")
    _refuse_unpublishable(variant)
    _make_room(variant, by)
    publication = Publication(
        variant=variant, channel=variant.channel, approval=approval, revision=approval.revision, text=parts[0].text,
        media=approval.revision.media_for(variant.channel_id), card=approval.revision.card_for(variant.channel_id),
        content_hash=approval.revision.hash, answerable=by,
    )  # fmt: skip
    set_time(publication, wall_time, time_zone, fold, late_by)
    publication.save()
    for each in [publication, *following.make(publication, parts[1:])]:
        record(by, "publication.scheduled", each, **trail(each))
    return publication


@transaction.atomic
def publish_now(variant: Variant, by: Person) -> Publication:
    """The same as scheduling it for this moment, with the same rules."""
    now = queries.now()
    zone = by.time_zone
    local = now.astimezone(ZoneInfo(zone))
    publication = schedule(
        variant, local.replace(tzinfo=None, fold=0) + timedelta(seconds=2), zone, by, fold=local.fold
    )
    refuse_outside(publication.approval, now, zone)
    publication.due_at = publication.next_attempt_at = now
    publication.save(update_fields=["due_at", "next_attempt_at"])
    following.move_with(publication, "scheduled")
    return publication


@transaction.atomic
def reschedule(publication: Publication, wall_time: datetime, time_zone: str, by: Person, fold: int = 0) -> Publication:
    """Another time, for anything that is not out. Whoever gives it answers for it from now on."""
    publication = locked(publication)
    channel_permissions.require(by, "publish", publication.channel)
    _refuse_unless_waiting(publication, "It cannot be moved any more.")
    following.refuse_without_its_post(publication)
    refuse_overtaken(publication)
    before = publication.due_at
    if publication.state == "failed":
        publication.handle = {}  # what was begun over there was refused with it
    late_by = (publication.not_after - publication.due_at) if publication.not_after else LATEST_USEFUL
    set_time(publication, wall_time, time_zone, fold, late_by)
    publication.state, publication.reason, publication.answerable, publication.slot = "scheduled", "", by, None
    publication.tries = publication.looks = 0
    publication.settled_at = None
    publication.save()
    for each in [publication, *following.move_with(publication, *WAITING)]:
        record(by, "publication.rescheduled", each, was=before.isoformat(), **trail(each))
    return publication


@transaction.atomic
def cancel(publication: Publication, by: Person, reason: str = "") -> Publication:
    """Take it off the calendar, with what would follow it. Refused from the moment it may be out."""
    publication = locked(publication)
    channel_permissions.require(by, "publish", publication.channel)
    _refuse_unless_waiting(publication, "It cannot be cancelled.")
    refuse_late_answer(publication)
    for each in [*reversed(following.after(publication, *WAITING)), publication]:
        each.state, each.reason = "cancelled", reason
        each.save(update_fields=["state", "reason"])
        record(by, "publication.cancelled", each, reason=reason)
    if publication.occurrence and publication.part == 0:
        standing = Recurrence.objects.filter(variant=publication.variant_id, ended_at=None)
        standing.update(skipped=Func(F("skipped"), Value(publication.occurrence), function="array_append"))
    return publication


@transaction.atomic
def adopt(publication: Publication, by: Person) -> Publication:
    """Answer for it in place of somebody who left or lost the right to publish."""
    publication = locked(publication)
    channel_permissions.require(by, "publish", publication.channel)
    _refuse_unless_waiting(publication, "There is nothing to take over.")
    was = publication.answerable
    if is_present(was) and channel_permissions.may(was, "publish", publication.channel):
        raise ValidationError(f"{was} still answers for it. Move it or cancel it instead.")
    refuse_late_answer(publication)
    refuse_overtaken(publication)
    if publication.due_at <= queries.now():
        raise ValidationError("Its time has passed. Give it a new time instead, and you answer for it.")
    for each in [publication, *(row for row in following.after(publication, *WAITING) if row.answerable_id == was.pk)]:
        each.answerable, each.reason = by, ""
        if each.state == "blocked":
            each.state = "scheduled"
        each.save(update_fields=["answerable", "reason", "state"])
        record(by, "publication.adopted", each, was=was.pk)
    return publication


def return_to_author(post: Post, by: Person, reason: str) -> list[Publication]:
    """Nothing of this post that still waits goes out. Called in the transaction that takes its approval away.

    What a late answer says to be out keeps its place, until somebody says so.
    """
    waiting = Publication.objects.select_for_update(of=("self",)).filter(variant__post=post, state__in=WAITING)
    returned = list(waiting.exclude(accepted_late(PublicationAttempt)).order_by("id"))
    # A row that a worker claimed meanwhile is not matched again: it is sending, with the text that was approved.
    Publication.objects.filter(pk__in=[p.pk for p in returned], state__in=WAITING).update(
        state="cancelled", reason=reason
    )
    record_many([(by, "publication.returned", p, {"was": p.state, "due_at": p.due_at.isoformat()}) for p in returned])
    return returned


def refuse_if_out(variant_ids: Iterable[int]) -> None:
    """A channel cannot be taken off a post that is, or may be, out there."""
    there = Publication.objects.filter(variant__in=variant_ids)
    out = there.filter(~Q(state__in=[*WAITING, "cancelled"]) | accepted_late(PublicationAttempt))
    if first := out.select_related("channel").first():
        raise ValidationError(
            {"channels": f"This post is out, or may be out, on {first.channel}, so it stays on the list."}
        )


def approved(post: Post) -> Approval:
    """The standing approval of exactly what the post says now. Raises ValidationError if there is none."""
    approval = post.approvals.filter(state="approved").select_related("revision").order_by("-id").first()
    if approval is None:
        raise ValidationError("This post is not approved, so it cannot be scheduled. Ask for approval first.")
    variants = Variant.objects.current().filter(post=post).select_related("channel")
    content = content_of(post, variants, links=approval.revision.content.get("links", {}))
    if sha256(parts_of(content)) != approval.revision.hash or sha256(approval.revision.parts) != approval.revision.hash:
        raise ValidationError("The post is not what was approved. Ask for approval again.")
    return approval


def next_valid(now: datetime, time_zone: str) -> datetime:
    """The next five-minute mark that leaves a minute to spare, as a naive wall time."""
    local = (now + timedelta(minutes=1)).astimezone(ZoneInfo(time_zone)).replace(tzinfo=None, second=0, microsecond=0)
    return local + timedelta(minutes=5 - local.minute % 5)


def locked(publication: Publication) -> Publication:
    """The post first, then its publication: the order of every verb."""
    Post.objects.select_for_update().get(variants=publication.variant_id)
    rows = Publication.objects.select_for_update(of=("self",)).select_related(
        "channel", "answerable", "revision", "follows"
    )
    return rows.get(pk=publication.pk)


def set_time(publication: Publication, wall_time: datetime, time_zone: str, fold: int, late_by: timedelta) -> None:
    reading = wall_clock.read(wall_time, time_zone, fold)
    now = queries.now()
    if reading.instant <= now:
        offer = next_valid(now, time_zone)
        words = f"This time has passed. The next one is {offer:%-d %B, %H:%M} in {time_zone}."
        raise ValidationError({"wall_time": words})
    refuse_at(publication, reading.instant, time_zone)
    publication.wall_time = wall_time.replace(tzinfo=UTC, fold=0)
    publication.time_zone, publication.fold = time_zone, 1 if fold and reading.twice else 0
    publication.tzdata = tzdata.IANA_VERSION
    publication.due_at = publication.next_attempt_at = reading.instant
    publication.not_after = reading.instant + late_by


def refuse_at(publication: Publication, instant: datetime, time_zone: str) -> None:
    """Whatever speaks against its going out at this instant."""
    if refused := queries.rights_problem(publication.media, instant):
        raise ValidationError({"wall_time": refused})
    refuse_outside(publication.approval, instant, time_zone)
    refuse_silence(publication, instant, time_zone)


def refuse_outside(approval: Approval, instant: datetime, time_zone: str) -> None:
    """What was agreed to for a window goes out in it, whoever moves it."""
    first, last = approval.window_from, approval.window_until
    if first is None or last is None or first <= instant <= last:
        return
    zone = ZoneInfo(time_zone)
    span = f"{first.astimezone(zone):%-d %B, %H:%M} to {last.astimezone(zone):%-d %B, %H:%M} ({time_zone})"
    raise ValidationError(
        {"wall_time": f"It was approved for {span}. Choose a time between these, or ask again for this time."}
    )


def refuse_silence(publication: Publication, instant: datetime, time_zone: str) -> None:
    """Blackouts of its channel or campaign, and the embargo of its post."""
    if silence := silences.silence_at(publication.channel, publication.variant.post, instant):
        raise ValidationError({"wall_time": silence.words(time_zone)})


def refuse_embargo(publication: Publication) -> None:
    """Its time as it stands. A blackout that came after its time was given leaves the decision to people."""
    embargo = Embargo.objects.filter(post=publication.variant.post_id, until__gt=publication.due_at).first()
    if embargo:
        raise ValidationError(f"This post is under embargo: {embargo.reason}. Give it a later time, or drop it.")


def _make_room(variant: Variant, by: Person) -> None:
    """One live publication a variant. What came to nothing makes room; what is, or may be, out does not."""
    if Recurrence.objects.filter(variant=variant, ended_at=None).exists():
        raise ValidationError("It repeats on this channel. Change that, or end it first.")
    single = Publication.objects.filter(variant=variant, occurrence="")
    rows = list(single.select_for_update(of=("self",)).order_by("id"))
    for row in rows:
        if row.state != "done":
            refuse_late_answer(row)
    there = [row for row in rows if row.state != "cancelled"]
    if any(row.part == 0 and row.state in ("scheduled", "held") for row in there):
        raise ValidationError("It is already scheduled on this channel. Move it instead.")
    for row in there:
        _refuse_unless_waiting(row, "It cannot be scheduled again.")
    for row in reversed(there):
        row.state, row.reason = "cancelled", "Scheduled again."
        row.save(update_fields=["state", "reason"])
        record(by, "publication.cancelled", row, reason=row.reason)


def _refuse_unpublishable(variant: Variant) -> None:
    connector = queries.connector_of(variant.channel)
    if connector is None or not isinstance(connector, Publishes):
        raise ValidationError(f"Socialops cannot publish on {variant.channel}.")
    if variant.channel.state not in ("live", "dormant"):
        raise ValidationError(f"{variant.channel} is {variant.channel.state}, so nothing goes out there.")


def _refuse_unless_waiting(publication: Publication, cannot: str) -> None:
    if publication.state in MAYBE_OUT:
        raise ValidationError(f"It may already be out. {cannot}")
    if publication.state == "done":
        raise ValidationError(f"It is already out. {cannot}")
    if publication.state == "cancelled":
        raise ValidationError(f"It was cancelled. {cannot}")


def refuse_overtaken(publication: Publication) -> None:
    revision: Revision = approved(publication.variant.post).revision
    if revision.hash != publication.content_hash:
        raise ValidationError("The post was changed and approved again. Cancel this and schedule the new text.")


def trail(publication: Publication) -> dict[str, str | int]:
    return {
        "due_at": publication.due_at.isoformat(),
        "wall_time": f"{publication.wall_time:%Y-%m-%d %H:%M}",
        "time_zone": publication.time_zone,
        "fold": publication.fold,
        "hash": publication.content_hash,
    }
