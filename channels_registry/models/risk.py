"""How much harm a channel could do in the wrong hands: points a factor, added up, and a tier for the sum.

Pure arithmetic. Whoever disagrees overrides it by name, with a reason and until a day (RiskOverride).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import models
from django.db.models import Q

HIGH, MEDIUM = 60, 30  # points from which on
# the smallest audience of a step, its points, its words
AUDIENCE = (
    (100_000, 30, "100,000 followers or more"),
    (10_000, 20, "10,000 to 99,999 followers"),
    (1_000, 10, "1,000 to 9,999 followers"),
    (0, 0, "fewer than 1,000 followers"),
)
UNKNOWN_AUDIENCE = 10
HOLDERS = ((20, 15, "20 people or more"), (8, 8, "8 to 19 people"), (0, 0, "fewer than 8 people"))
REGULATED, VERIFIED, ADS, CRISIS = 20, 10, 10, 20


class Kind(models.TextChoices):
    CORPORATE = "corporate", "The company’s own voice"
    EXECUTIVE = "executive", "A person who speaks for the company"
    CARE = "care", "Customer care"
    BRAND = "brand", "A brand or product"
    LOCAL = "local", "A shop, a region, a site"
    JOBS = "jobs", "Jobs"
    OTHER = "other", "Something else"


KIND_POINTS = {"corporate": 20, "executive": 20, "care": 15, "brand": 10, "local": 5, "jobs": 5, "other": 5}


@dataclass(frozen=True)
class Factor:
    """One line of the sum: what is asked, what the answer is, its points, and how many there could have been."""

    label: str
    answer: str
    points: int
    most: int


@dataclass(frozen=True)
class Score:
    factors: Sequence[Factor]
    points: int
    tier: str  # of Channel.RiskTier


def score(
    *, audience: int | None, kind: str, regulated: bool, verified: bool, ads: bool, crisis: bool, holders: int
) -> Score:
    """`holders`: how many people can do something through any door."""
    reach = next((each for each in AUDIENCE if audience is not None and audience >= each[0]), None)
    hands = next(each for each in HOLDERS if holders >= each[0])
    factors = [
        Factor("Audience", reach[2] if reach else "not known", reach[1] if reach else UNKNOWN_AUDIENCE, 30),
        Factor("Whose voice it is", str(Kind(kind).label), KIND_POINTS[kind], 20),
        _yes("Speaks for a regulated entity", regulated, REGULATED),
        _yes("Speaks in a crisis", crisis, CRISIS),
        _yes("Verified by the network", verified, VERIFIED),
        _yes("Can spend on advertising", ads, ADS),
        Factor("People who can act through some door", hands[2], hands[1], 15),
    ]
    points = sum(factor.points for factor in factors)
    tier = "high" if points >= HIGH else "medium" if points >= MEDIUM else "low"
    return Score(factors, points, tier)


def _yes(label: str, answer: bool, points: int) -> Factor:
    return Factor(label, "yes" if answer else "no", points if answer else 0, points)


class RiskOverride(models.Model):
    """A tier that a person has said instead of the arithmetic's. Kept when it has ended."""

    channel = models.ForeignKey("channels_registry.Channel", models.CASCADE, related_name="risk_overrides")
    tier = models.CharField(max_length=6)  # of Channel.RiskTier
    computed = models.CharField(max_length=6)  # what the arithmetic said then
    reason = models.CharField(max_length=300)
    by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    until = models.DateField()  # the last day it counts
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["channel"], condition=Q(ended_at=None), name="one_standing_risk_override_a_channel"
            ),
        ]

    def __str__(self):
        return f"{self.tier} instead of {self.computed} for {self.channel}"
