from django.db import models
from django.db.models import Q

from socialops.lib.delivery.models import Attempt, Delivery


class Reply(Delivery):
    """Our answer, due at once. `answerable` must hold the right to answer on the channel when it is claimed."""

    conversation = models.ForeignKey("inbox.Conversation", models.PROTECT, related_name="replies")
    channel = models.ForeignKey("channels_registry.Channel", models.PROTECT, related_name="+")
    to_message = models.ForeignKey("inbox.Message", models.PROTECT, related_name="+")
    text = models.TextField()
    answerable = models.ForeignKey("accounts.Person", models.PROTECT, related_name="replies")
    human_confirmed_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name_plural = "replies"
        constraints = [
            models.CheckConstraint(
                condition=(Q(state="sending") & Q(lease_until__isnull=False))
                | (~Q(state="sending") & Q(lease_until__isnull=True)),
                name="reply_lease_while_sending",
            ),
        ]
        indexes = [models.Index(fields=["next_attempt_at", "id"], condition=Q(state="scheduled"), name="reply_due")]


class ReplyAttempt(Attempt):
    delivery = models.ForeignKey(Reply, models.CASCADE, related_name="attempts")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["delivery", "fence"], name="one_reply_attempt_a_fence")]
