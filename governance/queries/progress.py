"""How far doors are, over time and by kind: the burn-down of a case, of many who leave at once, and of all together."""

from bisect import bisect
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Aggregate, Count, DurationField, ExpressionWrapper, F, Min, Q, QuerySet
from django.utils import timezone

from channels_registry.models import Proof, Revocation
from channels_registry.models.access_grant import Door
from governance.models import OffboardingBatch, OffboardingCase

PROVEN = Q(stage=Revocation.Stage.VERIFIED)
OUT_OF_REACH = PROVEN | Q(proof=Proof.NOT_PROVABLE) | Q(state="cancelled")
STUCK = Q(state__in=["needs_human", "blocked", "failed"]) & ~OUT_OF_REACH
LATELY = timedelta(days=90)
POINTS = 48


class Percentile(Aggregate):
    """percentile_cont over an interval."""

    function = "percentile_cont"
    template = "percentile_cont(%(at)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()

    def __init__(self, expression, at: float, **extra):
        super().__init__(expression, at=at, **extra)


@dataclass(frozen=True)
class Kind:
    """Doors of one kind: how many are to revoke, in hand (or said to be shut), proven; and how long revoking took."""

    door: str
    label: str
    to_revoke: int
    in_hand: int
    proven: int
    p50: timedelta | None
    p95: timedelta | None

    @property
    def all(self) -> int:
        return self.to_revoke + self.in_hand + self.proven


def doors_of_cases(cases: QuerySet[OffboardingCase]) -> QuerySet[Revocation]:
    """The doors of these cases, without those left open on purpose and those whose minute has not come."""
    rows = Revocation.objects.filter(case_doors__case__in=cases.values("pk")).exclude(state="cancelled")
    return rows.filter(Q(upon=None) | Q(told_at__isnull=False) | Q(stage=Revocation.Stage.VERIFIED))


def lately() -> QuerySet[OffboardingCase]:
    """Cases that are open, or were closed not long ago."""
    since = timezone.now() - LATELY
    return OffboardingCase.objects.filter(Q(state="open") | Q(state="closed", closed_at__gte=since))


def kinds(doors: QuerySet[Revocation]) -> list[Kind]:
    """By kind of door, in the safe order. Time to revoke runs from the minute until the network or a person said that
    it is shut; what is open still has none. One query.
    """
    took = ExpressionWrapper(F("shut_at") - F("due_at"), output_field=DurationField())
    shut = Q(shut_at__isnull=False) & ~Q(grant__door=Door.RIGHT)
    rows: QuerySet[Any] = (
        doors.order_by()
        .values("grant__door")
        .annotate(
            to_revoke=Count("pk", filter=Q(stage__in=["pending", "failed"])),
            in_hand=Count("pk", filter=Q(stage__in=["in_hand", "revoked"])),
            proven=Count("pk", filter=PROVEN),
            p50=Percentile(took, 0.5, filter=shut),
            p95=Percentile(took, 0.95, filter=shut),
        )
    )
    found = {row["grant__door"]: row for row in rows}
    names = ("to_revoke", "in_hand", "proven", "p50", "p95")
    return [Kind(door, door.label, *(found[door][name] for name in names)) for door in Door if door in found]


@dataclass(frozen=True)
class Burndown:
    """`points`: (when, doors not proven yet), evenly apart; `line`: the same as points of an SVG of 1000 x 200."""

    points: list[tuple[datetime, int]]

    @property
    def highest(self) -> int:
        return max((count for _, count in self.points), default=0)

    @property
    def line(self) -> str:
        if len(self.points) < 2 or not self.highest:
            return ""
        wide, high = 1000 / (len(self.points) - 1), 196 / self.highest
        return " ".join(f"{n * wide:.1f},{198 - count * high:.1f}" for n, (_, count) in enumerate(self.points))

    @property
    def area(self) -> str:
        return f"0,200 {self.line} 1000,200" if self.line else ""


def burndown(doors: QuerySet[Revocation]) -> Burndown:
    """From the first minute until the last proof, or until now while something is open. One query."""
    times = list(doors.order_by().values_list("due_at", "verified_at"))
    if not times:
        return Burndown([])
    due, proven = sorted(due for due, _ in times), sorted(proven for _, proven in times if proven)
    until = timezone.now() if len(proven) < len(due) else proven[-1]
    first = min(due[0], until)
    step = max((until - first) / POINTS, timedelta(milliseconds=1))
    moments = [first + step * n for n in range(POINTS + 1)]
    return Burndown([(at, max(bisect(due, at) - bisect(proven, at), 0)) for at in moments])


def slow_hands(doors: QuerySet[Revocation]) -> list[dict[str, Any]]:
    """Who has doors to shut by hand that are not proven, the oldest first; None is nobody. One query."""
    waiting = doors.filter(STUCK | Q(guided=True)).exclude(OUT_OF_REACH)
    rows: QuerySet[Any] = waiting.order_by().values("assigned_to", "assigned_to__name")
    return list(rows.annotate(doors=Count("pk"), since=Min("due_at")).order_by("since")[:12])


def batches() -> QuerySet[OffboardingBatch]:
    """Those who leave together, newest first, with how many people and how many cases are closed."""
    closed = Count("cases", filter=Q(cases__state="closed"))
    return OffboardingBatch.objects.select_related("owner").annotate(
        people=Count("cases", filter=~Q(cases__state="withdrawn")), closed=closed
    ).order_by("-opened_at")  # fmt: skip
