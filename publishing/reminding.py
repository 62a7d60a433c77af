"""What time does to a request: whoever is away is stood in for, who has not decided is reminded in their working hours,
and when half of the time has passed the next is asked as well. Nothing is decided by it, and repeating it changes
nothing.
"""

from collections import defaultdict
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from accounts import notifying
from accounts.audit import record, register
from accounts.models import Absence, Person
from publishing import approving, asking, delegating, queries
from publishing.models import Approval, ApprovalStage, Ask

register("approval.delegated", "was asked in place of somebody who is away")
register("approval.escalated", "was asked as well, because time is running out")

MARKS = (0.25, 0.75)  # of the time to decide, when a reminder is due
WITHOUT_A_TIME = timedelta(days=1)  # the reminder where no time is wanted


def remind() -> int:
    """All of it, once. Returns how many people were told something."""
    now = queries.now()
    told = sum(_cover(ask.pk) for ask in _away())
    told += sum(_escalate(stage.pk) for stage in _half_over(now))
    return told + _remind_in_batches(now)


def _open() -> QuerySet[Ask]:
    """Places from which somebody has not decided yet."""
    return Ask.objects.filter(
        person__isnull=False, ended_at=None, carried_from=None, decisions=None, stage__state="pending",
        stage__approval__state="pending",
    )  # fmt: skip


def _away() -> QuerySet[Ask]:
    absent = Absence.objects.now().values("person")
    return _open().filter(person__in=absent, covered_at=None).order_by("id")[:500]


def _half_over(now: datetime) -> list[ApprovalStage]:
    stages = ApprovalStage.objects.filter(
        state="pending", approval__state="pending", escalated_at=None, decide_by__isnull=False, opened_at__isnull=False
    )
    found = stages.order_by("decide_by")[:500]
    return [s for s in found if s.opened_at and s.decide_by and _share(s.opened_at, s.decide_by, 0.5) <= now]


@transaction.atomic
def _cover(pk: int) -> bool:
    """The delegate gets a place beside theirs; where that one may not decide, whoever is next."""
    ask = Ask.objects.select_related("stage__approval", "person").get(pk=pk)
    post, approval = approving.locked(ask.stage.approval)
    if not _open().filter(pk=pk, covered_at=None).exists():
        return False
    ask.covered_at = queries.now()
    ask.save(update_fields=["covered_at"])
    absence = Absence.objects.now().filter(person=ask.person).select_related("delegate").first()
    chosen = delegating.stand_in(ask, post, absence.delegate if absence else None)
    if chosen is None:
        words = f"{ask.person} is away and nobody else may decide about “{post.title}” in their place."
        notifying.notify(approval.asked_by, "approval.stranded", words, reverse("post", args=[post.pk]), mail=True)
        return True
    new = delegating.add_place(ask, chosen, Ask.Why.DELEGATE)
    record(None, "approval.delegated", approval, to=chosen.pk, instead_of=ask.person_id, stage=ask.stage.name)
    words = f"{approval.asked_by} asks you to approve “{post.title}”: {ask.person} is away."
    asking.ask_of(new, words, post, approval)
    return True


@transaction.atomic
def _escalate(pk: int) -> bool:
    """Half of the time is over: the next one is asked as well, in the place of the first who has not decided."""
    stage = ApprovalStage.objects.select_related("approval").get(pk=pk)
    post, approval = approving.locked(stage.approval)
    ask = _open().filter(stage=pk, stage__escalated_at=None).select_related("stage", "person").order_by("id").first()
    ApprovalStage.objects.filter(pk=pk).update(escalated_at=queries.now())
    chosen = delegating.stand_in(ask, post) if ask else None
    if ask is None or chosen is None:
        return False
    new = delegating.add_place(ask, chosen, Ask.Why.ESCALATED)
    record(None, "approval.escalated", approval, to=chosen.pk, instead_of=ask.person_id, stage=stage.name)
    words = f"{ask.person} has not decided about “{post.title}”, and half of the time has passed. You may as well."
    asking.ask_of(new, words, post, approval)
    return True


def _remind_in_batches(now: datetime) -> int:
    """One line a person, whatever the number of posts, within their working hours."""
    due: dict[Person, list[Ask]] = defaultdict(list)
    waiting = _open().filter(asked_at__isnull=False).select_related("person", "stage__approval__post")
    for ask in waiting.order_by("stage__decide_by", "id")[:2000]:
        if ask.person and _is_due(ask, now) and ask.person.works_at(now):
            due[ask.person].append(ask)
    for person, asks in due.items():
        _remind(person, asks, now)
    return len(due)


@transaction.atomic
def _remind(person: Person, asks: list[Ask], now: datetime) -> None:
    Ask.objects.filter(pk__in=[ask.pk for ask in asks]).update(reminded_at=now)
    approval: Approval = asks[0].stage.approval
    url, words = reverse("approval", args=[approval.pk]), f"“{approval.post.title}” waits for your decision."
    if len(asks) > 1:
        url, words = reverse("approval_list"), f"{len(asks)} posts wait for your decision."
    notifying.notify(person, "approval.reminder", words, url, mail=True)


def _is_due(ask: Ask, now: datetime) -> bool:
    """Whether a mark has passed since they were told last."""
    begin, end = ask.asked_at or now, ask.stage.decide_by
    marks = [_share(begin, end, mark) for mark in MARKS] if end and end > begin else [begin + WITHOUT_A_TIME]
    return any((ask.reminded_at or begin) < mark <= now for mark in marks)


def _share(begin: datetime, end: datetime, share: float) -> datetime:
    return begin + (end - begin) * share
