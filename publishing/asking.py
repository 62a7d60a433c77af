"""The stages of a request: laid out when it is made, asked one after the other, taken over where agreement stands.

Called inside the transactions of the verbs that submit and decide, with the post locked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models.functions import Now
from django.urls import reverse

from accounts import notifying
from accounts.audit import record, register
from accounts.models import Person
from publishing import linking, queries
from publishing.models import Approval, ApprovalStage, Ask, ExternalApprover, Post, Rule
from publishing.models.approval import covers_of

register("approval.carried", "took over agreements to what has not changed")


@dataclass(frozen=True)
class Step:
    """What one stage will be. Steps of one position are asked at once."""

    name: str
    remit: str
    people: list[Person]
    anyone: bool = False
    rule: str = Rule.ANY
    needed: int = 1
    position: int = 1
    hours: int | None = None
    externals: Sequence[ExternalApprover] = ()

    @property
    def whole(self) -> int:
        return len(self.people) + len(self.externals)


def lay_out(approval: Approval, steps: Iterable[Step]) -> None:
    """A stage a step, with a place for each person. Where their agreement still stands, nothing is asked of them."""
    steps = list(steps)
    deadlines = _deadlines(steps, queries.now(), approval.latest_decision_at)
    for step in steps:
        stage = ApprovalStage.objects.create(
            approval=approval, position=step.position, name=step.name, remit=step.remit, covers=covers_of(step.remit),
            rule=step.rule, needed=step.whole if step.rule == Rule.ALL else step.needed, anyone=step.anyone,
            hours=step.hours, decide_by=deadlines.get(step.position),
        )  # fmt: skip
        standing = queries.still_standing(approval, stage)
        for person in step.people:
            Ask.objects.create(stage=stage, person=person, carried_from=standing.get(person.pk))
        for external in step.externals:
            Ask.objects.create(stage=stage, external=external, carried_from=standing.get(-external.pk))


def move_on(post: Post, approval: Approval, by: Person) -> bool:
    """Ask at the next position; when nothing is left to ask, the request is approved (True)."""
    left = list(approval.stages.exclude(state__in=("approved", "carried")).order_by("position", "id"))
    for stage in left:
        if stage.state == "waiting" and _agreed(stage):
            _move(stage, ApprovalStage.State.CARRIED)
            record(by, "approval.carried", approval, stage=stage.name, people=[a.person_id for a in stage.asks.all()])
    left = [stage for stage in left if stage.state != "carried"]
    for stage in left:
        if stage.state == "waiting" and stage.position == left[0].position:
            _open(stage, post, approval)
    if not left:
        approval.state, post.state = Approval.State.APPROVED, Post.State.APPROVED
        approval.save(update_fields=["state"])
        post.save(update_fields=["state", "updated_at"])
    return not left


def close_if_agreed(stage: ApprovalStage) -> bool:
    """Somebody agreed. True if that was enough."""
    if not _agreed(stage):
        return False
    _move(stage, ApprovalStage.State.APPROVED)
    return True


def ask_of(ask: Ask, words: str, post: Post, approval: Approval) -> None:
    """Tell them, and note when."""
    ask.asked_at = queries.now()
    ask.save(update_fields=["asked_at"])
    if ask.person is None:
        linking.send_link(ask, approval.asked_by)
        return
    notifying.notify(ask.person, "approval.asked", words, reverse("approval", args=[approval.pk]), mail=True)


def _deadlines(steps: list[Step], now: datetime, latest: datetime | None) -> dict[int, datetime]:
    """By position: the latest safe decision. What there is of time until `latest` is shared out as the hours are;
    where no time is wanted the hours count from now.
    """
    hours: dict[int, int] = {}
    for step in steps:
        hours[step.position] = max(hours.get(step.position, 0), step.hours or 0)
    whole, passed, found = sum(hours.values()), 0, {}
    for position in sorted(hours):
        passed += hours[position]
        if latest:
            found[position] = now + (latest - now) * passed / whole if whole else latest
        elif hours[position]:
            found[position] = now + timedelta(hours=passed)
    return found


def _open(stage: ApprovalStage, post: Post, approval: Approval) -> None:
    _move(stage, ApprovalStage.State.PENDING)
    for ask in stage.asks.filter(ended_at=None, carried_from=None).select_related("person", "external").order_by("id"):
        ask.stage, stage.approval = stage, approval
        ask_of(ask, f"{approval.asked_by} asks you to approve “{post.title}”.", post, approval)


def _agreed(stage: ApprovalStage) -> bool:
    """Enough different places and people. The database counts once more (migrations/0010_stage_rules.py)."""
    given = queries.agreements(stage)
    return min(len({place for place, _ in given}), len({person for _, person in given})) >= stage.needed


def _move(stage: ApprovalStage, state: str) -> None:
    stage.state = state
    if state == ApprovalStage.State.PENDING:
        ApprovalStage.objects.filter(pk=stage.pk).update(state=state, opened_at=Now())
    else:
        stage.save(update_fields=["state"])
