"""Who may see a conversation: whoever sees its channel. Who may act on it: whoever may answer there."""

from django.http import Http404

from accounts.models import Person, User
from channels_registry.permissions import require, seen_by
from inbox.models import Conversation, Reply


def access_conversation(user: User, pk: int, right: str = "see") -> Conversation:
    """The conversation, for somebody with this right on its channel; Http404 where it may not even be seen."""
    conversations = Conversation.objects.select_related("channel", "contact", "assigned_to")
    conversation = conversations.filter(pk=pk, channel__in=seen_by(user.person)).first()
    if conversation is None:
        raise Http404
    if right != "see":
        require(user.person, right, conversation.channel)
    return conversation


def access_reply(user: User, pk: int) -> Reply:
    replies = Reply.objects.select_related("conversation__channel", "answerable")
    reply = replies.filter(pk=pk, channel__in=seen_by(user.person)).first()
    if reply is None:
        raise Http404
    return reply


def require_answer(person: Person, conversation: Conversation) -> None:
    """Raises PermissionDenied unless this person may answer on the conversation's channel."""
    require(person, "answer", conversation.channel)
