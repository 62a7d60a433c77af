"""A campaign in which every door of a frozen population is looked at by somebody who neither has it nor gave it."""

from django.db import models
from django.db.models import F, Q

from channels_registry.models import Channel
from channels_registry.models.access_grant import AccessGrant, Door


class AccessReview(models.Model):
    """`scope` narrows the ledger; empty is all of it. Shape: {"channels": [id], "tiers": [tier], "brands": [text],
    "regions": [text], "owner": id, "manager": id, "person": id, "case": id}, each left out where it does not narrow.
    """

    class State(models.TextChoices):
        PREPARING = "preparing", "Being prepared"
        OPEN = "open", "Open"
        ATTESTED = "attested", "Attested"
        CANCELLED = "cancelled", "Cancelled"

    class Event(models.TextChoices):
        SCHEDULE = "schedule", "On schedule"
        MOVER = "mover", "Somebody moved"
        INCIDENT = "incident", "After an incident"
        OFFBOARDING = "offboarding", "After an offboarding"

    class Rule(models.TextChoices):
        OWNER = "owner", "The channel’s owner"
        MANAGER = "manager", "The line manager of who has the door"
        NAMED = "named", "One person"

    class Fallback(models.TextChoices):
        BACKUP = "backup", "The channel’s backup owner, then an administrator"
        ADMINISTRATOR = "administrator", "An administrator"

    name = models.CharField(max_length=120)
    scope = models.JSONField(default=dict)
    event = models.CharField(max_length=12, choices=Event.choices, default=Event.SCHEDULE)
    about = models.CharField(max_length=300, blank=True, default="")  # what happened
    rule = models.CharField(max_length=8, choices=Rule.choices, default=Rule.OWNER)
    named = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    fallback = models.CharField(max_length=14, choices=Fallback.choices, default=Fallback.BACKUP)
    due_at = models.DateTimeField()
    grace_high = models.PositiveSmallIntegerField(default=2)  # days of silence after due_at, then it is revoked
    grace_medium = models.PositiveSmallIntegerField(default=5)
    grace_low = models.PositiveSmallIntegerField(default=14)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PREPARING)
    opened_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()  # the moment at which the population was frozen
    last_grant = models.BigIntegerField()  # no younger row of the ledger is in it
    cursor = models.BigIntegerField(default=0)  # how far the ledger has been copied
    expected = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    ready_at = models.DateTimeField(null=True, blank=True)
    population_sha256 = models.CharField(max_length=64, blank=True, default="")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    ended_reason = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(due_at__gt=F("opened_at")), name="a_review_is_due_after_it_opens"),
            models.CheckConstraint(condition=~Q(rule="named") | Q(named__isnull=False), name="named_needs_a_name"),
        ]
        indexes = [models.Index(fields=["state"], name="reviews_by_state")]

    def __str__(self):
        return self.name

    def grace(self, tier: str) -> int:
        """Days of silence after which a door of this tier is revoked."""
        return {"high": self.grace_high, "medium": self.grace_medium, "low": self.grace_low}[tier]


REVIEW_MOVES: dict[str, set[str]] = {
    "preparing": {"open", "cancelled"},
    "open": {"attested", "cancelled"},
    "attested": set(),
    "cancelled": set(),
}


