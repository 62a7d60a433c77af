"""How somebody gets a login, and how somebody who left gets one back: there is no sign-up."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Invitation(models.Model):
    """Good once, until `expires_at`. The link is signed and never stored (accounts.invitations.link)."""

    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="invitations")
    invited_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    invited_at = models.DateTimeField(db_default=Now(), editable=False)  # compared with departures: one clock
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)  # replaced by a newer one, or called off

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person"], condition=Q(accepted_at=None, withdrawn_at=None), name="one_open_invitation"
            ),
            models.CheckConstraint(condition=Q(accepted_at=None) | Q(withdrawn_at=None), name="accepted_or_withdrawn"),
        ]

    def __str__(self):
        return f"invitation of {self.person}"
