from django.db import models


class InboundEvent(models.Model):
    """What a network said, raw, stored before anything is made of it. Unique, so that a repeat is harmless."""

    channel = models.ForeignKey("channels_registry.Channel", models.PROTECT, related_name="inbound_events")
    remote_id = models.CharField(max_length=400)
    version = models.BigIntegerField(default=0)
    source = models.CharField(max_length=8)  # "poll" or "webhook"
    payload = models.JSONField()
    received_at = models.DateTimeField(auto_now_add=True)
    processed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "remote_id", "version"], name="one_inbound_event")]


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
    received_at = models.DateTimeField(auto_now_add=True)
    url = models.CharField(max_length=600, blank=True, default="")
    version = models.BigIntegerField(default=0)
    history = models.JSONField(default=list)  # earlier texts, when the customer edits
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
    due_at = models.DateTimeField(db_index=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    last_read_at = models.DateTimeField(null=True, blank=True)
    trouble = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "kind"], name="one_cursor")]
