"""Asking for agreement to the latest revision of a post, and taking the request back."""

from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.audit import record, register
from accounts.models import Person
from publishing import approving, asking, phrasing, queries, scheduling
from publishing.models import Approval, ApprovalWorkflow, Ask, Post, Recurrence, Remit, Variant
from publishing.models.workflow import Traits
from publishing.queries import repeats
from publishing.rights import barred, may_on_all, require_on_all

register("post.submitted", "asked for approval")
register("post.submission_withdrawn", "took back a request for approval")

BEFORE, AFTER = timedelta(hours=1), timedelta(hours=24)  # the window around the wanted time
TIME_TO_DECIDE = timedelta(minutes=10)  # the latest safe decision is this long before the wanted time


@transaction.atomic
def submit(
    post: Post, by: Person, asked_of: Person | None = None, question: str = "facts", wanted_at: datetime | None = None,
    *, boosted: bool = False, window: tuple[datetime, datetime] | None = None, override: str = "",
) -> Approval:  # fmt: skip
    """Ask for agreement to the latest revision. The first workflow that holds for the post says who is asked; where
    none does, `asked_of` is, about `question`.

    `wanted_at` is the instant the author wants it out, `window` when it may go out at all: by default from an hour
    before to a day after; at any time where none is wanted. `override` says why its words are right although a rule
    speaks against them.
    """
    post = Post.objects.select_for_update().get(pk=post.pk)
    variants = queries.variants_of(post)
    require_on_all(by, "draft", post, [v.channel for v in variants], "submit")
    _refuse_unready(post, variants)
    traits = queries.traits_of(post, variants, boosted)
    workflow = queries.workflow_for(traits)
    steps = _steps(workflow, post, variants, traits, asked_of, question)
    revision = post.revisions.get(number=post.revision_number)
    phrasing.refuse_unexplained(post, variants, revision, by, override)
    approval = Approval(post=post, revision=revision, asked_by=by, workflow=workflow, boosted=boosted)
    _open(approval, repeats.standing(variants), wanted_at, window)
    asked = sorted({person.pk for step in steps for person in step.people})
    said = {"asked_of": asked, "hash": revision.hash, "workflow": workflow.name if workflow else ""}
    record(by, "post.submitted", post, approval=approval.pk, **said)
    asking.lay_out(approval, steps)
    asking.move_on(post, approval, by)
    return approval


@transaction.atomic
def ask_again(post: Post, by: Person, wanted_at: datetime) -> Approval:
    """Ask for another time than the one that was agreed to. Only whose remit covers the time is asked again, unless it
    repeats by a rule that the others have not seen; until they agree nothing goes out.
    """
    post = Post.objects.select_for_update().get(pk=post.pk)
    standing = scheduling.approved(post)
    first = Ask.objects.filter(stage__approval=standing, ended_at=None).select_related("person", "stage").order_by("pk")
    one = first.first()
    scheduling.return_to_author(post, by, "Another time was asked for. Schedule it when that is agreed to.")
    approving.void(post, by)
    post.state = Post.State.DRAFT
    post.save(update_fields=["state", "updated_at"])
    if one is None or standing.workflow_id:
        return submit(post, by, wanted_at=wanted_at, boosted=standing.boosted)
    return submit(post, by, one.person, one.stage.remit, wanted_at, boosted=standing.boosted)


@transaction.atomic
def withdraw(post: Post, by: Person) -> Approval:
    """Take back a request that is not decided yet. The post is a draft again."""
    post = Post.objects.select_for_update().get(pk=post.pk)
    current = Variant.objects.current().filter(post=post).select_related("channel")
    require_on_all(by, "draft", post, [v.channel for v in current], "withdraw")
    approval = post.approvals.select_for_update().filter(state="pending").first()
    if approval is None:
        raise ValidationError("Nobody is being asked about this post, so there is nothing to withdraw.")
    approval.state = Approval.State.WITHDRAWN
    approval.save(update_fields=["state"])
    post.state = Post.State.DRAFT
    post.save(update_fields=["state", "updated_at"])
    record(by, "post.submission_withdrawn", post, approval=approval.pk)
    return approval


