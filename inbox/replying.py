"""Answering a customer: a reply is written here, waits out its undo, and is sent by its lane (delivering.py)."""

from datetime import timedelta

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import DateTimeField, DurationField, ExpressionWrapper, Value
from django.db.models.functions import Now

from accounts import audit
from accounts.models import Person
from channels_registry.connector.capabilities import Converses
from channels_registry.connector.text import too_long
from channels_registry.connector.types import Limits
from channels_registry.models import Channel, Connection
from channels_registry.permissions import require
from inbox import triaging
from inbox.delivering import filed
from inbox.models import Conversation, Message, Reply
from inbox.permissions import require_answer
from socialops.lib.delivery.lane import Settled
from socialops.lib.delivery.late import late_acceptance, may_confirm, refuse_late_answer
from socialops.lib.delivery.models import Outcome

audit.register("reply.written", "wrote a reply")
audit.register("reply.cancelled", "took back a reply")
audit.register("reply.adopted", "took over a reply")
audit.register("reply.sent_again", "sent a reply again")
audit.register("reply.confirmed", "said that a reply is out")

UNDO_SECONDS = 5.0
USEFUL_FOR = timedelta(days=1)  # an answer that could not leave for a day is looked at again before it does
TAKE_BACK = ("scheduled", "held", "blocked", "failed", "missed")
AGAIN = ("held", "failed", "missed")


@transaction.atomic
def reply(conversation: Conversation, text: str, by: Person, *, to: Message | None = None, token: str = "") -> Reply:
    """A reply that is due when its undo is over. `to` is the last message the writer has seen (default: the latest).

    `token` names the form: the same form sent twice gives the same reply. Raises ValidationError for a text that the
    network would refuse, counted as the network counts.
    """
    conversation = (
        Conversation.objects.select_for_update(of=("self",)).select_related("channel").get(pk=conversation.pk)
    )
    require_answer(by, conversation)
    if token and (same := Reply.objects.filter(conversation=conversation, token=token).first()):
        return same
    text = text.replace("\r\n", "\n").strip()
    check(conversation.channel, text)
    made = Reply.objects.create(
        conversation=conversation,
        channel=conversation.channel,
        to_message=_answered(conversation, to),
        text=text,
        answerable=by,
        token=token,
        **_due(UNDO_SECONDS),
    )
    if conversation.assigned_to_id is None:
        _take(conversation, by)
    audit.record(by, "reply.written", conversation, reply=made.pk)
    made.refresh_from_db(fields=["due_at", "next_attempt_at", "not_after"])
    return made


def check(channel: Channel, text: str) -> None:
    """Raises ValidationError beside the text for what this channel cannot send."""
    connection = Connection.objects.filter(channel=channel, state=Connection.State.LIVE).first()
    if connection is None:
        raise ValidationError({"text": "The channel is not connected, so nothing can be sent. Connect it again first."})
    if not isinstance(channel.connector, Converses):
        raise ValidationError({"text": f"{channel.connector.label} does not let us answer."})
    if not text:
        raise ValidationError({"text": "Write an answer."})
    if wrong := too_long(text, limits(channel, connection)):
        raise ValidationError({"text": wrong})


def limits(channel: Channel, connection: Connection | None) -> Limits:
    return channel.connector.limits_for(connection.facts if connection else {})


@transaction.atomic
def cancel(reply: Reply, by: Person) -> Reply:
    """Take it back before it leaves. Refused while it is being sent and when it may be out."""
    reply = _locked(reply)
    require(by, "answer", reply.channel)
    if reply.state not in TAKE_BACK:
        raise ValidationError("It may already be out, so it cannot be taken back here.")
    refuse_late_answer(reply)
    _move(reply, "cancelled", "")
    audit.record(by, "reply.cancelled", reply.conversation, reply=reply.pk)
    return reply


