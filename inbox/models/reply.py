from django.db import models
from django.db.models import Q

from socialops.lib.delivery.models import Attempt, Delivery, State


class Reply(Delivery):
    """Our answer, due when the undo is over. `answerable` must hold the right to answer on the channel at the claim.

    It answers every message of the conversation up to and including `to_message`, the last one its writer had seen.
    """

    WORDS = dict(State.choices) | {"done": "Sent"}  # what people read for each state

    conversation = models.ForeignKey("inbox.Conversation", models.PROTECT, related_name="replies")
    channel = models.ForeignKey("channels_registry.Channel", models.PROTECT, related_name="+")
    to_message = models.ForeignKey("inbox.Message", models.PROTECT, related_name="+")
    text = models.TextField()
    answerable = models.ForeignKey("accounts.Person", models.PROTECT, related_name="replies")
    token = models.CharField(max_length=40, blank=True, default="")  # of the form: the same form twice is one reply
    human_confirmed_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name_plural = "replies"
        constraints = [
            models.CheckConstraint(
                condition=(Q(state="sending") & Q(lease_until__isnull=False))
                | (~Q(state="sending") & Q(lease_until__isnull=True)),
                name="reply_lease_while_sending",
            ),
            models.UniqueConstraint(fields=["conversation", "token"], condition=~Q(token=""), name="one_reply_a_form"),
            models.CheckConstraint(
                condition=~Q(state="done") | ~Q(remote_id="") | Q(human_confirmed_by__isnull=False),
                name="reply_done_means_it_is_there",
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at", "id"], condition=Q(state="scheduled"), name="reply_due"),
            models.Index(fields=["lease_until"], condition=Q(state="sending"), name="reply_leases"),
            models.Index(fields=["channel"], condition=~Q(state__in=["done", "cancelled"]), name="reply_unsettled"),
        ]

    def get_state_display(self) -> str:  # type: ignore[no-redef]
        return self.WORDS[self.state]


class ReplyAttempt(Attempt):
    delivery = models.ForeignKey(Reply, models.CASCADE, related_name="attempts")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["delivery", "fence"], name="one_reply_attempt_a_fence")]
