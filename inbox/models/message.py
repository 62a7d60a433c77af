from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class InboundEvent(models.Model):
    """What a network said, raw, stored before anything is made of it. Unique, so that a repeat is harmless.

    A deletion may carry the version of what it deletes, so it counts as an event of its own.
    """

    channel = models.ForeignKey("channels_registry.Channel", models.PROTECT, related_name="inbound_events")
    remote_id = models.CharField(max_length=400)
    version = models.BigIntegerField(default=0)
    deleted = models.BooleanField(default=False)
    source = models.CharField(max_length=8)  # "poll" or "webhook"
    payload = models.JSONField()
    received_at = models.DateTimeField(db_default=Now())
    processed_at = models.DateTimeField(null=True)
    trouble = models.CharField(max_length=300, blank=True, default="")  # why nothing was made of it; for the log

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "remote_id", "version", "deleted"], name="one_inbound_event"),
        ]
        indexes = [models.Index(fields=["channel", "id"], condition=Q(processed_at=None), name="inbound_unprocessed")]


class Message(models.Model):
    class Direction(models.TextChoices):
        IN = "in", "From the customer"
        OUT = "out", "From us"

    conversation = models.ForeignKey("inbox.Conversation", models.CASCADE, related_name="messages")
    channel = models.ForeignKey("channels_registry.Channel", models.PROTECT, related_name="+")
    remote_id = models.CharField(max_length=400)
    direction = models.CharField(max_length=3, choices=Direction.choices)
    author_handle = models.CharField(max_length=200, blank=True, default="")
    text = models.TextField()
    at = models.DateTimeField()
    received_at = models.DateTimeField(db_default=Now())
    url = models.CharField(max_length=600, blank=True, default="")
    version = models.BigIntegerField(default=0)
    history = models.JSONField(default=list)  # earlier texts when the customer edits: {"version", "text", "at"}
    deleted_at = models.DateTimeField(null=True, blank=True)  # deleted over there; the text stays here
    reply_to = models.JSONField(default=dict)  # what the connector needs to answer this one
    reply = models.OneToOneField("inbox.Reply", models.SET_NULL, null=True, blank=True, related_name="message")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "remote_id"], name="one_message")]
        indexes = [models.Index(fields=["conversation", "at"], name="thread_in_order")]


class PollCursor(models.Model):
    """How far a channel was read, a kind each. Leased, so that two workers never read the same at once."""

    channel = models.ForeignKey("channels_registry.Channel", models.CASCADE, related_name="poll_cursors")
    kind = models.CharField(max_length=20)
    cursor = models.TextField(blank=True, default="")
    marks = models.JSONField(default=list)  # [[when, cursor]]: where we were, so that the last minutes are read again
    swept_at = models.DateTimeField(null=True, blank=True)  # when they were last read again
    due_at = models.DateTimeField(db_index=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.BigIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)  # in a row
    last_read_at = models.DateTimeField(null=True, blank=True)
    trouble = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "kind"], name="one_cursor")]
