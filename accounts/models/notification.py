from django.db import models
from django.db.models import Q


class Notification(models.Model):
    """Something waits for this person. `url` is a path in this application."""

    person = models.ForeignKey("accounts.Person", models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=60)
    text = models.CharField(max_length=300)
    url = models.CharField(max_length=300, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True, blank=True)
    by_mail = models.BooleanField(default=False)  # cannot wait until they look
    mailed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["person", "-created_at"], condition=Q(read_at=None), name="unread_notifications"),
            models.Index(
                fields=["person"], condition=Q(by_mail=True, mailed_at=None, read_at=None), name="to_be_mailed"
            ),
        ]