class ReviewItem(models.Model):
    """One door as it stood when the review was opened, who looks at it, and what they said.

    Undecided, or decided and not yet handed in (`submitted_at`): until then its reviewer may take it back.
    """

    class State(models.TextChoices):
        OPEN = "open", "To decide"
        CERTIFIED = "certified", "Certified"
        REVOKED = "revoked", "Revoked"
        ENDED = "ended", "Ended by itself"

    class Why(models.TextChoices):
        """Why this reviewer."""

        OWNER = "owner", "owns the channel"
        MANAGER = "manager", "is their line manager"
        NAMED = "named", "was named"
        BACKUP = "backup", "is the channel’s backup owner"
        ADMINISTRATOR = "administrator", "is an administrator"
        DELEGATE = "delegate", "stands in for who is away"
        HANDED = "handed", "was handed it"
        ESCALATED = "escalated", "was asked because nobody had answered in time"

    review = models.ForeignKey(AccessReview, models.PROTECT, related_name="items")
    # As it stood. The database refuses every change.
    grant = models.ForeignKey("channels_registry.AccessGrant", models.PROTECT, related_name="review_items")
    channel = models.ForeignKey("channels_registry.Channel", models.PROTECT, related_name="+", db_index=False)
    person = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    granted_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+", db_index=False)
    door = models.CharField(max_length=14, choices=Door.choices)
    entitlement = models.CharField(max_length=80)
    label = models.CharField(max_length=200, blank=True)
    source = models.CharField(max_length=10, choices=AccessGrant.Source.choices)
    holder = models.CharField(max_length=200)  # the person's name, else the network's name for who has it
    channel_name = models.CharField(max_length=120)
    tier = models.CharField(max_length=6, choices=Channel.RiskTier.choices)
    granted_reason = models.CharField(max_length=300, blank=True)
    granted_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    proven_at = models.DateTimeField(null=True)
    # Who looks at it.
    reviewer = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+", db_index=False)
    why = models.CharField(max_length=13, choices=Why.choices, blank=True)
    handed = models.JSONField(default=list)  # every change of hands: {"from", "to", "by", "why", "at"}
    escalated_at = models.DateTimeField(null=True)
    shown_at = models.DateTimeField(null=True)  # when its page was first sent to its reviewer
    # What they said.
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    decided_by = models.ForeignKey(
        "accounts.Person", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField(null=True)
    seconds = models.FloatField(null=True)  # from shown_at to decided_at; none if it was never opened
    many = models.BooleanField(default=False)  # decided together with others
    lapsed = models.BooleanField(default=False)  # nobody answered, so it was revoked
    reason = models.CharField(max_length=500, blank=True, default="")
    submitted_at = models.DateTimeField(null=True)
    revocation = models.ForeignKey(
        "channels_registry.Revocation", models.PROTECT, null=True, related_name="review_items"
    )
    # A revocation that cannot be proven, taken on by name.
    accepted_by = models.ForeignKey(
        "accounts.Person", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    accepted_at = models.DateTimeField(null=True)
    accepted_reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["review", "grant"], name="one_item_a_door"),
            # A null beside a comparison passes, so what is not known of a door refuses nobody.
            models.CheckConstraint(condition=~Q(reviewer=F("person")), name="nobody_reviews_themselves"),
            models.CheckConstraint(condition=~Q(reviewer=F("granted_by")), name="nobody_reviews_what_they_gave"),
            models.CheckConstraint(condition=~Q(decided_by=F("person")), name="nobody_decides_for_themselves"),
            models.CheckConstraint(condition=~Q(decided_by=F("granted_by")), name="nobody_decides_what_they_gave"),
            models.CheckConstraint(
                condition=~Q(state="certified") | Q(decided_by__isnull=False), name="nothing_is_kept_in_silence"
            ),
            models.CheckConstraint(
                condition=Q(state="open", decided_at=None, submitted_at=None)
                | (~Q(state="open") & Q(decided_at__isnull=False)),
                name="a_decision_has_its_time",
            ),
            models.CheckConstraint(
                condition=~Q(state="revoked") | (~Q(reason="") & (Q(decided_by__isnull=False) | Q(lapsed=True))),
                name="a_revocation_has_its_reason",
            ),
            models.CheckConstraint(
                condition=Q(accepted_by=None) | (~Q(accepted_by=F("person")) & ~Q(accepted_by=F("decided_by"))),
                name="accepted_by_somebody_else",
            ),
        ]
        indexes = [
            models.Index(fields=["reviewer", "review"], condition=Q(state="open"), name="items_to_decide"),
            models.Index(fields=["review", "reviewer", "state", "id"], name="items_of_a_reviewer"),
            models.Index(
                fields=["review"],
                condition=Q(state="revoked", revocation=None, submitted_at__isnull=False),
                name="items_to_revoke",
            ),
            models.Index(fields=["review", "decided_by"], condition=Q(state__in=["certified", "revoked"]),
                         name="items_decided"),
        ]  # fmt: skip

    def __str__(self):
        return f"{self.get_door_display()} “{self.label or self.entitlement}” of {self.holder} to {self.channel_name}"


ITEM_MOVES: dict[str, set[str]] = {
    "open": {"certified", "revoked", "ended"},
    "certified": {"open"},  # taken back before it was handed in, or void: it was their own door
    "revoked": {"open"},  # taken back before it was handed in
    "ended": set(),
}


class ReviewTurn(models.Model):
    """A reviewer of a review: when they were told, and reminded. What they have to do is in the items."""

    review = models.ForeignKey(AccessReview, models.PROTECT, related_name="turns")
    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    told_at = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["review", "person"], name="one_turn_a_reviewer")]


class Attestation(models.Model):
    """The sign-off: by name, over the frozen population and every decision, as hashes. Kept for good."""

    review = models.OneToOneField(AccessReview, models.PROTECT, related_name="attestation")
    by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    at = models.DateTimeField()
    statement = models.TextField()
    figures = models.JSONField()  # how many were certified, revoked, ..., and how fast
    population_sha256 = models.CharField(max_length=64)
    decisions_sha256 = models.CharField(max_length=64)


class ReviewSample(models.Model):
    """Items drawn by chance to be decided once more by another person. The seed makes the draw repeatable."""

    review = models.ForeignKey(AccessReview, models.PROTECT, related_name="samples")
    seed = models.CharField(max_length=32)
    size = models.PositiveIntegerField()
    drawn_from = models.PositiveIntegerField()  # decided items that this person may look at
    rechecker = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    drawn_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    drawn_at = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return f"{self.size} of {self.review}"


class SampledItem(models.Model):
    sample = models.ForeignKey(ReviewSample, models.PROTECT, related_name="items")
    item = models.ForeignKey(ReviewItem, models.PROTECT, related_name="rechecks")
    verdict = models.CharField(
        max_length=9, choices=[("certified", "Would certify"), ("revoked", "Would revoke")], blank=True, default=""
    )
    reason = models.CharField(max_length=500, blank=True, default="")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sample", "item"], name="drawn_once")]

    def __str__(self):
        return str(self.item)

    @property
    def disagrees(self) -> bool:
        return bool(self.verdict) and self.verdict != self.item.state
