"""Where webhooks go, and each that is due there."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from socialops.lib.delivery.models import Attempt, Delivery, State


class WebhookEndpoint(models.Model):
    """An address outside that is told what happens here, as far as its answerable person may see it.

    `events` names actions ("publication.published") and whole families ("publishing"). `channels` are ids, of a table
    that this app does not know; none named: all that the answerable person sees. `seq` is the seal of the trail up to
    which it has been told; events older than `since` are not for it.
    """

    description = models.CharField(max_length=120)
    url = models.CharField(max_length=600)
    events = ArrayField(models.CharField(max_length=60))
    channels = ArrayField(models.BigIntegerField(), default=list, blank=True)
    answerable = models.ForeignKey("accounts.Person", models.PROTECT, related_name="webhook_endpoints")
    created_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    sealed_secret = models.BinaryField(default=b"")
    sealed_old_secret = models.BinaryField(default=b"")  # signs as well until then, so that a receiver can change over
    old_secret_until = models.DateTimeField(null=True, blank=True)

    seq = models.BigIntegerField()
    since = models.DateTimeField()

    failures = models.PositiveIntegerField(default=0)  # in a row; any success begins anew
    failing_since = models.DateTimeField(null=True, blank=True)
    resting_until = models.DateTimeField(null=True, blank=True)  # nothing new is begun before
    last_success_at = models.DateTimeField(null=True, blank=True)

    paused_at = models.DateTimeField(null=True, blank=True)
    paused_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    paused_why = models.CharField(max_length=300, blank=True, default="")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False),
                name="somebody_takes_an_endpoint_away",
            ),
            models.CheckConstraint(condition=~Q(events=[]), name="an_endpoint_is_told_something"),
        ]

    def __str__(self):
        return self.description


class WebhookDelivery(Delivery):
    """One event for one endpoint. It is born held, and let go when its turn has come (accounts.announcing.release).

    `event` is None for a test. `channels`: those that `body` names. `key` is its webhook-id, the same at each attempt.
    """

    WORDS: ClassVar = {
        "held": "Waits its turn",
        "scheduled": "On its way",
        "done": "Delivered",
        "unknown": "Sent again soon",
    }

    endpoint = models.ForeignKey(WebhookEndpoint, models.PROTECT, related_name="deliveries", db_index=False)
    event = models.ForeignKey(
        "accounts.AuditEvent", models.DO_NOTHING, null=True, db_constraint=False, related_name="+"
    )
    action = models.CharField(max_length=60)
    channels = ArrayField(models.BigIntegerField(), default=list)
    body = models.TextField()
    again_of = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="again")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "event"], condition=Q(again_of=None), name="told_once_of_each_event"
            ),
            models.CheckConstraint(condition=Q(again_of=None) | ~Q(again_of=F("id")), name="not_again_of_itself"),
        ]
        indexes = [
            models.Index(fields=["endpoint", "-id"], name="webhooks_of_an_endpoint"),
            models.Index(fields=["endpoint", "id"], condition=Q(state="held"), name="webhooks_that_wait"),
            models.Index(
                fields=["endpoint"], condition=Q(state__in=["scheduled", "sending"]), name="webhooks_under_way"
            ),
        ]

    def __str__(self):
        return f"{self.action} to {self.endpoint}"

    def get_state_display(self) -> str:  # type: ignore[no-redef]
        return self.WORDS.get(self.state, State(self.state).label)


class WebhookAttempt(Attempt):
    delivery = models.ForeignKey(WebhookDelivery, models.CASCADE, related_name="attempts", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["delivery", "fence"], name="one_webhook_attempt_a_fence")]
