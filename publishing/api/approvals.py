"""Approvals: what is asked, and deciding about exactly the revision that was read."""

from datetime import datetime
from typing import Annotated, Any, Literal

import ninja
from django.http import HttpRequest
from pydantic import Field

from accounts.api import Id, Limit, OneOf, Page, Router, Said
from accounts.models import Person, Scope
from publishing import approving, queries
from publishing.models import Approval, ApprovalStage, Ask, Decision
from publishing.permissions import access_approval, access_post
from publishing.rights import may_on_all, reason_against
from socialops.lib.problems import Problem

router = Router(tags=["Approvals"])
LAST = 10  # requests about one post
VERBS = {"approved": approving.approve, "changes_requested": approving.request_changes, "rejected": approving.reject}


class PostRef(ninja.Schema):
    id: int
    title: str


class DecisionOut(ninja.Schema):
    by: str
    verdict: Annotated[str, OneOf(Decision.Verdict.values)]
    note: str
    at: datetime


class StageOut(ninja.Schema):
    id: int
    name: str
    remit: str
    state: Annotated[str, OneOf(ApprovalStage.State.values)]
    decide_by: datetime | None
    rule: str
    asked: list[str]
    decisions: list[DecisionOut]


class AskOut(ninja.Schema):
    """Something that waits for your decision."""

    approval: int
    post: PostRef
    asked_by: str
    stage: int
    remit: str
    decide_by: datetime | None
    revision_hash: str


class RepeatOut(ninja.Schema):
    """A rule of RFC 5545 from `starts` on, a wall time; `words` say it in a sentence."""

    channel: str
    rule: str
    starts: str
    time_zone: str
    words: str


class ApprovalOut(ninja.Schema):
    """`content` is what is asked about, whatever the post says now; send its hash with your decision."""

    id: int
    post: PostRef
    state: Annotated[str, OneOf(Approval.State.values)]
    asked_by: str
    asked_at: datetime
    wanted_at: datetime | None
    window_from: datetime | None
    window_until: datetime | None
    revision: int
    revision_hash: str
    content: dict[str, Any]
    repeats: list[RepeatOut] = Field(description="Agreeing is agreeing to all these times.")
    stages: list[StageOut]
    may_decide: bool
    reason: str = Field(description="Why you may not, if it is because you had a hand in it.")


class DecisionIn(Said):
    verdict: Literal["approved", "changes_requested", "rejected"]
    revision_hash: Annotated[str, Field(max_length=64)]
    stage: Id | None = Field(None, description="The one you answer for, where you are asked at several.")
    note: str = Field("", max_length=10_000, description="Needed unless you approve.")


class WithdrawalIn(Said):
    note: str = Field("", max_length=10_000)


class Changed(ninja.Schema):
    """RFC 9457. `seen` is what you read, `now` what the post says; nothing was decided."""

    type: str
    title: str
    status: int
    detail: str
    seen: dict[str, Any] | None = None
    now: dict[str, Any] | None = None


@router.reads("approvals", Scope.APPROVALS_READ, Page[AskOut], "api_approvals")
def approvals(request: HttpRequest, cursor: str = "", limit: Limit = 100) -> Page[AskOut]:
    """What waits for your decision, the clock that runs out first on top."""
    rows, following = queries.asked_page(request.user.person, cursor, limit)
    return Page(items=[_ask_out(each) for each in rows], next=following or None)


@router.reads("posts/{int:pk}/approvals", Scope.APPROVALS_READ, Page[ApprovalOut], "api_approvals_of_post")
def approvals_of(request: HttpRequest, pk: int) -> Page[ApprovalOut]:
    """The last ten requests about a post, the latest first."""
    post, user = access_post(request.user, pk), request.user
    requests = [access_approval(user, each.pk) for each in post.approvals.order_by("-pk")[:LAST]]
    return Page(items=[out(each, user.person) for each in requests], next=None)


@router.reads("approvals/{int:pk}", Scope.APPROVALS_READ, ApprovalOut, "api_approval")
def read_approval(request: HttpRequest, pk: int) -> ApprovalOut:
    """Reading it here is not opening it: what is agreed to at once on pages has to be opened there."""
    return out(access_approval(request.user, pk), request.user.person)


@router.does("approvals/{int:pk}/decision", Scope.APPROVALS_DECIDE, ApprovalOut, "api_decision", conflict=Changed)
def decide(request: HttpRequest, pk: int, said: DecisionIn) -> ApprovalOut:
    """About the revision whose hash you send. If the post says something else now, nothing is decided (409)."""
    approval, person = access_approval(request.user, pk), request.user.person
    try:
        VERBS[said.verdict](approval, person, said.revision_hash, said.note, stage=said.stage)
    except approving.Changed as changed:
        seen = changed.seen.content if changed.seen else None
        words = f"{changed.now.by} changed this post. Nothing was decided: read it again."
        raise Problem("conflict", words, seen=seen, now=changed.now.content) from changed
    return out(access_approval(request.user, pk), person)


@router.does("approvals/{int:pk}/withdrawal", Scope.APPROVALS_DECIDE, ApprovalOut, "api_approval_withdrawal")
def withdraw(request: HttpRequest, pk: int, said: WithdrawalIn) -> ApprovalOut:
    """Take back an approval that was given. Nothing of the post goes out."""
    approving.withdraw(access_approval(request.user, pk), request.user.person, said.note)
    return out(access_approval(request.user, pk), request.user.person)


def out(approval: Approval, person: Person) -> ApprovalOut:
    """Of an approval from access_approval."""
    rows = queries.stage_rows(approval, queries.decisions_on(approval.post))
    reason = reason_against(approval, person)
    channels = [v.channel for v in queries.variants_of(approval.post)]
    asked = queries.may_answer(queries.question_for(rows, person), person)
    return ApprovalOut(
        post=PostRef.from_orm(approval.post), asked_by=str(approval.asked_by), revision=approval.revision.number,
        revision_hash=approval.revision.hash, content=approval.revision.content,
        stages=[_stage_out(row) for row in rows], reason=f"You {reason}." if reason else "",
        repeats=[RepeatOut(**said) for said in approval.repeats.values()],
        may_decide=asked and not reason and may_on_all(person, "approve", channels),
        **{name: getattr(approval, name) for name in COPIED},
    )  # fmt: skip


COPIED = ("id", "state", "asked_at", "wanted_at", "window_from", "window_until")


def _stage_out(row: queries.StageRow) -> StageOut:
    stage, said = row.stage, [(each.ask, each.decision) for each in row.places if each.decision]
    return StageOut(
        asked=[str(each.ask.who) for each in row.places if each.open], rule=row.rule,
        decisions=[
            DecisionOut(by=str(decision.who), verdict=decision.verdict, note=decision.note, at=decision.at)
            for _, decision in said
        ],
        **{name: getattr(stage, name) for name in ("id", "name", "remit", "state", "decide_by")},
    )  # fmt: skip


def _ask_out(ask: Ask) -> AskOut:
    stage, approval = ask.stage, ask.stage.approval
    return AskOut(
        approval=approval.pk, post=PostRef.from_orm(approval.post), asked_by=str(approval.asked_by), stage=stage.pk,
        remit=stage.remit, decide_by=stage.decide_by, revision_hash=approval.revision.hash,
    )  # fmt: skip