def _open(
    approval: Approval, recurrences: list[Recurrence], wanted_at: datetime | None,
    window: tuple[datetime, datetime] | None,
) -> None:  # fmt: skip
    """Keep the request, with its times, and note at the post that it is asked about."""
    now, post = queries.now(), approval.post
    approval.repeats = repeats.asked_for(recurrences)
    wanted_at, window = _with_repeats(recurrences, wanted_at, window, now)
    approval.wanted_at = wanted_at
    approval.window_from, approval.window_until = _window(wanted_at, window, now)
    approval.latest_decision_at = _latest_decision(wanted_at, now)
    approval.save()
    post.state = Post.State.IN_APPROVAL
    post.save(update_fields=["state", "updated_at"])


def _with_repeats(
    recurrences: list[Recurrence], wanted_at: datetime | None, window: tuple[datetime, datetime] | None, now: datetime
) -> tuple[datetime | None, tuple[datetime, datetime] | None]:
    """What repeats is wanted for the first of its times that lies ahead, and asked about until the last."""
    ahead = sorted(at for each in recurrences for at in repeats.instants(each) if at > now)
    if not ahead:
        return wanted_at, window
    wanted_at = wanted_at or ahead[0]
    return wanted_at, window or (min(wanted_at, ahead[0]) - BEFORE, max(wanted_at, ahead[-1]) + AFTER)


def _latest_decision(wanted_at: datetime | None, now: datetime) -> datetime | None:
    if wanted_at is None:
        return None
    latest = wanted_at - TIME_TO_DECIDE
    return latest if latest > now else wanted_at


def _window(
    wanted_at: datetime | None, window: tuple[datetime, datetime] | None, now: datetime
) -> tuple[datetime | None, datetime | None]:
    if wanted_at and wanted_at <= now:
        raise ValidationError({"wanted_at": "This time has passed. Choose a later one."})
    if window is None:
        return (wanted_at - BEFORE, wanted_at + AFTER) if wanted_at else (None, None)
    if window[0] >= window[1] or window[1] <= now:
        raise ValidationError({"latest": "The latest time has to lie ahead, and after the earliest."})
    if wanted_at and not window[0] <= wanted_at <= window[1]:
        raise ValidationError({"wanted_at": "It is wanted outside the times between which it may go out."})
    return window


def _steps(
    workflow: ApprovalWorkflow | None, post: Post, variants: list[Variant], traits: Traits, asked_of: Person | None,
    question: str,
) -> list[asking.Step]:  # fmt: skip
    if workflow is None:
        return [_one_step(post, variants, asked_of, question)]
    if asked_of is not None:
        raise ValidationError({"asked_of": f"“{workflow}” says who is asked about this post. Nobody is named here."})
    planned = queries.plan(workflow, post, variants, traits)
    if not planned:
        raise ValidationError(f"“{workflow}” has no step for this post. Ask a social lead to change it.")
    if lacking := [each.lacking for each in planned if each.lacking]:
        raise ValidationError(lacking)
    return [
        asking.Step(
            each.step.name, each.step.remit, each.people, each.step.anyone, each.step.rule, each.needed,
            each.step.position, each.step.hours, each.externals,
        )
        for each in planned
    ]  # fmt: skip


def _one_step(post: Post, variants: list[Variant], asked_of: Person | None, question: str) -> asking.Step:
    if asked_of is None:
        raise ValidationError({"asked_of": "Choose who should decide."})
    _refuse_approver(post, variants, asked_of)
    if question not in Remit.values:
        raise ValidationError({"question": "Choose what the approver is asked to confirm."})
    return asking.Step(Remit(question).label, question, [asked_of], anyone=True)


def _refuse_unready(post: Post, variants: list[Variant]) -> None:
    if post.state == Post.State.IN_APPROVAL:
        raise ValidationError("Somebody is already being asked about this post. Withdraw that request to ask again.")
    if post.state == Post.State.APPROVED:
        raise ValidationError("This post is already approved. Schedule it, or change it to ask again.")
    if not variants:
        raise ValidationError({"channels": "Choose at least one channel before asking for approval."})
    problems = queries.problems(variants)
    if problems:
        raise ValidationError({f"variant-{pk}": words for pk, words in problems.items()})


def _refuse_approver(post: Post, variants: list[Variant], asked_of: Person) -> None:
    if reason := barred(post).get(asked_of.pk):
        raise ValidationError({"asked_of": f"{asked_of} {reason}, so somebody else has to approve it."})
    if not may_on_all(asked_of, "approve", [v.channel for v in variants]):
        raise ValidationError(
            {"asked_of": f"{asked_of} may not approve on every channel of this post. Choose another."}
        )
