"""Posts that repeat in wall time: a rule that is agreed to with the post, and a publication for each time in the next
90 days. Each goes through the same checks as one that a person schedules; a tick never works out what is due now.

Whoever agrees is shown the rule, and the approval keeps it (Approval.repeats): under an approval that does not hold the
rule nothing is planned, and what lies outside the approval's window is left out and said to be.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.urls import reverse

from accounts import notifying
from accounts.audit import record, register
from accounts.models import Person
from channels_registry import permissions as channel_permissions
from publishing import following, queries, scheduling, submitting
from publishing.models import Approval, Post, Publication, Recurrence, Variant
from publishing.queries import repeats
from socialops.lib import wall_clock
from socialops.lib.turns import safely

AHEAD, AGAIN = timedelta(days=90), timedelta(hours=1)
LATELY = 10  # of its times that are over and shown

register("recurrence.made", "let a post repeat")
register("recurrence.ended", "ended the repeating of a post")
register("recurrence.adopted", "took over a post that repeats")
register("recurrence.stalled", "plans a post that repeats no further: who answers for it may not publish")


@transaction.atomic
def repeat(variant: Variant, rule: str, starts: datetime, time_zone: str, by: Person) -> Recurrence:
    """From `starts` (a naive wall time) on. `by` answers for each of its times.

    Where the post is approved, all who agreed are asked again; else the rule is asked about with the post.
    """
    post = Post.objects.select_for_update().get(pk=variant.post_id)
    variant = Variant.objects.select_related("channel").get(pk=variant.pk)
    channel_permissions.require(by, "publish", variant.channel)
    repeats.checked(rule, starts)
    first = wall_clock.read(starts, time_zone).instant
    if first <= queries.now():
        raise ValidationError({"starts": "This time has passed. Choose a first time that is ahead."})
    _refuse_another(post, variant)
    recurrence = Recurrence.objects.create(
        variant=variant, rule=rule, starts=starts.replace(tzinfo=UTC, fold=0), time_zone=time_zone, answerable=by
    )
    record(by, "recurrence.made", recurrence, **repeats.said(recurrence))
    if post.state == Post.State.APPROVED:
        submitting.ask_again(post, by, first)
    return recurrence


@transaction.atomic
def end(recurrence: Recurrence, by: Person) -> list[Publication]:
    """No more of it. What still waits and lies ahead is cancelled, and returned."""
    recurrence = _locked(recurrence)
    channel_permissions.require(by, "publish", recurrence.variant.channel)
    if recurrence.ended_at:
        raise ValidationError("It was ended already.")
    recurrence.ended_by, recurrence.ended_at = by, queries.now()
    recurrence.save(update_fields=["ended_by", "ended_at"])
    record(by, "recurrence.ended", recurrence)
    ahead = occurrences_of(recurrence).filter(state__in=scheduling.WAITING, due_at__gt=queries.now())
    return [scheduling.cancel(each, by, "The repeating was ended.") for each in ahead]


@transaction.atomic
def change(recurrence: Recurrence, rule: str, starts: datetime, time_zone: str, by: Person) -> Recurrence:
    """Another rule from now on: what lies ahead is taken back, and the new rule is asked about. What is out stays."""
    end(recurrence, by)
    return repeat(recurrence.variant, rule, starts, time_zone, by)


@transaction.atomic
def adopt(recurrence: Recurrence, by: Person) -> Recurrence:
    """Answer for its times ahead, planned or not yet, in place of somebody who left or lost the right to publish."""
    recurrence = _locked(recurrence)
    channel_permissions.require(by, "publish", recurrence.variant.channel)
    was = recurrence.answerable
    if channel_permissions.may(was, "publish", recurrence.variant.channel):
        raise ValidationError(f"{was} still answers for it. Change it or end it instead.")
    recurrence.answerable, recurrence.looked_at, recurrence.stalled_at = by, None, None
    recurrence.save(update_fields=["answerable", "looked_at", "stalled_at"])
    record(by, "recurrence.adopted", recurrence, was=was.pk)
    ahead = occurrences_of(recurrence).filter(answerable=was, due_at__gt=queries.now())
    for each in ahead.filter(state__in=("scheduled", "held", "blocked")):
        scheduling.adopt(each, by)
    return recurrence


def expand_due() -> int:
    """Each that stands and was not looked at for an hour, or not under its post's approval. Returns how many
    publications were made. Any number of these at once make each occurrence once: they take the post in turns.
    """
    agreed = Approval.objects.filter(post=OuterRef("variant__post"), state="approved").order_by("-id").values("pk")[:1]
    waiting = Recurrence.objects.filter(ended_at=None, variant__removed_at=None, variant__post__state="approved")
    due = waiting.annotate(agreed=Subquery(agreed)).filter(
        Q(looked_at=None) | Q(looked_at__lt=queries.now() - AGAIN) | Q(under=None) | ~Q(under=F("agreed"))
    )
    return sum(len(safely(expand, each) or ()) for each in due.order_by("pk"))


@transaction.atomic
def expand(recurrence: Recurrence) -> list[Publication]:
    """The publications that its next 90 days lack. None while its approval or its person's right is missing; a right
    that is back is seen within the hour.
    """
    recurrence = _locked(recurrence)
    channel = recurrence.variant.channel
    if recurrence.ended_at or recurrence.variant.removed_at:
        return []
    try:
        approval = scheduling.approved(recurrence.variant.post)
    except ValidationError:
        return []
    may = channel_permissions.may(recurrence.answerable, "publish", channel)
    goes_on = may and channel.state != "archived" and repeats.agreed(approval, recurrence)
    made = list(_missing(recurrence, approval)) if goes_on else []
    if may == (recurrence.stalled_at is not None):
        _note(recurrence, stalls=not may)
    recurrence.under, recurrence.looked_at = approval, queries.now()
    recurrence.save(update_fields=["under", "looked_at"])
    return made


def _note(recurrence: Recurrence, *, stalls: bool) -> None:
    """Its person is told when they lose the right, and again only after they had it back."""
    recurrence.stalled_at = queries.now() if stalls else None
    recurrence.save(update_fields=["stalled_at"])
    if stalls:
        person, variant = recurrence.answerable, recurrence.variant
        record(None, "recurrence.stalled", recurrence, answerable=person.pk)
        place = f"“{variant.post.title}” repeats on {variant.channel.name}"
        words = f"{place}, where you may not publish any more. It stands still."
        notifying.notify(person, "recurrence.stalled", words, reverse("post", args=[variant.post_id]), mail=True)


def occurrences_of(recurrence: Recurrence):
    """Its publications, in order of time; those of an ended rule of the same variant with it."""
    rows = Publication.objects.filter(variant=recurrence.variant_id, part=0).exclude(occurrence="")
    return rows.order_by("due_at", "pk")


@dataclass(frozen=True)
class Turn:
    """One of its times: with its publication, or why there is none."""

    at: datetime
    publication: Publication | None
    words: str


def turns(recurrence: Recurrence, most: int = 100) -> list[Turn]:
    """Those that lie ahead, the next `most` of them, after the last that were planned. Three queries."""
    now = queries.now()
    there = {p.occurrence: p for p in occurrences_of(recurrence).exclude(state="cancelled")}
    approval = recurrence.variant.post.approvals.filter(state="approved").order_by("-id").first()
    found = []
    for wall in repeats.walls(recurrence):
        at = wall_clock.read(wall, recurrence.time_zone).instant
        publication = there.get(repeats.name_of(wall))
        if at > now or publication:
            found.append(Turn(at, publication, "" if publication else _why_not(recurrence, approval, wall, at, now)))
    ahead = [turn for turn in found if turn.at > now]
    return [*[turn for turn in found if turn.at <= now][-LATELY:], *ahead[:most]]


def _why_not(recurrence: Recurrence, approval: Approval | None, wall: datetime, at: datetime, now: datetime) -> str:
    if repeats.name_of(wall) in recurrence.skipped:
        return "Skipped."
    if approval is None or not repeats.agreed(approval, recurrence):
        return "Not planned: nobody has agreed to this rule yet."
    try:
        scheduling.refuse_outside(approval, at, recurrence.time_zone)
    except ValidationError as error:
        return "Not planned. " + " ".join(error.messages)
    if at > now + AHEAD:
        return "Planned 90 days before it."
    if recurrence.looked_at is None:
        return "Planned within a minute."
    return "Not planned: a blackout, an embargo or the rights to a picture speak against it."


def _locked(recurrence: Recurrence) -> Recurrence:
    """The post first, as in every verb."""
    Post.objects.select_for_update().get(variants=recurrence.variant_id)
    rows = Recurrence.objects.select_for_update(of=("self",))
    return rows.select_related("variant__post", "variant__channel", "answerable").get(pk=recurrence.pk)


def _refuse_another(post: Post, variant: Variant) -> None:
    if variant.removed_at:
        raise ValidationError("This post does not go to that channel any more.")
    if post.state == Post.State.IN_APPROVAL:
        raise ValidationError("Somebody is asked about this post. Wait for them, or take the request back first.")
    if variant.recurrences.filter(ended_at=None).exists():
        raise ValidationError("It repeats on this channel already. Change that instead.")
    waiting = Publication.objects.filter(variant__post=post, state__in=("scheduled", "held", "blocked"), part=0)
    if first := waiting.select_related("channel").order_by("due_at").first():
        raise ValidationError(
            f"It is scheduled on {first.channel}. Asking about the repeating would take that back: cancel it, or wait "
            "until it is out."
        )


def _missing(recurrence: Recurrence, approval: Approval) -> Iterator[Publication]:
    now = queries.now()
    there = occurrences_of(recurrence).exclude(state="cancelled")
    kept = {*there.values_list("occurrence", flat=True), *recurrence.skipped}
    for wall in repeats.walls(recurrence):
        at = wall_clock.read(wall, recurrence.time_zone).instant
        ahead = now < at <= now + AHEAD and repeats.name_of(wall) not in kept
        if ahead and (made := _planned(recurrence, approval, wall)):
            yield made


def _planned(recurrence: Recurrence, approval: Approval, wall: datetime) -> Publication | None:
    """None where its time is refused: the next look asks again."""
    variant = recurrence.variant
    parts = approval.revision.parts_on(variant.channel_id)
    publication = Publication(
        variant=variant, channel=variant.channel, approval=approval, revision=approval.revision, text=parts[0].text,
        media=approval.revision.media_for(variant.channel_id), content_hash=approval.revision.hash,
        card=approval.revision.card_for(variant.channel_id),
        answerable=recurrence.answerable, occurrence=repeats.name_of(wall),
    )  # fmt: skip
    try:
        scheduling.set_time(publication, wall, recurrence.time_zone, 0, scheduling.LATEST_USEFUL)
    except ValidationError:
        return None
    publication.save()
    for each in [publication, *following.make(publication, parts[1:])]:
        said = scheduling.trail(each)
        record(recurrence.answerable, "publication.scheduled", each, **said, occurrence=publication.occurrence)
    return publication
