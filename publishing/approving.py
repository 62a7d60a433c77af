"""Agreeing, by another person, to exactly what they saw.

Every verb locks the post, then the approval. The same rules stand in the database (migrations/0003_moves.py).
"""

from collections.abc import Iterable

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models.functions import Now
from django.urls import reverse

from accounts import notifying
from accounts.audit import record, record_many, register
from accounts.models import Person
from publishing import asking, linking, queries, scheduling
from publishing.models import AgreementLink, Approval, ApprovalStage, Ask, Decision, Post, Revision, Variant
from publishing.rights import barred, require_on_all
from socialops.lib.addresses import same_mailbox

register("approval.approved", "approved a post")
register("approval.changes_requested", "asked for changes to a post")
register("approval.rejected", "rejected a post")
register("approval.opened", "opened a post that they are asked about")
register("approval.withdrawn", "took back an approval")
register("approval.voided", "made an approval void by changing the post")

WORDS = {
    "approved": "approved it",
    "changes_requested": "asked for changes",
    "rejected": "rejected it",
    "withdrawn": "withdrew it",
}


class Changed(ValidationError):
    """The post is not what the approver saw. `seen` and `now` are the two revisions, to show what differs."""

    def __init__(self, seen: Revision | None, now: Revision):
        super().__init__(
            f"{now.by} changed this post after you opened it. Nothing was decided: what is new stands below."
        )
        self.seen = seen
        self.now = now


@transaction.atomic
def approve(approval: Approval, by: Person, revision_hash: str, note: str = "", stage: int | None = None) -> Decision:
    """Agree to the revision with this hash, which is the one on the approver's screen.

    `stage` is the id of the one they answer for, where they are asked at several.
    """
    return _decide(approval, by, revision_hash, note, Decision.Verdict.APPROVED, stage)


@transaction.atomic
def request_changes(
    approval: Approval, by: Person, revision_hash: str, note: str, stage: int | None = None
) -> Decision:
    _need_note(note, "Say what should change, so that the author can act on it.")
    return _decide(approval, by, revision_hash, note, Decision.Verdict.CHANGES_REQUESTED, stage)


@transaction.atomic
def reject(approval: Approval, by: Person, revision_hash: str, note: str, stage: int | None = None) -> Decision:
    _need_note(note, "Say why, so that the author does not have to guess.")
    return _decide(approval, by, revision_hash, note, Decision.Verdict.REJECTED, stage)


@transaction.atomic
def note_opening(ask: Ask, by: Person) -> None:
    """They have what is asked about in front of them: from now on it may be among several that they approve at once."""
    if Ask.objects.filter(pk=ask.pk, person=by, opened_at=None).update(opened_at=Now()):
        record(by, "approval.opened", ask.stage.approval, hash=ask.stage.approval.revision.hash)


@transaction.atomic
def decide_by_link(token: str, proof: str, verdict: str, revision_hash: str, note: str = "") -> Decision:
    """By somebody without a seat, about what was on their screen. It never is enough alone: somebody here has to agree
    as well.
    """
    link = linking.proven(token, proof)
    post, approval = locked(link.ask.stage.approval)
    link = linking.locked(link)
    ask = Ask.objects.select_related("stage", "external", "instead_of").get(pk=link.ask_id)
    _refuse_changed(post, approval, revision_hash)
    if approval.state != Approval.State.PENDING:
        raise ValidationError(_already(approval))
    if verdict not in ("approved", "changes_requested", "rejected"):
        raise ValidationError("Choose to agree, to ask for a change, or to reject.")
    if verdict != Decision.Verdict.APPROVED:
        _need_note(note, "Say what should change, so that the author can act on it.")
    if ask.external is None or ask.external.ended_at or ask.ended_at or ask.stage.state != "pending":
        raise ValidationError("This is not asked of you any more.")
    if any(same_mailbox(ask.external.email, each) for each in Person.objects.values_list("email", flat=True)):
        raise ValidationError("This address belongs to somebody with a seat. They decide when they have signed in.")
    AgreementLink.objects.filter(pk=link.pk).update(used_at=Now())
    return _give(post, approval, ask, None, verdict, note)


def approve_opened(by: Person, asks: Iterable[int]) -> tuple[list[Approval], list[tuple[Approval, str]]]:
    """Agree to several that they have opened, each for itself. Those agreed to, and those not, with the reason."""
    done: list[Approval] = []
    refused: list[tuple[Approval, str]] = []
    for ask in queries.asked_of(by).filter(pk__in=asks).select_related("stage__approval__revision"):
        approval = ask.stage.approval
        if ask.opened_at is None:
            refused.append((approval, "You have not opened it yet."))
            continue
        try:
            approve(approval, by, approval.revision.hash, stage=ask.stage_id)
        except ValidationError as error:
            refused.append((approval, " ".join(error.messages)))
        except PermissionDenied as error:
            refused.append((approval, str(error)))
        else:
            done.append(approval)
    return done, refused


@transaction.atomic
def withdraw(approval: Approval, by: Person, note: str = "") -> Decision:
    """Take back an approval that was given. What is scheduled under it goes back to the author."""
    post, approval = locked(approval)
    require_on_all(by, "approve", post, _channels(post), "withdraw the approval of")
    if approval.state != Approval.State.APPROVED:
        raise ValidationError(
            _already(approval) if approval.state != Approval.State.PENDING else "Nobody has approved it yet."
        )
    decision = _note_down(approval, by, Decision.Verdict.WITHDRAWN, note)
    scheduling.return_to_author(post, by, f"{by} took back the approval.")
    _settle(post, approval, Approval.State.WITHDRAWN, Post.State.DRAFT)
    record(by, "approval.withdrawn", approval, note=note)
    _tell(approval, f"{by} took back the approval of “{post.title}”.")
    return decision


