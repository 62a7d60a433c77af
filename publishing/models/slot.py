"""The times of a week at which a channel's queue goes out."""

from django.db import models

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Slot(models.Model):
    """One weekday at one wall time in the channel's zone. 0 is Monday."""

    channel = models.ForeignKey("channels_registry.Channel", models.CASCADE, related_name="slots")
    weekday = models.PositiveSmallIntegerField(choices=list(enumerate(DAYS)))
    at = models.TimeField()
    added_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "weekday", "at"], name="one_slot_a_time"),
            models.CheckConstraint(condition=models.Q(weekday__lt=7), name="a_week_has_seven_days"),
        ]

    def __str__(self):
        return f"{DAYS[self.weekday]} {self.at:%H:%M}"
