"""The calendar as other programs read it: a private link of one person's."""

from django.db import models


class CalendarFeed(models.Model):
    """Its link is the secret; only the link's hash is kept. It shows what its person may see when it is read."""

    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="calendar_feeds")
    name = models.CharField(max_length=80)
    bound_to = models.CharField(max_length=64, default="")  # to how its person signs in, as an API token is
    token_hash = models.CharField(max_length=64, unique=True)
    filters = models.JSONField(default=dict, blank=True)  # queries.calendar.Filters.said
    whole_text = models.BooleanField(default=False)  # else a post's title is all that it says
    made_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)  # the last time
    reads = models.PositiveIntegerField(default=0)  # in the hour that began
    reads_since = models.DateTimeField(auto_now_add=True)
    tag = models.CharField(max_length=64, blank=True, default="")  # a hash of what it said last,
    changed_at = models.DateTimeField(auto_now_add=True)  # and since when

    def __str__(self):
        return self.name
