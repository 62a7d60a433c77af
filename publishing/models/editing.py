"""Who has a post open to change it, and what they have written there and not saved."""

from django.db import models
from django.db.models import Q


class Editing(models.Model):
    """One page that a person has open on a post (`tab` is made by the browser), kept apart from all others.

    `unsaved` maps the composer's fields to what stood in them ({name: [values]}), begun from revision `began_at`; null
    where nothing is. It is no revision: it touches no approval, and nothing of it is ever sent. `ended` once saved, so
    that an answer on its way does not bring back what was saved.
    """

    post = models.ForeignKey("publishing.Post", models.CASCADE, related_name="editings")
    person = models.ForeignKey("accounts.Person", models.CASCADE, related_name="+")
    tab = models.UUIDField()
    seen_at = models.DateTimeField()
    unsaved = models.JSONField(null=True)
    began_at = models.PositiveIntegerField(default=0)
    kept_at = models.DateTimeField(null=True, blank=True)
    ended = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "tab"], name="one_editing_a_tab"),
            models.CheckConstraint(
                condition=Q(unsaved=None) | Q(kept_at__isnull=False), name="unsaved_text_has_a_time"
            ),
        ]

    def __str__(self):
        return f"{self.person} on {self.post}"
