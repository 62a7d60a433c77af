"""Emergency access by two people: asked for, confirmed by a second one, over by itself, reported, and looked at."""

from django.db import models
from django.db.models import F, Q

GLASS_MOVES: dict[str, set[str]] = {
    "asked": {"open", "refused", "withdrawn", "lapsed"},
    "open": {"over"},
    "over": {"reported"},
    "reported": {"reviewed", "over"},  # over: the report did not suffice
    "refused": set(),
    "withdrawn": set(),
    "lapsed": set(),
    "reviewed": set(),
}


class BreakGlass(models.Model):
    class State(models.TextChoices):
        ASKED = "asked", "Waits for a second person"
        OPEN = "open", "Open"
        OVER = "over", "Over, the report is due"
        REPORTED = "reported", "Reported, to be reviewed"
        REVIEWED = "reviewed", "Reviewed"
        REFUSED = "refused", "Refused"
        WITHDRAWN = "withdrawn", "Withdrawn"
        LAPSED = "lapsed", "Nobody confirmed it in time"

    asked_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    channel = models.ForeignKey("channels_registry.Channel", models.PROTECT, related_name="break_glasses")
    entitlement = models.CharField(max_length=20)
    reason = models.CharField(max_length=300)
    incident = models.CharField(max_length=120)  # the number or address of what happened
    minutes = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.ASKED)
    asked_at = models.DateTimeField()
    confirm_by = models.DateTimeField()  # after which it lapses; alone: by when a second person has to have looked
    alone = models.BooleanField(default=False)  # opened by one person (BREAK_GLASS_ALONE)
    confirmed_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    grant = models.ForeignKey("channels_registry.AccessGrant", models.PROTECT, null=True, blank=True, related_name="+")
    report = models.TextField(blank=True, default="")
    report_due_at = models.DateTimeField(null=True, blank=True)
    reported_at = models.DateTimeField(null=True, blank=True)
    reviewed_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True, blank=True)
    review = models.CharField(max_length=300, blank=True, default="")
    alarmed_at = models.DateTimeField(null=True, blank=True)  # when somebody was told that something is overdue

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed_by=None) | ~Q(confirmed_by=F("asked_by")), name="a_second_person_confirms"
            ),
            models.CheckConstraint(
                condition=Q(reviewed_by=None) | ~Q(reviewed_by=F("asked_by")), name="somebody_else_reviews_the_report"
            ),
            models.CheckConstraint(
                condition=~Q(state="open") | Q(alone=True) | Q(confirmed_by__isnull=False), name="two_people_open_it"
            ),
            models.CheckConstraint(condition=Q(minutes__gte=1, minutes__lte=240), name="four_hours_at_most"),
        ]

    def __str__(self):
        return f"break-glass on {self.channel.name} by {self.asked_by}"
