"""A human of record, with or without a login."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from socialops.lib.wall_clock import known_time_zone


def monday_to_friday() -> list[int]:
    return [0, 1, 2, 3, 4]


class PersonQuerySet(models.QuerySet):
    def departed(self):
        """People whose departure has come, by the database's clock."""
        return self.filter(
            departures__withdrawn_at__isnull=True, departures__returned_at__isnull=True, departures__at__lte=Now()
        )

    def present(self):
        return self.exclude(pk__in=Person.objects.departed().values("pk"))


class Person(models.Model):
    name = models.CharField(max_length=120)
    email = models.EmailField(unique=True)
    title = models.CharField(max_length=120, blank=True, default="")
    time_zone = models.CharField(max_length=64, default="UTC", validators=[known_time_zone])
    working_days = ArrayField(models.PositiveSmallIntegerField(), default=monday_to_friday)  # 0 is Monday
    working_from = models.TimeField(default=time(9))
    working_until = models.TimeField(default=time(17))
    manager = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="reports")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PersonQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "people"

    def __str__(self):
        return self.name

    def works_at(self, instant: datetime) -> bool:
        """Whether it is within their working hours, as their clock shows it."""
        local = instant.astimezone(ZoneInfo(self.time_zone))
        return local.weekday() in self.working_days and self.working_from <= local.time() < self.working_until


class Role(models.TextChoices):
    """Company-wide roles in this application. What somebody may do on a channel is an AccessGrant, never a role."""

    ADMIN = "admin", "Administrator"  # people, channels, connections, departures
    SOCIAL_LEAD = "social_lead", "Social lead"  # holds, every channel's calendar
    AUDITOR = "auditor", "Auditor"  # reads everything, exports evidence, changes nothing


class RoleAssignment(models.Model):
    """A role held by a person. A row, so that who gave it and when is kept."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="roles")
    role = models.CharField(max_length=20, choices=Role.choices)
    given_by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    given_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "role"], condition=Q(ended_at=None), name="one_live_role"),
        ]
