"""What goes out under a post: the further posts of its thread, and its first comment. Each is a delivery of its own.

A follower waits in the lane until the one that it follows is out (delivering.LANE.waits), and is blocked where that one
came to nothing. What a person does to a post that still waits is done to what waits to follow it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import DateTimeField, Exists, ExpressionWrapper, OuterRef, Q, Subquery, Value
from django.db.models.functions import Now

from publishing.models import Publication, PublicationAttempt
from publishing.models.revision import Part
from socialops.lib.delivery.lane import Refusal, Wait
from socialops.lib.delivery.late import accepted_late, refuse_late_answer

LOST = "What it follows did not go out. Give that another time, and this goes with it; or cancel both."
ASKED_AGAIN = 20  # seconds; it is let go at once when what it follows is out, and this is for when that was missed
COPIED = (
    "variant", "occurrence", "channel", "approval", "revision", "content_hash", "answerable", "wall_time", "time_zone",
    "fold",
)  # fmt: skip
TIMES = ("wall_time", "time_zone", "fold", "tzdata", "due_at", "next_attempt_at", "not_after")

_before = Publication.objects.filter(pk=OuterRef("follows"))
_follows = Q(follows__isnull=False)  # asked first: it costs a post that follows nothing no look at another row
LANE_REFUSAL = Refusal("blocked", LOST, _follows & Q(Exists(_before.filter(state__in=("failed", "cancelled")))))
LANE_WAIT = Wait(
    _follows & ~Q(Exists(_before.filter(state="done"))),
    until=ExpressionWrapper(Now() + Value(f"{ASKED_AGAIN} seconds"), output_field=DateTimeField()),
)


def make(head: Publication, parts: Iterable[Part]) -> list[Publication]:
    """The followers of a publication that has just been made, due with it."""
    made = {0: head}
    for part in parts:
        copied = {name: getattr(head, name) for name in (*COPIED, "tzdata", "due_at", "next_attempt_at", "not_after")}
        follower = Publication(part=part.number, text=part.text, follows=made[part.follows or 0], **copied)
        follower.save()
        made[part.number] = follower
    return list(made.values())[1:]


def after(publication: Publication, *states: str) -> list[Publication]:
    """What follows it in one of these states, near or far, locked, in order. Not what a late answer says to be out."""
    rows = Publication.objects.select_for_update(of=("self",)).select_related("answerable", "channel", "revision")
    rows = rows.filter(variant=publication.variant_id, occurrence=publication.occurrence, follows__isnull=False)
    rows = rows.exclude(state="cancelled")
    late = set(rows.filter(accepted_late(PublicationAttempt)).order_by().values_list("pk", flat=True))
    reached, found = {publication.pk}, []
    for row in rows.order_by("part"):
        if row.follows_id in reached:
            reached.add(row.pk)
            found += [row] if row.state in states and row.pk not in late else []
    return found


def move_with(publication: Publication, *states: str) -> list[Publication]:
    """What follows it gets its time and who answers for it, and waits for it again."""
    moved = after(publication, *states)
    for row in moved:
        for name in (*TIMES, "answerable"):
            setattr(row, name, getattr(publication, name))
        row.handle = {} if row.state == "failed" else row.handle
        row.state, row.reason, row.tries, row.looks, row.settled_at = "scheduled", "", 0, 0, None
        row.save()
    return moved


def refuse_without_its_post(publication: Publication) -> None:
    """Raises ValidationError for a follower whose post came to nothing: that one is moved, and this goes with it."""
    refuse_late_answer(publication)
    if publication.follows is not None and publication.follows.state in ("failed", "cancelled", "blocked", "missed"):
        raise ValidationError(LOST)


def release(done: Iterable[int]) -> None:
    """What follows these may go. One statement, on an index that holds followers only."""
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, [list(done)])


def places(followers: Mapping[int, int]) -> dict[int, dict[str, Any]]:
    """For followers (id: what it follows), what the network needs to send them under their post (Draft.reply_to)."""
    attempts = PublicationAttempt.objects.filter(delivery=OuterRef("pk"), outcome="accepted").order_by("-fence")
    variants = Publication.objects.filter(pk__in=followers).values("variant")
    there = Publication.objects.filter(variant__in=variants, state="done")
    there = there.annotate(evidence=Subquery(attempts.values("evidence")[:1]))
    rows = list(there.values("pk", "variant", "occurrence", "part", "remote_id", "remote_url", "evidence"))
    place = {r["pk"]: {**(r["evidence"] or {}), "id": r["remote_id"], "url": r["remote_url"]} for r in rows}
    of = {r["pk"]: (r["variant"], r["occurrence"]) for r in rows}
    roots = {of[r["pk"]]: place[r["pk"]] for r in rows if r["part"] == 0}
    return {
        pk: {"root": roots[of[before]], "parent": place[before]} for pk, before in followers.items() if before in of
    }


_RELEASE = """
UPDATE publishing_publication SET next_attempt_at = greatest(due_at, statement_timestamp())
WHERE follows_id = ANY(%s) AND state = 'scheduled'
"""
