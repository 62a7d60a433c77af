from django.db import models

from socialops.lib.delivery.models import Attempt, Delivery


class MailDelivery(Delivery):
    """A mail that is due. Nobody answers for it, so nobody's departure stops it."""

    to = models.EmailField()
    subject = models.CharField(max_length=200)
    body = models.TextField()
    person = models.ForeignKey("accounts.Person", models.SET_NULL, null=True, blank=True, related_name="+")

    def __str__(self):
        return self.subject


class MailAttempt(Attempt):
    delivery = models.ForeignKey(MailDelivery, models.CASCADE, related_name="attempts")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["delivery", "fence"], name="one_mail_attempt_a_fence")]
