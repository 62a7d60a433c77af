"""A post that goes out again and again."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Recurrence(models.Model):
    """One variant at the wall times of a rule (RFC 5545) from `starts` on. Each of its times becomes a Publication,
    90 days ahead, known by its wall time: moved it is still that one, and skipped it stays away.
    """

    variant = models.ForeignKey("publishing.Variant", models.PROTECT, related_name="recurrences")
    rule = models.CharField(max_length=120)
    starts = models.DateTimeField()  # naive local time, stored as if UTC
    time_zone = models.CharField(max_length=64)
    skipped = ArrayField(models.CharField(max_length=16), default=list, blank=True)  # occurrences that a person dropped
    answerable = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)
    ended_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    under = models.ForeignKey(  # the approval under which it was expanded last,
        "publishing.Approval", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    looked_at = models.DateTimeField(null=True, blank=True)  # and when
    stalled_at = models.DateTimeField(null=True, blank=True)  # since when it is known that its person may not publish

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["variant"], condition=models.Q(ended_at=None), name="one_standing_recurrence_a_variant"
            ),
        ]

    def __str__(self):
        return self.rule