def void(post: Post, by: Person) -> None:
    """The post changed: pending and given approvals no longer cover it. Called in the transaction of the edit."""
    overtaken = list(
        post.approvals.select_for_update().filter(state__in=("pending", "approved")).select_related("post")
    )
    Approval.objects.filter(pk__in=[a.pk for a in overtaken]).update(state=Approval.State.VOID)
    record_many([(by, "approval.voided", a, {"was": a.state, "revision": a.revision_id}) for a in overtaken])


def _decide(approval: Approval, by: Person, revision_hash: str, note: str, verdict: str, stage: int | None) -> Decision:
    post, approval = locked(approval)
    _refuse_changed(post, approval, revision_hash)
    if approval.state != Approval.State.PENDING:
        raise ValidationError(_already(approval))
    if reason := barred(post).get(by.pk):
        raise PermissionDenied(f"You may not decide on this post, because {_you(reason)}. Somebody else has to.")
    require_on_all(by, "approve", post, _channels(post), "decide on")
    ask = _place_of(approval, by, stage)
    return _give(post, approval, ask, by, verdict, note)


def _give(post: Post, approval: Approval, ask: Ask, by: Person | None, verdict: str, note: str) -> Decision:
    """What was decided from this place, and what follows from it."""
    decision = _note_down(approval, by, verdict, note, ask)
    said = {"hash": approval.revision.hash, "revision": approval.revision.number, "note": note, "stage": ask.stage.name}
    if ask.instead_of:
        said["instead_of"] = ask.instead_of.person_id
    if ask.external:
        said["external"] = ask.external.email
    record(by, f"approval.{verdict}", approval, **said)
    if verdict == Decision.Verdict.APPROVED:
        whole = asking.close_if_agreed(ask.stage) and asking.move_on(post, approval, by or approval.asked_by)
    else:
        whole = True
        ask.stage.state = ApprovalStage.State.RETURNED
        ask.stage.save(update_fields=["state"])
        _settle(post, approval, verdict, verdict)
    rest = "" if whole else f" ({ask.stage.name}); others are asked"
    _tell(approval, f"{ask.who} {_said(verdict)} “{post.title}”{rest}.")
    return decision


def _place_of(approval: Approval, by: Person, stage: int | None) -> Ask:
    """The place from which this person decides now. Where anyone may who has the right, they get one."""
    pending = approval.stages.filter(state="pending").order_by("position", "id")
    pending = pending.filter(pk=stage) if stage else pending
    places = Ask.objects.filter(stage__in=pending, person=by, ended_at=None).order_by("stage", "id")
    places = places.select_related("stage", "instead_of", "external")
    if place := places.filter(carried_from=None, decisions=None).first():
        return place
    if places.exists():
        raise ValidationError("You already decided. The others who are asked have not yet.")
    if open_to_all := pending.filter(anyone=True).first():
        return Ask.objects.create(stage=open_to_all, person=by, why=Ask.Why.CAME, asked_at=queries.now())
    raise PermissionDenied("You are not asked about this post now. Who is stands under “Who has to agree”.")


def locked(approval: Approval) -> tuple[Post, Approval]:
    post = Post.objects.select_for_update().get(pk=approval.post_id)
    locked = Approval.objects.select_for_update(of=("self",)).select_related("revision__by", "asked_by")
    approval = locked.get(pk=approval.pk)
    approval.post = post
    return post, approval


def _refuse_changed(post: Post, approval: Approval, revision_hash: str) -> None:
    """What the approver saw, what was asked about and what the post says now have to be the same."""
    now = post.revisions.select_related("by").latest("number")
    if not revision_hash == approval.revision.hash == now.hash:
        raise Changed(post.revisions.filter(hash=revision_hash).order_by("-number").first(), now)


def _already(approval: Approval) -> str:
    last = approval.decisions.select_related("by", "external").order_by("-id").first()
    if last and (last.verdict == "withdrawn" or approval.state != Approval.State.WITHDRAWN):
        return f"{last.who} already {WORDS[last.verdict]}. There is nothing left to decide here."
    if approval.state == Approval.State.WITHDRAWN:
        return "The request was taken back. There is nothing left to decide here."
    return "The post changed after this request. The author has to ask again."


def _channels(post: Post):
    return [v.channel for v in Variant.objects.current().filter(post=post).select_related("channel")]


def _need_note(note: str, words: str) -> None:
    if not note.strip():
        raise ValidationError({"note": words})


def _note_down(approval: Approval, by: Person | None, verdict: str, note: str, ask: Ask | None = None) -> Decision:
    return Decision.objects.create(
        approval=approval, by=by, author_id=approval.post.author_id, verdict=verdict, note=note.strip(), ask=ask,
        stage=ask.stage if ask else None, revision_hash=approval.revision.hash,
        parts=ask.stage.covered(approval.revision.parts) if ask else {}, external=ask.external if ask else None,
    )  # fmt: skip


def _settle(post: Post, approval: Approval, approval_state: str, post_state: str) -> None:
    approval.state = approval_state
    approval.save(update_fields=["state"])
    post.state = post_state
    post.save(update_fields=["state", "updated_at"])


def _tell(approval: Approval, words: str) -> None:
    post = approval.post
    for person in sorted({post.author, approval.asked_by}, key=lambda each: each.pk):
        notifying.notify(person, "approval.decided", words, reverse("post", args=[post.pk]), mail=True)


def _said(verdict: str) -> str:
    return {"approved": "approved", "changes_requested": "asked for changes to", "rejected": "rejected"}[verdict]


def _you(reason: str) -> str:
    return f"you {reason}"
