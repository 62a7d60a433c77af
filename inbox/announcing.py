"""What webhooks may say of the inbox: which conversation, never who wrote or what."""

from accounts.announcing import Subject, declare
from inbox.models import Conversation

declare("inbox", "Inbox", ("conversation", "reply"), [Subject(Conversation, "channel", "")])
