from inbox.models.conversation import Assignment, Contact, Conversation
from inbox.models.message import InboundEvent, Message, PollCursor
from inbox.models.reply import Reply, ReplyAttempt

__all__ = ["Assignment", "Contact", "Conversation", "InboundEvent", "Message", "PollCursor", "Reply", "ReplyAttempt"]
