"""What the database itself refuses: moves between states that nobody declared."""

from django.db import migrations

from inbox.models.conversation import CONVERSATION_BIRTHS, CONVERSATION_MOVES
from socialops.lib.delivery.rules import delivery_rules
from socialops.lib.sql import declared_transitions


class Migration(migrations.Migration):
    dependencies = [("inbox", "0001_initial")]

    operations = [
        declared_transitions("inbox_conversation", CONVERSATION_MOVES, CONVERSATION_BIRTHS),
        *delivery_rules("inbox_reply", "inbox_replyattempt"),
    ]
