"""Somebody from outside who agrees to single posts: no seat here, no session, a link for one post each time."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower


class ExternalApprover(models.Model):
    name = models.CharField(max_length=120)
    email = models.EmailField()
    company = models.CharField(max_length=120, blank=True, default="")
    added_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    added_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), condition=Q(ended_at=None), name="one_external_an_address"),
        ]

    def __str__(self):
        return f"{self.name} ({self.company})" if self.company else self.name


class AgreementLink(models.Model):
    """Opens one request at one place. The address is signed when the mail is sent and never stored, nor is the code:
    it is worked out from `nonce`, which is new each time, and the installation's secret.
    """

    ask = models.ForeignKey("publishing.Ask", models.CASCADE, related_name="links")
    made_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)  # a decision was given through it
    nonce = models.CharField(max_length=32, blank=True, default="")
    code_sent_at = models.DateTimeField(null=True, blank=True)
    code_tries = models.PositiveSmallIntegerField(default=0)
    codes_sent = models.PositiveSmallIntegerField(default=0)
