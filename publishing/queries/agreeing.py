"""Who is asked, who agreed, and which agreements still stand."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Prefetch, Q, QuerySet

from accounts.models import Person
from publishing.models import Approval, ApprovalStage, Ask, Decision, ExternalApprover
from publishing.models.revision import PARTS
from publishing.queries import repeats
from publishing.queries.checking import variants_of
from publishing.queries.deciding import approvers_of


@dataclass(frozen=True)
class Place:
    """Somebody's place in a stage, with what they said. `carried`: what they said of an earlier request."""

    ask: Ask
    decision: Decision | None
    carried: bool

    @property
    def open(self) -> bool:
        return self.decision is None and self.ask.ended_at is None and self.ask.stage.state == "pending"


@dataclass(frozen=True)
class StageRow:
    stage: ApprovalStage
    places: list[Place]

    @property
    def rule(self) -> str:
        """How many have to agree, in words."""
        known, needed = len(self.places), self.stage.needed
        if self.stage.anyone and needed == 1:
            return "One agreement is enough, of anybody who may approve on every channel."
        if needed == known:
            return "This person has to agree." if known == 1 else f"All {known} have to agree."
        return f"{needed} of {known} have to agree." if needed > 1 else "One of them has to agree."

    @property
    def covers(self) -> list[str]:
        return [PARTS[part] for part in self.stage.covers]

    @property
    def who(self) -> str:
        """The names of those who are asked and have not decided."""
        open_ = [str(each.ask.who) for each in self.places if each.open]
        return " and ".join(filter(None, [", ".join(open_[:-1]), *open_[-1:]])) or "others"

    def place_of(self, person: Person) -> Place | None:
        return next((each for each in self.places if each.open and each.ask.person_id == person.pk), None)


def asked_of(person: Person) -> QuerySet[Ask]:
    """What waits for this person's decision, the clock that runs out first on top."""
    pending = Ask.objects.filter(
        person=person, ended_at=None, carried_from=None, decisions=None, stage__state="pending",
        stage__approval__state="pending",
    )  # fmt: skip
    pending = pending.select_related("stage__approval__post__author", "stage__approval__asked_by")
    return pending.order_by(F("stage__decide_by").asc(nulls_last=True), "id")


def stage_rows(approval: Approval, decisions: list[Decision]) -> list[StageRow]:
    """Who has to agree, in order. One query. `decisions` are those of the post (decisions_on)."""
    asks = Ask.objects.filter(stage__approval=approval).select_related(
        "stage", "person", "external", "carried_from__by", "instead_of__person"
    )
    said = {d.ask_id: d for d in decisions if d.ask_id}
    rows: dict[int, StageRow] = {}
    for ask in asks.order_by("stage__position", "stage", "id"):
        if ask.ended_at and ask.pk not in said:
            continue  # somebody else has the place
        row = rows.setdefault(ask.stage_id, StageRow(ask.stage, []))
        row.places.append(Place(ask, said.get(ask.pk) or ask.carried_from, ask.carried_from is not None))
    return list(rows.values())


def question_for(rows: list[StageRow], person: Person) -> StageRow | None:
    """The stage this person is asked at; else the one that is asked now, else the last."""
    pending = [row for row in rows if row.stage.state == "pending"]
    mine = next((row for row in pending if row.place_of(person)), None)
    return mine or next(iter(pending or rows[-1:]), None)


def may_answer(row: StageRow | None, person: Person) -> bool:
    """Whether a decision is asked of them at this stage, or open to whoever may approve."""
    if row is None or row.stage.state != "pending":
        return False
    decided = any(each.decision and each.ask.person_id == person.pk for each in row.places)
    return row.place_of(person) is not None or (row.stage.anyone and not decided)


def asked_by(person: Person) -> QuerySet[Approval]:
    """What they asked and nobody has wholly decided, with who is asked now."""
    asks = Ask.objects.filter(ended_at=None, carried_from=None, decisions=None, stage__state="pending")
    asks = asks.select_related("person", "external").order_by("id")
    pending = Approval.objects.filter(asked_by=person, state="pending").select_related("post")
    return pending.prefetch_related("stages", Prefetch("stages__asks", asks, to_attr="left")).order_by("-id")


def agreements(stage: ApprovalStage) -> set[tuple[int, int]]:
    """(place, person) of those who agreed at this stage, now or before; from outside with a minus. One query."""
    given = Q(decisions__verdict="approved") | Q(carried_from__isnull=False)
    rows = stage.asks.filter(given).values_list("id", "instead_of_id", "person_id", "external_id")
    return {(seat or pk, person or -external) for pk, seat, person, external in rows}


def still_standing(approval: Approval, stage: ApprovalStage) -> dict[int, Decision]:
    """By person (from outside with a minus): what they agreed to for this remit, if nothing that it covers has changed
    since, they had no hand in what did, nobody took anything back, and they may still approve.
    """
    post, now = approval.post, stage.covered(approval.revision.parts)
    given = Decision.objects.filter(approval__post=post).select_related("stage", "approval__revision")
    latest: dict[int, Decision] = {}
    for decision in given.order_by("id"):
        if decision.verdict == "withdrawn":
            latest.clear()
        elif decision.stage is None or decision.stage.remit != stage.remit:
            continue
        elif decision.verdict != "approved":
            latest.pop(_giver(decision), None)
        elif decision.parts == now:
            latest[_giver(decision)] = decision
    if not latest:
        return {}
    revisions = list(post.revisions.values_list("number", "by_id", "parts"))
    able_people = approvers_of(post, [v.channel for v in variants_of(post)])
    outside = ExternalApprover.objects.filter(pk__in=[-pk for pk in latest if pk < 0], ended_at=None)
    able = {*able_people.filter(pk__in=latest).values_list("pk", flat=True)}
    able |= {-pk for pk in outside.values_list("pk", flat=True)}
    return {
        pk: decision for pk, decision in latest.items()
        if pk in able and _unchanged(decision, revisions) and _same_time(decision.approval, approval, stage)
    }  # fmt: skip


def _giver(decision: Decision) -> int:
    return decision.by_id or -(decision.external_id or 0)


def _unchanged(decision: Decision, revisions: list[tuple[int, int, dict]]) -> bool:
    since = [row for row in revisions if row[0] > decision.approval.revision.number]
    return all(by != decision.by_id and decision.parts.items() <= parts.items() for _, by, parts in since)


def _same_time(before: Approval, now: Approval, stage: ApprovalStage) -> bool:
    """What was agreed to for a window covers the same or a smaller one, where time is part of the question. Going out
    again and again is more than another time: whatever they were asked, nobody agreed to a rule that they never saw.
    """
    if not repeats.covers(before.repeats, now.repeats):
        return False
    if "time" not in stage.covers:
        return True
    if before.window_from is None or before.window_until is None:
        return True
    return _within(now.window_from, now.window_until, before.window_from, before.window_until)


def _within(start: datetime | None, end: datetime | None, first: datetime, last: datetime) -> bool:
    return start is not None and end is not None and first <= start and end <= last
