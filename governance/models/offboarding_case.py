"""One departure, followed until every door is graded. Departures are accounts', revocations channels_registry's."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class OffboardingBatch(models.Model):
    """Many who leave at once, such as an agency: one departure and one case each, followed together."""

    name = models.CharField(max_length=120)
    owner = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self):
        return self.name


class OffboardingCase(models.Model):
    class State(models.TextChoices):
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"
        WITHDRAWN = "withdrawn", "Withdrawn"

    departure = models.OneToOneField("accounts.Departure", models.PROTECT, related_name="case")
    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="offboarding_cases")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    owner = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    # Whom their channels go to where there is no backup owner.
    successor = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    batch = models.ForeignKey(OffboardingBatch, models.PROTECT, null=True, blank=True, related_name="cases")
    opened_at = models.DateTimeField(auto_now_add=True)
    swept_at = models.DateTimeField(null=True, blank=True)  # when the doors were turned into revocations
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")


CASE_MOVES: dict[str, set[str]] = {
    "open": {"closed", "withdrawn"},
    "closed": {"open"},  # a door of the leaver was found, or found open again
    "withdrawn": set(),
}


class CaseDoor(models.Model):
    """A door that this case has to see shut."""

    case = models.ForeignKey(OffboardingCase, models.CASCADE, related_name="doors")
    revocation = models.ForeignKey("channels_registry.Revocation", models.PROTECT, related_name="case_doors")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "revocation"], name="one_door_a_case")]


class RiskAcceptance(models.Model):
    """A door that cannot be proven shut, accepted by name: one person asks, another accepts."""

    door = models.OneToOneField(CaseDoor, models.CASCADE, related_name="acceptance")
    asked_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    reason = models.TextField()
    accepted_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    accepted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(accepted_by=None) | ~Q(accepted_by=models.F("asked_by")), name="accepted_by_a_second_person"
            ),
        ]
