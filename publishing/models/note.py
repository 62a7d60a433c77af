"""What people write onto a day of the calendar, or onto several."""

from django.db import models
from django.db.models import F, Q


class Note(models.Model):
    """On dates, which are the same in every zone. Of a campaign, or for everybody who plans."""

    class Colour(models.TextChoices):
        GREY = "plain", "Grey"
        BLUE = "accent", "Blue"
        GREEN = "ok", "Green"
        AMBER = "wait", "Amber"
        VIOLET = "unsure", "Violet"

    title = models.CharField(max_length=80)
    first = models.DateField()
    last = models.DateField()
    colour = models.CharField(max_length=8, choices=Colour.choices, default=Colour.GREY)
    campaign = models.ForeignKey("publishing.Campaign", models.PROTECT, null=True, blank=True, related_name="notes")
    added_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(last__gte=F("first")), name="a_note_ends_after_it_begins")]
        indexes = [models.Index(fields=["last", "first"], name="notes_of_days")]

    def __str__(self):
        return self.title
