"""Somebody who is away for a while, and who decides in their place meanwhile."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class AbsenceQuerySet(models.QuerySet):
    def now(self):
        return self.filter(withdrawn_at=None, starts_at__lte=Now(), ends_at__gt=Now())


class Absence(models.Model):
    """Whole days in the person's zone, kept as the instants at which they begin and end."""

    person = models.ForeignKey("accounts.Person", models.CASCADE, related_name="absences")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    delegate = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    is_leave = models.BooleanField(default=False)  # a leave of absence, said by the company and not by themselves
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = AbsenceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="an_absence_ends_after_it_begins"),
            models.CheckConstraint(
                condition=Q(delegate=None) | ~Q(delegate=F("person")), name="nobody_stands_in_for_themselves"
            ),
        ]
        indexes = [models.Index(fields=["starts_at", "ends_at"], condition=Q(withdrawn_at=None), name="who_is_away")]
