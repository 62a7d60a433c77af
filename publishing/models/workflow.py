"""Who has to agree to which posts: written down once, copied into each request when it is made."""

from dataclasses import dataclass

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from channels_registry.models import Channel
from publishing.models.approval import Remit, Rule


@dataclass(frozen=True)
class Traits:
    """What conditions ask of a post. `text` is everything it says, in small letters, and once more
    folded, so that no look-alike letter and no invisible space hides a word."""

    tiers: frozenset[str]
    campaign: int | None
    text: str
    media: bool
    boosted: bool


class Conditions(models.Model):
    """Every one that is set has to hold; of several tiers or words one is enough. None set: it always holds."""

    risk_tiers = ArrayField(
        models.CharField(max_length=6, choices=Channel.RiskTier.choices), default=list, blank=True
    )  # the highest of the post's channels counts
    words = ArrayField(models.CharField(max_length=80), default=list, blank=True)  # lower case; each within a word
    has_media = models.BooleanField(default=False)
    boosted = models.BooleanField(default=False)

    class Meta:
        abstract = True

    @property
    def always(self) -> bool:
        return not (self.risk_tiers or self.words or self.has_media or self.boosted)

    def match(self, traits: Traits) -> bool:
        return (
            (not self.risk_tiers or bool(traits.tiers & set(self.risk_tiers)))
            and (not self.words or any(word in traits.text for word in self.words))
            and (traits.media or not self.has_media)
            and (traits.boosted or not self.boosted)
        )

    @property
    def in_words(self) -> str:
        tiers = dict(Channel.RiskTier.choices)
        said = [
            f"a channel of {' or '.join(tiers[t].lower() for t in self.risk_tiers)} risk" if self.risk_tiers else "",
            f"a text with {' or '.join(f'“{w}”' for w in self.words)}" if self.words else "",
            "pictures or films" if self.has_media else "",
            "paid promotion" if self.boosted else "",
        ]
        return ", ".join(filter(None, said))


class ApprovalWorkflow(Conditions):
    """The first of those in use, by position, whose conditions hold for a post says who is asked about it."""

    name = models.CharField(max_length=80)
    position = models.PositiveSmallIntegerField(default=1)
    campaigns = models.ManyToManyField("publishing.Campaign", blank=True, related_name="+")
    created_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    campaign_ids: list[int]  # where queries.workflows read them

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name"], condition=Q(archived_at=None), name="one_workflow_a_name"),
        ]

    def __str__(self):
        return self.name


class ApprovalStep(Conditions):
    """Steps of one position are asked at once. `hours`: how long those who are asked have, where no time is wanted."""

    workflow = models.ForeignKey(ApprovalWorkflow, models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField(default=1)
    name = models.CharField(max_length=80)
    remit = models.CharField(max_length=10, choices=Remit.choices, default=Remit.FACTS)
    rule = models.CharField(max_length=4, choices=Rule.choices, default=Rule.ANY)
    needed = models.PositiveSmallIntegerField(default=1)
    anyone = models.BooleanField(default=False)  # whoever may approve on every channel
    people = models.ManyToManyField("accounts.Person", blank=True, related_name="+")
    teams = models.ManyToManyField("accounts.Team", blank=True, related_name="+")
    externals = models.ManyToManyField("publishing.ExternalApprover", blank=True, related_name="+")
    hours = models.PositiveSmallIntegerField(default=24)

    own: list[int]  # where queries.steps_of read them: the people who are named,
    outside: list[int]  # those from outside who are,
    members: list[int]  # and those of the teams that are

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(needed__gte=1, hours__gte=1), name="a_step_needs_somebody_and_time"),
        ]

    def __str__(self):
        return self.name
