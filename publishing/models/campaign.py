"""What several posts are for."""

from django.db import models
from django.db.models import Q


class Campaign(models.Model):
    """A goal with a time. `link_rule` maps a query parameter to its value, in which {network}, {channel} and {campaign}
    stand for what they say; it is added to the links of the campaign's posts.
    """

    name = models.CharField(max_length=120)
    goal = models.CharField(max_length=300, blank=True, default="")
    audience = models.CharField(max_length=300, blank=True, default="")
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    budget_code = models.CharField(max_length=40, blank=True, default="")
    link_rule = models.JSONField(default=dict, blank=True)
    owner = models.ForeignKey("accounts.Person", models.PROTECT, related_name="campaigns")
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name"], condition=Q(archived_at=None), name="one_campaign_a_name"),
            models.CheckConstraint(
                condition=Q(starts_on=None) | Q(ends_on=None) | Q(ends_on__gte=models.F("starts_on")),
                name="a_campaign_ends_after_it_starts",
            ),
        ]

    def __str__(self):
        return self.name
