"""Asking for agreement to the latest revision of a post, and taking the request back."""

from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.audit import record, register
from accounts.models import Person
from publishing import asking, queries
from publishing.models import Approval, Post, Remit, Variant
from publishing.permissions import barred, may_on_all, require_on_all

register("post.submitted", "asked for approval")
register("post.submission_withdrawn", "took back a request for approval")

TIME_TO_DECIDE = timedelta(minutes=10)  # the latest safe decision is this long before the wanted time


@transaction.atomic
def submit(
    post: Post, by: Person, asked_of: Person, question: str = "facts", wanted_at: datetime | None = None
) -> Approval:
    """Ask somebody to agree to the latest revision. `wanted_at` is the instant the author wants it out."""
    post = Post.objects.select_for_update().get(pk=post.pk)
    variants = queries.variants_of(post)
    require_on_all(by, "draft", post, [v.channel for v in variants], "submit")
    _refuse_unready(post, variants)
    _refuse_approver(post, variants, asked_of)
    if question not in Remit.values:
        raise ValidationError({"question": "Choose what the approver is asked to confirm."})
    now = queries.now()
    if wanted_at and wanted_at <= now:
        raise ValidationError({"wanted_at": "This time has passed. Choose a later one."})
    approval = Approval.objects.create(
        post=post, revision=post.revisions.get(number=post.revision_number), asked_by=by, wanted_at=wanted_at,
        latest_decision_at=_latest_decision(wanted_at, now),
    )  # fmt: skip
    post.state = Post.State.IN_APPROVAL
    post.save(update_fields=["state", "updated_at"])
    asked = {"asked_of": asked_of.pk, "hash": approval.revision.hash}
    record(by, "post.submitted", post, approval=approval.pk, **asked)
    asking.lay_out(approval, [asking.Step(Remit(question).label, question, [asked_of], anyone=True)])
    asking.move_on(post, approval, by)
    return approval


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


def _latest_decision(wanted_at: datetime | None, now: datetime) -> datetime | None:
    if wanted_at is None:
        return None
    latest = wanted_at - TIME_TO_DECIDE
    return latest if latest > now else wanted_at


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
