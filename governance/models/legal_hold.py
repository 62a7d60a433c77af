"""What may not be deleted, whatever its age, until somebody else says that it may. Never called a hold alone: that is
publishing's word for what may not go out."""

from django.db import models
from django.db.models import F, Q


class LegalHold(models.Model):
    class Scope(models.TextChoices):
        PERSON = "person", "A person"
        CHANNEL = "channel", "A channel"
        PERIOD = "period", "A period"
        EVERYTHING = "everything", "Everything"

    scope = models.CharField(max_length=10, choices=Scope.choices)
    person = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="legal_holds")
    channel = models.ForeignKey("channels_registry.Channel", models.PROTECT, null=True, blank=True, related_name="+")
    first = models.DateTimeField(null=True, blank=True)
    last = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300)
    placed_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    placed_at = models.DateTimeField(auto_now_add=True)
    lifted_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_reason = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(lifted_by=None) | ~Q(lifted_by=F("placed_by")), name="lifted_by_another"
            ),
            models.CheckConstraint(
                condition=Q(lifted_by=None, lifted_at=None) | Q(lifted_by__isnull=False, lifted_at__isnull=False),
                name="lifted_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(scope="person", person__isnull=False, channel=None, first=None, last=None)
                | Q(scope="channel", person=None, channel__isnull=False, first=None, last=None)
                | Q(scope="period", person=None, channel=None, first__isnull=False, last__gt=F("first"))
                | Q(scope="everything", person=None, channel=None, first=None, last=None),
                name="a_legal_hold_has_its_scope",
            ),
        ]
        indexes = [models.Index(fields=["scope"], condition=Q(lifted_at=None), name="standing_legal_holds")]

    def __str__(self) -> str:
        if self.person:
            return f"Legal hold on {self.person}"
        if self.channel:
            return f"Legal hold on {self.channel}"
        if self.first and self.last:
            return f"Legal hold on {self.first:%d %b %Y} to {self.last:%d %b %Y}"
        return "Legal hold on everything"


class Erasure(models.Model):
    """The data of a person who has left, erased where nothing obliges the company to keep it. Two people decide."""

    class State(models.TextChoices):
        ASKED = "asked", "Waits for a second person"
        CONFIRMED = "confirmed", "Being erased"
        DONE = "done", "Erased"
        WITHDRAWN = "withdrawn", "Withdrawn"

    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="erasures")
    state = models.CharField(max_length=9, choices=State.choices, default=State.ASKED)
    reason = models.CharField(max_length=300)
    asked_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    confirmed_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    gone = models.JSONField(default=dict)  # how many of each were erased
    problem = models.CharField(max_length=300, blank=True, default="")  # why it waits

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed_by=None) | ~Q(confirmed_by=F("asked_by")), name="erased_by_two"
            ),
            models.CheckConstraint(
                condition=~Q(asked_by=F("person")) & (Q(confirmed_by=None) | ~Q(confirmed_by=F("person"))),
                name="nobody_erases_themselves",
            ),
            models.UniqueConstraint(
                fields=["person"], condition=Q(state__in=("asked", "confirmed")), name="one_erasure_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"Erasure {self.pk}"  # never a name: it stands in the trail


ERASURE_MOVES: dict[str, set[str]] = {
    "asked": {"confirmed", "withdrawn"},
    "confirmed": {"done", "withdrawn"},
    "done": set(),
    "withdrawn": set(),
}
