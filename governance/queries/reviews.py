"""Reads of access reviews: how far each is, what waits for whom, and everything a pack has to hold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import (
    BigIntegerField,
    Count,
    F,
    Func,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
)
from django.db.models.functions import TruncDate

from accounts.models import Person
from channels_registry.models import AccessGrant
from governance.models import AccessReview, OffboardingCase, ReviewItem, SampledItem
from governance.permissions import reviews_for
from governance.queries import digests
from governance.queries.reviewers import doors_in
from socialops.lib.counting import count_of
from socialops.lib.waiting import Waiting

PAGE = 50
SHOWN = 20
STATES = {"open": "To decide", "certified": "Certified", "revoked": "Revoked", "ended": "Ended by itself"}


def asked_of(person: Person) -> QuerySet[ReviewItem]:
    """What waits for this person's decision."""
    return ReviewItem.objects.filter(reviewer=person, state="open", review__state="open")


def reviews_of(person: Person) -> QuerySet[AccessReview]:
    """What this person may see, those that run first; `left` is undecided in all, `mine` waits for them."""
    left = ReviewItem.objects.filter(review=OuterRef("pk"), state="open")
    return (
        reviews_for(person)
        .annotate(left=count_of(left), mine=count_of(left.filter(reviewer=person)))
        .annotate(done=F("total") - F("left"))
        .order_by(F("ended_at").desc(nulls_first=True), "due_at", "pk")
    )


@dataclass(frozen=True)
class Turn:
    """How far one reviewer is; `person` None is nobody: an administrator has to name somebody."""

    person: Person | None
    doors: int
    left: int
    certified: int
    revoked: int
    kept_back: int  # decided, and not handed in

    @property
    def decided(self) -> int:
        return self.doors - self.left


def progress(review: AccessReview, of: Person | None = None) -> list[Turn]:
    """By reviewer, who has most left first; or of one alone. One query."""
    items = review.items.filter(reviewer=of) if of else review.items.all()
    counted: Any = items.order_by().values("reviewer", "reviewer__name").annotate(
        doors=Count("pk"), left=Count("pk", filter=Q(state="open")),
        certified=Count("pk", filter=Q(state="certified")), revoked=Count("pk", filter=Q(state="revoked")),
        kept_back=Count("pk", filter=Q(state__in=["certified", "revoked"], submitted_at=None)),
    )  # fmt: skip
    turns = []
    for row in counted:
        pk, name = row.pop("reviewer"), row.pop("reviewer__name")
        turns.append(Turn(Person(pk=pk, name=name) if pk else None, **row))
    return sorted(turns, key=lambda turn: (turn.person is not None, -turn.left, str(turn.person)))


def burn_down(review: AccessReview, zone: str) -> list[tuple[date, int]]:
    """How many doors were undecided at the end of each day since the opening, in this zone."""
    day = TruncDate("decided_at", tzinfo=ZoneInfo(zone))
    decided = review.items.exclude(state="open").annotate(day=day).values("day").annotate(n=Count("pk")).order_by("day")
    by_day = {row["day"]: row["n"] for row in decided}
    at = review.opened_at.astimezone(ZoneInfo(zone)).date()
    last, left, days = max([at, *by_day]), review.total, []
    while at <= last:
        left -= by_day.get(at, 0)
        days.append((at, left))
        at += timedelta(days=1)
    return days


def appeared(review: AccessReview, now: datetime) -> QuerySet[AccessGrant]:
    """Doors of the scope that are younger than the population. They are noted, and not in it."""
    return doors_in(review.scope, now).filter(pk__gt=review.last_grant)


def items_page(review: AccessReview, wanted: dict, after: int = 0) -> list[ReviewItem]:
    """A page of items in the order of the ledger, after this id; one more than a page where there are more."""
    rows = review.items.filter(pk__gt=after, **wanted)
    return list(
        rows.select_related(
            "grant", "channel", "person", "granted_by", "reviewer", "decided_by", "revocation"
        ).order_by("pk")[: PAGE + 1]
    )  # fmt: skip


def unassigned(review: AccessReview) -> list[int]:
    """Ids of undecided items that are nobody's."""
    nobodys = review.items.filter(reviewer=None, state="open").order_by("pk")
    return list(nobodys.values_list("pk", flat=True)[:5000])


def next_item(review: AccessReview, person: Person, after: int = 0) -> int | None:
    """The next door that waits for this person, in order; from the top when the end is reached."""
    mine = asked_of(person).filter(review=review)
    for rows in (mine.filter(pk__gt=after), mine):
        if (found := rows.order_by("pk").values_list("pk", flat=True).first()) is not None:
            return found
    return None


def around(item: ReviewItem, person: Person) -> dict[str, int | None]:
    """The items before and after this one among those of its reviewer, and how many are left. One query."""
    mine = ReviewItem.objects.filter(review=item.review_id, reviewer=item.reviewer_id)
    return mine.aggregate(
        before=Max("pk", filter=Q(pk__lt=item.pk)), after=Min("pk", filter=Q(pk__gt=item.pk)),
        left=Count("pk", filter=Q(state="open")), doors=Count("pk"),
        place=Count("pk", filter=Q(pk__lte=item.pk)), done=Count("pk", filter=~Q(state="open")),
        kept_back=Count("pk", filter=Q(state__in=["certified", "revoked"], submitted_at=None, decided_by=person)),
    )  # fmt: skip


