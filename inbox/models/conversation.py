"""What one customer and we said to one another in one thread."""

from django.db import models
from django.db.models import Q


class Contact(models.Model):
    """Somebody who writes to us on one network."""

    network = models.CharField(max_length=40)
    remote_id = models.CharField(max_length=300)
    handle = models.CharField(max_length=200, blank=True, default="")
    name = models.CharField(max_length=200, blank=True, default="")
    first_seen_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["network", "remote_id"], name="one_contact")]

    def __str__(self):
        return self.name or self.handle or "Somebody"


class Conversation(models.Model):
    class State(models.TextChoices):
        OPEN = "open", "Open"
        PENDING = "pending", "Pending"  # we answered, the customer's turn
        SNOOZED = "snoozed", "Snoozed"
        RESOLVED = "resolved", "Resolved"

    channel = models.ForeignKey("channels_registry.Channel", models.PROTECT, related_name="conversations")
    contact = models.ForeignKey(Contact, models.PROTECT, related_name="conversations")
    thread_id = models.CharField(max_length=400)
    kind = models.CharField(max_length=10, default="comment")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    subject = models.CharField(max_length=160, blank=True, default="")  # first words of the first message
    assigned_to = models.ForeignKey(
        "accounts.Person", models.PROTECT, null=True, blank=True, related_name="conversations"
    )
    opened_at = models.DateTimeField()
    last_message_at = models.DateTimeField()
    preview = models.CharField(max_length=160, blank=True, default="")  # first words of the latest message
    waiting_since = models.DateTimeField(null=True, blank=True)  # oldest customer message not answered yet
    handled_to = models.BigIntegerField(
        default=0
    )  # messages up to this id were settled by resolving, without an answer
    handled_before = models.BigIntegerField(default=0)  # handled_to before the last resolving, for undoing it
    resolved_at = models.DateTimeField(null=True, blank=True)
    snoozed_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "contact", "thread_id"], name="one_conversation"),
            models.CheckConstraint(
                condition=Q(state="snoozed") | Q(snoozed_until=None), name="only_snoozed_has_an_end"
            ),
        ]
        indexes = [
            models.Index(fields=["state", "-last_message_at", "-id"], name="inbox_list"),
            models.Index(fields=["channel", "-last_message_at"], name="inbox_of_channel"),
            models.Index(fields=["contact", "-last_message_at"], name="inbox_of_contact"),
            models.Index(fields=["assigned_to", "state"], condition=~Q(state="resolved"), name="inbox_mine"),
            models.Index(fields=["snoozed_until"], condition=Q(state="snoozed"), name="inbox_snoozed"),
        ]

    def __str__(self):
        return self.subject or f"Conversation {self.pk}"


CONVERSATION_BIRTHS = {"open", "pending", "resolved"}  # history that is taken over is born settled
CONVERSATION_MOVES: dict[str, set[str]] = {
    "open": {"pending", "snoozed", "resolved"},
    "pending": {"open", "snoozed", "resolved"},
    "snoozed": {"open", "pending", "resolved"},
    "resolved": {"open"},
}


class Assignment(models.Model):
    """History of who was asked to take a conversation, and by whom."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="assignments")
    to = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    reason = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        ordering = ["pk"]
