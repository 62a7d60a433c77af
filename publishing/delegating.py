"""Somebody else decides in place of the person who was asked."""

from django.db import transaction
from django.db.models.functions import Now
from django.urls import reverse

from accounts import notifying
from accounts.audit import record, register
from accounts.models import Absence, Person
from publishing import approving, asking, queries
from publishing.models import Approval, ApprovalStage, Ask, Post, Rule, Variant

register("approval.handed_over", "gave a request for approval to somebody else")


@transaction.atomic
def hand_over(person: Person, by: Person | None, reason: str = "") -> int:
    """What this person was asked and has not decided goes to somebody else who may. Returns how many did.

    First the channels' backup owners and owners, then the person's manager; where anyone may decide who has the right,
    then whoever has. Where nobody may, the one who asked is told. Nothing is decided by this, and repeating it
    changes nothing.
    """
    left = Ask.objects.filter(
        person=person, ended_at=None, carried_from=None, decisions=None, stage__state__in=("waiting", "pending"),
        stage__approval__state="pending",
    )  # fmt: skip
    return sum(_give_to_another(ask, by, reason) for ask in left.select_related("stage__approval").order_by("stage"))


def _give_to_another(ask: Ask, by: Person | None, reason: str) -> bool:
    post, approval = approving.locked(ask.stage.approval)
    ask = Ask.objects.select_for_update(of=("self",)).select_related("stage", "person").get(pk=ask.pk)
    if approval.state != Approval.State.PENDING or ask.ended_at or ask.decisions.exists():
        return False
    chosen = stand_in(ask, post)
    if chosen is None:
        return _leave_to_the_others(ask, post, approval)
    Ask.objects.filter(pk=ask.pk).update(ended_at=Now())
    new = add_place(ask, chosen, Ask.Why.BACKUP)
    record(by, "approval.handed_over", approval, was=ask.person_id, to=chosen.pk, reason=reason, stage=ask.stage.name)
    if ask.stage.state == ApprovalStage.State.PENDING:
        words = f"{approval.asked_by} asks you to approve “{post.title}”, in place of {ask.person}."
        asking.ask_of(new, words, post, approval)
    return True


def add_place(ask: Ask, person: Person, why: str) -> Ask:
    """A place beside theirs: whichever of the two decides, decides for both."""
    return Ask.objects.create(stage=ask.stage, person=person, instead_of_id=ask.instead_of_id or ask.pk, why=why)


def stand_in(ask: Ask, post: Post, named: Person | None = None) -> Person | None:
    """Who may decide in this person's place and has no place in the stage yet: whom they named, else the next."""
    current = Variant.objects.current().filter(post=post).select_related("channel")
    channels = [v.channel for v in current]
    first = [pk for c in channels for pk in (c.backup_owner_id, c.owner_id)] + [
        ask.person.manager_id if ask.person else None
    ]
    there = ask.stage.asks.filter(ended_at=None).values("person")
    away = Absence.objects.now().values("person")
    able = list(queries.approvers_of(post, channels).exclude(pk__in=there).exclude(pk__in=away))
    if named in able:
        return named
    if not ask.stage.anyone:
        able = [each for each in able if each.pk in first]
    return min(able, key=lambda each: first.index(each.pk) if each.pk in first else len(first), default=None)


def _leave_to_the_others(ask: Ask, post: Post, approval: Approval) -> bool:
    """Nobody can take the place. Where the others are enough nothing is lost; else the one who asked has to know."""
    others = ask.stage.asks.filter(ended_at=None).exclude(pk=ask.pk).count()
    if ask.stage.rule != Rule.ALL and others >= ask.stage.needed:
        Ask.objects.filter(pk=ask.pk).update(ended_at=Now())
        return False
    words = f"{ask.person} cannot decide about “{post.title}” any more, and nobody else may. Withdraw it and ask again."
    notifying.notify(approval.asked_by, "approval.stranded", words, reverse("post", args=[post.pk]), mail=True)
    return False
