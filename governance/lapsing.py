"""What time does to a review: reminders in working hours, and never a door that is kept because nobody answered.

At the due date whatever was decided counts as handed in, and the rest is escalated. Days of grace later, by the risk of
the channel, it is revoked. Doors that ended by themselves are noted at any time.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Count, Q
from django.db.models.functions import Now

from accounts import audit, notifying
from accounts.models import Person
from governance import handing
from governance.deciding import hold_open, submitted
from governance.models import AccessReview, ReviewItem, ReviewTurn
from socialops.lib.turns import safely
from socialops.lib.wall_clock import database_now

audit.register("review_item.lapsed", "had a door revoked because nobody answered")
audit.register("access_review.escalated", "asked others, because reviewers had not answered in time")

MOST = 1000  # items a transaction
DAY, WEEK = timedelta(days=1), timedelta(days=7)


def end_what_is_over(now: datetime) -> int:
    """What a due date does, in open reviews. Returns how many items changed. Repeating it changes nothing."""
    due = AccessReview.objects.filter(state="open", due_at__lte=now).order_by("pk")
    return sum(safely(step, review) or 0 for review in due for step in (_hand_in_late, _escalate, _lapse))


def note_ended() -> int:
    """Doors that ended by themselves while they waited for a decision; how many."""
    return sum(safely(_note_ended, review) or 0 for review in AccessReview.objects.filter(state="open"))


@transaction.atomic
def _note_ended(review: AccessReview) -> int:
    """Doors that were shut since, by whomever: there is nothing left to decide."""
    hold_open(review)
    ended = Q(grant__revoked_at__isnull=False) | Q(grant__expires_at__lte=Now())
    over = ReviewItem.objects.filter(ended, review=review, state="open")
    pks = [item.pk for item in over.order_by("pk").select_for_update(of=("self",))[:MOST]]
    now = database_now()
    return ReviewItem.objects.filter(pk__in=pks).update(
        state="ended", decided_at=now, submitted_at=now, reason="It ended before anybody decided."
    )


@transaction.atomic
def _hand_in_late(review: AccessReview) -> int:
    hold_open(review)
    rest = ReviewItem.objects.filter(review=review, submitted_at=None, state__in=["certified", "revoked"])
    counts = submitted(rest)
    if counts:
        audit.record(None, "access_review.handed_in", review, because="the due date came", **counts)
    return sum(counts.values())


def _escalate(review: AccessReview) -> int:
    count = handing.escalate(review)
    if count:
        with transaction.atomic():
            audit.record(None, "access_review.escalated", review, items=count)
    return count


@transaction.atomic
def _lapse(review: AccessReview) -> int:
    """Silence revokes: days after the due date or, where nothing ran then, after others were asked."""
    hold_open(review)
    now = database_now()
    over = Q()
    for tier in ("high", "medium", "low"):
        over |= Q(tier=tier, escalated_at__lte=now - timedelta(days=review.grace(tier)))
    silent = ReviewItem.objects.filter(over, review=review, state="open").order_by("pk")
    items = list(silent.select_for_update(of=("self",))[:MOST])
    for item in items:
        item.state, item.lapsed, item.decided_at, item.submitted_at = ReviewItem.State.REVOKED, True, now, now
        item.reason = f"Nobody answered within {_days(review.grace(item.tier))} after the due date."
    ReviewItem.objects.bulk_update(items, ["state", "lapsed", "decided_at", "submitted_at", "reason"])
    audit.record_many(
        (None, "review_item.lapsed", item, {"review": review.pk, "grant": item.grant_id, "reviewer": item.reviewer_id})
        for item in items
    )
    return len(items)


def remind(now: datetime) -> int:
    """One line a reviewer, whatever the number of doors and reviews. Returns how many people were told."""
    told = 0
    for person, turns in _waiting(now):
        new, late = [t for t in turns if t.told_at is None], [t for t in turns if _is_due(t, now)]
        if new or (late and person.works_at(now)):
            safely(lambda who: _tell(*who), (person, turns, now))
            told += 1
    return told


def marks(due: datetime, since: datetime, now: datetime, zone: str) -> Iterator[datetime]:
    """When a reminder falls due: weekly before, 3 days, 1 day, the morning of the day, then each day after it."""
    day = due.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    yield from (due - 3 * DAY, due - DAY, day)
    at = due - WEEK
    while at > since:
        yield at
        at -= WEEK
    at = due + DAY
    while at <= now:
        yield at
        at += DAY


def _is_due(turn: ReviewTurn, now: datetime) -> bool:
    """Whether a mark has passed since they were told last."""
    since = turn.reminded_at or turn.told_at
    if since is None:
        return False
    return any(since < mark <= now for mark in marks(turn.review.due_at, since, now, turn.person.time_zone))


def _waiting(now: datetime) -> Iterator[tuple[Person, list[ReviewTurn]]]:
    """People with something to decide, each with their turns; `waits` is how much, in each."""
    waits = ReviewItem.objects.filter(state="open", review__state="open", reviewer__isnull=False)
    counts = {(row["review"], row["reviewer"]): row["n"] for row in waits.values("review", "reviewer").annotate(
        n=Count("pk")).order_by()}  # fmt: skip
    turns = ReviewTurn.objects.filter(review__state="open").select_related("review", "person").order_by("person", "pk")
    people: dict[int, list[ReviewTurn]] = {}
    for turn in turns:
        if waiting := counts.get((turn.review_id, turn.person_id)):
            turn.waits = waiting  # type: ignore[attr-defined]
            people.setdefault(turn.person_id, []).append(turn)
    yield from ((turns[0].person, turns) for turns in people.values())


@transaction.atomic
def _tell(person: Person, turns: list[ReviewTurn], now: datetime) -> None:
    rows = ReviewTurn.objects.filter(pk__in=[turn.pk for turn in turns])
    rows.update(reminded_at=now)
    rows.filter(told_at=None).update(told_at=now)
    first = min(turn.review.due_at for turn in turns).astimezone(ZoneInfo(person.time_zone))
    doors, many = sum(turn.waits for turn in turns), len(turns)  # type: ignore[attr-defined]
    what = "1 door waits" if doors == 1 else f"{doors} doors wait"
    where = f"in “{turns[0].review}”" if many == 1 else f"in {many} access reviews"
    text = f"{what} for your decision {where}. {_when(first, now)}"
    url = f"/reviews/{turns[0].review_id}/items/" if many == 1 else "/reviews/"
    notifying.notify(person, "access_review.waits", text[:300], url, mail=True)


def _when(due: datetime, now: datetime) -> str:
    """Other words each day: the same line twice, while the first is unread, would be told once."""
    days = (due.date() - now.astimezone(due.tzinfo).date()).days
    if due <= now:
        return f"It was due {f'{_days(-days)} ago' if days else 'today'}."
    if days <= 1:
        return f"It is due {'tomorrow' if days else 'today'}, at {due:%H:%M %Z}."
    return f"It is due in {days} days, on {due:%a} {due.day} {due:%b}."


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
