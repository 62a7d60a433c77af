"""A departure is a fact with a time. Authentication and every permission read it; nothing has to run for it to hold."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Departure(models.Model):
    """`at` is the minute from which the person is out (UTC); `wall_time` and `time_zone` are how it was said.

    Recorded by a person, or by what came in with a key of the directory; who answers for the key is no recorder.
    """

    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="departures")
    at = models.DateTimeField()
    wall_time = models.DateTimeField(null=True, blank=True)  # naive local time, stored as if UTC
    time_zone = models.CharField(max_length=64, default="UTC")
    reason = models.CharField(max_length=200, blank=True, default="")
    recorded_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    key = models.ForeignKey("accounts.DirectoryKey", models.PROTECT, null=True, blank=True, related_name="departures")
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    quiet = models.BooleanField(default=False)  # until its minute only `confidants` know, besides who recorded it
    confidants = models.ManyToManyField("accounts.Person", blank=True, related_name="+")
    returned_at = models.DateTimeField(null=True, blank=True)  # came back, by a new invitation
    swept_at = models.DateTimeField(null=True, blank=True)  # when sessions, keys and logins were cleaned up

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person"], condition=Q(withdrawn_at=None, returned_at=None), name="one_standing_departure"
            ),
            models.CheckConstraint(condition=Q(returned_at=None) | Q(withdrawn_at=None), name="returned_or_withdrawn"),
            models.CheckConstraint(
                condition=Q(recorded_by__isnull=False) | Q(key__isnull=False), name="somebody_records_a_departure"
            ),
        ]
        indexes = [models.Index(fields=["at"], name="departure_at")]