def lately(review: AccessReview, person: Person) -> float | None:
    """The median of the seconds of the last ten decisions of this person, for a word about pace. None: too few."""
    last = ReviewItem.objects.filter(review=review, decided_by=person, state__in=["certified", "revoked"])
    last = last.filter(many=False, seconds__isnull=False)
    found = last.order_by("-decided_at").values_list("seconds", flat=True)[:10]
    seconds = sorted(each for each in found if each is not None)
    return seconds[len(seconds) // 2] if len(seconds) == 10 else None


def remediation(review: AccessReview) -> QuerySet[ReviewItem]:
    """What was revoked, with how far each revocation is; what is not proven yet first."""
    items = review.items.filter(state="revoked").select_related(
        "revocation__assigned_to", "grant__channel", "person", "decided_by", "accepted_by", "channel"
    )
    return items.order_by(F("revocation__verified_at").asc(nulls_first=True), "pk")


def waits(person: Person) -> QuerySet:
    """By review, what waits for this person, each as one text, so that it fits into the one query of every page."""
    epoch = "EXTRACT(EPOCH FROM %(expressions)s)::bigint"
    due = Func(Max("review__due_at"), template=epoch, output_field=BigIntegerField())
    parts = (Value("|"), F("review_id"), Count("pk"), due, Max("review__name"))
    packed = Func(*parts, function="concat_ws", output_field=TextField())
    return asked_of(person).order_by().values("review_id").annotate(packed=packed).values("packed")


def waiting(packed: Sequence[str]) -> list[Waiting]:
    """What `waits` found, for Today."""
    found = []
    for pk, count, due, name in (each.split("|", 3) for each in packed):
        title = f"Review {'1 door' if count == '1' else f'{count} doors'}: {name}"
        detail = "Certify who still needs it, revoke the rest. Silence revokes."
        at = datetime.fromtimestamp(int(due), UTC)
        found.append(Waiting(title, detail, f"/reviews/{pk}/next/", "Review", at))
    return found


def how_many(packed: Sequence[str]) -> int:
    return sum(int(each.split("|", 2)[1]) for each in packed)


def ready_to_attest() -> list[Waiting]:
    """Reviews in which everything is decided and handed in, for those who may sign them off. One query."""
    undecided = ReviewItem.objects.filter(review=OuterRef("pk")).filter(Q(state="open") | Q(submitted_at=None))
    rows = AccessReview.objects.filter(state="open").annotate(left=Subquery(undecided.values("pk")[:1]))
    return [
        Waiting(
            f"Sign off the access review {each.name}", "Every door is decided.", f"/reviews/{each.pk}/attestation/",
            "Look and sign", each.due_at,
        )
        for each in rows.filter(left=None).order_by("due_at")[:10]
    ]  # fmt: skip


def scope_words(review: AccessReview) -> list[tuple[str, str]]:
    """The scope as a reader says it: (“Brand”, “Fernhill”). Up to three queries."""
    scope = review.scope
    people = Person.objects.in_bulk([scope[key] for key in ("owner", "manager", "person") if scope.get(key)])
    said = []
    if channels := scope.get("channels"):
        said.append(("Channels", "1 channel" if len(channels) == 1 else f"{len(channels)} channels"))
    for key, label in (("tiers", "Risk"), ("brands", "Brand"), ("regions", "Region")):
        if scope.get(key):
            said.append((label, ", ".join(scope[key]).capitalize() if key == "tiers" else ", ".join(scope[key])))
    for key, label in (("owner", "Channels of"), ("manager", "People of"), ("person", "Doors of")):
        if scope.get(key):
            said.append((label, str(people.get(scope[key], "somebody who is gone"))))
    if scope.get("case"):
        case = OffboardingCase.objects.filter(pk=scope["case"]).select_related("person").first()
        said.append(("Channels that could be reached by", str(case.person) if case else "a leaver"))
    return said or [("Scope", "Every door of every channel")]


# The columns of a pack, each with where it is read. The first are those that population_sha256 covers, in its order.
ROWS = {
    **{column: column for column in digests.POPULATION},
    "reviewer": "reviewer__name", "reviewer_why": "why", "changes_of_hands": "handed", "escalated_at": "escalated_at",
    "shown_at": "shown_at", "state": "state", "decided_by_id": "decided_by_id", "decided_by": "decided_by__name",
    "decided_at": "decided_at", "seconds": "seconds", "decided_together": "many", "lapsed": "lapsed",
    "reason": "reason", "submitted_at": "submitted_at", "revocation_id": "revocation_id",
    "revocation_stage": "revocation__stage", "proof": "revocation__proof", "proof_detail": "revocation__proof_detail",
    "verified_at": "revocation__verified_at", "accepted_by_id": "accepted_by_id", "accepted_by": "accepted_by__name",
    "accepted_at": "accepted_at", "accepted_reason": "accepted_reason",
}  # fmt: skip
ROW_COLUMNS = (*ROWS, "rechecked")


def review_rows(review: AccessReview) -> Iterator[tuple]:
    """A row an item in the order of the ledger, by ROW_COLUMNS, streamed: for a pack. None is what there is not.

    Times are aware datetimes; `changes_of_hands` is a list of {"from", "to", "by", "why", "at"}; `seconds` is a float;
    `lapsed` says that nobody answered; `proof` is one of the four grades or empty; `rechecked` is a list of
    {"by", "verdict", "reason"} of samples.
    """
    rechecks: dict[int, list[dict]] = {}
    for each in SampledItem.objects.filter(sample__review=review).exclude(verdict="").select_related("sample"):
        said = {"by": each.sample.rechecker_id, "verdict": each.verdict, "reason": each.reason}
        rechecks.setdefault(each.item_id, []).append(said)
    items = review.items.order_by("grant_id").values_list("pk", *ROWS.values())
    for pk, *row in items.iterator(chunk_size=2000):
        yield (*row, rechecks.get(pk, []))
