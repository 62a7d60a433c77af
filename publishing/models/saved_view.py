"""A way of looking at the calendar, kept under a name."""

from django.db import models


class SavedView(models.Model):
    """What narrows the calendar, and how it is laid out. It shows each reader what they may see, and no more."""

    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="saved_views")
    name = models.CharField(max_length=60)
    layout = models.CharField(max_length=8)  # month, week, day or list
    filters = models.JSONField(default=dict, blank=True)  # queries.calendar.Filters.said
    shared = models.BooleanField(default=False)  # offered to everybody
    saved_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "name"], name="one_saved_view_a_name")]

    def __str__(self):
        return self.name


class OpeningView(models.Model):
    """What the calendar opens with for one person: a view of their own, or one that is shared."""

    person = models.OneToOneField("accounts.Person", models.CASCADE, primary_key=True, related_name="+")
    view = models.ForeignKey(SavedView, models.CASCADE, related_name="+")