@transaction.atomic
def adopt(reply: Reply, by: Person) -> Reply:
    """Answer for a reply by name, and send it: its writer left, lost the right, or the channel is connected again."""
    reply = _locked(reply)
    require(by, "answer", reply.channel)
    if reply.state != "blocked":
        raise ValidationError("Nobody needs to take this reply over.")
    refuse_late_answer(reply)
    check(reply.channel, reply.text)
    was, reply.answerable = reply.answerable, by
    _schedule(reply)
    audit.record(by, "reply.adopted", reply.conversation, reply=reply.pk, was=was.pk)
    return reply


@transaction.atomic
def send_again(reply: Reply, by: Person) -> Reply:
    """A reply that was held, refused or late is sent after all, answered for by whoever decides it.

    One that may be out is sent again only by somebody else than its writer, who has looked.
    """
    reply = _locked(reply)
    require(by, "answer", reply.channel)
    if reply.state in ("needs_human", *AGAIN):
        refuse_late_answer(reply)
    if reply.state == "needs_human":
        if by == reply.answerable:
            raise PermissionDenied("It may be out already. Somebody else has to look and decide to send it again.")
        reply.attempts.filter(outcome=Outcome.UNKNOWN).update(outcome=Outcome.PROVEN_ABSENT)
    elif reply.state not in AGAIN:
        raise ValidationError("It is on its way, or it is out.")
    check(reply.channel, reply.text)
    reply.answerable = by
    _schedule(reply)
    audit.record(by, "reply.sent_again", reply.conversation, reply=reply.pk)
    return reply


@transaction.atomic
def confirm(reply: Reply, by: Person, url: str = "") -> Reply:
    """A person looked and says that it is out. It then stands in the conversation, with who said so.

    Nobody knew, or a late answer of the network says the same.
    """
    reply = _locked(reply)
    require(by, "answer", reply.channel)
    if not may_confirm(reply):
        raise ValidationError("Nobody needs to look for this reply.")
    if url and not url.startswith(("https://", "http://")):
        raise ValidationError({"url": "Copy the whole address, from https:// on."})
    reply.state, reply.reason, reply.remote_url = "done", "", url[:600]
    reply.remote_id = (late_acceptance(reply) or {}).get("remote_id", "")
    reply.human_confirmed_by, reply.settled_at = by, Now()
    reply.save(update_fields=["state", "reason", "remote_id", "remote_url", "human_confirmed_by", "settled_at"])
    filed([(reply, Settled(reply.pk, reply.fence, "done", remote_id=reply.remote_id, remote_url=url))])
    audit.record(by, "reply.confirmed", reply.conversation, reply=reply.pk, url=url)
    return reply


def _answered(conversation: Conversation, to: Message | None) -> Message:
    theirs = conversation.messages.filter(direction=Message.Direction.IN)
    if to is not None:
        theirs = theirs.filter(pk__lte=to.pk)
    latest = theirs.filter(deleted_at=None).order_by("-pk").first()
    if latest is None:
        raise ValidationError({"text": "The customer has deleted what they wrote, so there is nothing to answer."})
    return latest


def _due(seconds: float) -> dict:
    """When it is due by the database's clock, `seconds` (times the pace) from now."""
    due = _from_now(timedelta(seconds=seconds * settings.PACE))
    return {"due_at": due, "next_attempt_at": due, "not_after": _from_now(USEFUL_FOR)}


def _from_now(span: timedelta) -> ExpressionWrapper:
    return ExpressionWrapper(Now() + Value(span, DurationField()), DateTimeField())


def _take(conversation: Conversation, by: Person) -> None:
    """Whoever answers what was nobody's has it from then on."""
    triaging.take(conversation, by)


def _locked(reply: Reply) -> Reply:
    found = Reply.objects.select_related("conversation", "channel", "answerable", "to_message")
    return found.select_for_update(of=("self",)).get(pk=reply.pk)


def _move(reply: Reply, state: str, reason: str) -> None:
    reply.state, reply.reason = state, reason
    reply.save(update_fields=["state", "reason"])


def _schedule(reply: Reply) -> None:
    for name, value in _due(0.0).items():
        setattr(reply, name, value)
    reply.state, reply.reason, reply.tries, reply.looks = "scheduled", "", 0, 0
    reply.save()
    reply.refresh_from_db()
