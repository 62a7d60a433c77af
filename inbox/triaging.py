"""Whose conversation it is, and whether anything is left to do in it."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now

from accounts import audit, notifying
from accounts.models import Person
from accounts.permissions import is_present
from channels_registry.permissions import may
from inbox import filing
from inbox.models import Assignment, Conversation
from inbox.models.conversation import CONVERSATION_MOVES
from inbox.permissions import require_answer
from socialops.lib.wall_clock import database_now

audit.register("conversation.assigned", "assigned a conversation")
audit.register("conversation.resolved", "resolved a conversation")
audit.register("conversation.snoozed", "snoozed a conversation")
audit.register("conversation.woken", "brought back a snoozed conversation")

State = Conversation.State


@transaction.atomic
def assign(conversation: Conversation, to: Person | None, by: Person, reason: str = "") -> Conversation:
    """Ask somebody who may answer on the channel to take it; None gives it back to everybody."""
    conversation = _locked(conversation)
    require_answer(by, conversation)
    if to is not None and not may(to, "answer", conversation.channel):
        raise ValidationError({"to": f"{to} may not answer on {conversation.channel}. Choose somebody who may."})
    if conversation.assigned_to_id != (to.pk if to else None):
        _hand(conversation, to, by, reason)
        if to is not None and to != by:
            notifying.notify(to, "conversation", f"{by} asks you to answer: {conversation}", _url(conversation))
    return conversation


def take(conversation: Conversation, by: Person) -> Conversation:
    return assign(conversation, by, by)


@transaction.atomic
def resolve(conversation: Conversation, by: Person, seen: int | None = None) -> Conversation:
    """Nothing is left to do. `seen` is the id of the last message its reader saw: what came later keeps it open."""
    conversation = _locked(conversation)
    require_answer(by, conversation)
    latest = conversation.messages.aggregate(last=Max("pk"))["last"] or 0
    if seen is not None and conversation.messages.filter(direction="in", deleted_at=None, pk__gt=seen).exists():
        raise ValidationError("The customer wrote again in the meantime. Read it, then resolve.")
    _move(conversation, State.RESOLVED)
    conversation.handled_before, conversation.handled_to = conversation.handled_to, latest
    conversation.resolved_at, conversation.waiting_since = Now(), None
    conversation.save(
        update_fields=["state", "handled_before", "handled_to", "resolved_at", "waiting_since", "snoozed_until"]
    )
    audit.record(by, "conversation.resolved", conversation, channel=conversation.channel_id)
    return conversation


@transaction.atomic
def reopen(conversation: Conversation, by: Person) -> Conversation:
    """Undo a resolving: who waited before it waits again, and nobody whom an earlier one had settled."""
    conversation = _locked(conversation)
    require_answer(by, conversation)
    _move(conversation, State.OPEN)
    conversation.handled_to, conversation.resolved_at = conversation.handled_before, None
    conversation.save(update_fields=["state", "handled_to", "resolved_at", "snoozed_until"])
    filing.count_waiting([conversation.pk])
    audit.record(by, "conversation.reopened", conversation, channel=conversation.channel_id)
    return conversation


@transaction.atomic
def snooze(conversation: Conversation, until: datetime, by: Person) -> Conversation:
    """Out of sight until then, or until the customer writes. The customer's clock goes on."""
    conversation = _locked(conversation)
    require_answer(by, conversation)
    if until <= database_now():
        raise ValidationError({"until": "This time is past. Choose a later one."})
    _move(conversation, State.SNOOZED)
    conversation.snoozed_until = until
    conversation.save(update_fields=["state", "snoozed_until"])
    audit.record(by, "conversation.snoozed", conversation, until=until.isoformat())
    return conversation


@transaction.atomic
def wake() -> int:
    """Bring back what was snoozed until now; returns how many."""
    due = Conversation.objects.filter(state=State.SNOOZED, snoozed_until__lte=Now())
    woken = list(due.select_for_update(skip_locked=True)[:500])
    Conversation.objects.filter(pk__in=[each.pk for each in woken]).update(state=State.OPEN, snoozed_until=None)
    audit.record_many([(None, "conversation.woken", each, {}) for each in woken])
    return len(woken)


@transaction.atomic
def hand_over(person: Person, by: Person | None, reason: str = "") -> int:
    """Give every unresolved conversation of this person to the channel's backup owner, else its owner, else everybody.

    Only to somebody present who may answer there. Returns how many; doing it again finds none.
    """
    theirs = Conversation.objects.filter(assigned_to=person).exclude(state=State.RESOLVED)
    theirs = theirs.select_for_update(of=("self",)).select_related("channel__owner", "channel__backup_owner")
    successors: dict[int, Person | None] = {}
    conversations = list(theirs.order_by("pk"))
    for conversation in conversations:
        channel = conversation.channel
        if channel.pk not in successors:
            successors[channel.pk] = _successor(channel, person)
        _hand(conversation, successors[channel.pk], by, reason or f"{person} cannot answer any more.")
    return len(conversations)


def _successor(channel, leaver: Person) -> Person | None:
    candidates = [each for each in (channel.backup_owner, channel.owner) if each is not None and each != leaver]
    return next((each for each in candidates if is_present(each) and may(each, "answer", channel)), None)


def _locked(conversation: Conversation) -> Conversation:
    """The row as it stands now, ours until the transaction ends."""
    found = Conversation.objects.select_related("channel", "contact", "assigned_to")
    return found.select_for_update(of=("self",)).get(pk=conversation.pk)


def _hand(conversation: Conversation, to: Person | None, by: Person | None, reason: str) -> None:
    conversation.assigned_to = to
    conversation.save(update_fields=["assigned_to"])
    Assignment.objects.create(conversation=conversation, to=to, by=by, reason=reason)
    data = {"to": to.pk if to else None, "reason": reason}
    audit.record(by, "conversation.assigned", conversation, **data)


def _move(conversation: Conversation, to: str) -> None:
    if to not in CONVERSATION_MOVES[conversation.state]:
        was = State(conversation.state).label.lower()
        raise ValidationError(f"This conversation is {was}. Reload the page to see what happened.")
    conversation.state, conversation.snoozed_until = to, None


def _url(conversation: Conversation) -> str:
    return f"/inbox/{conversation.pk}/"
