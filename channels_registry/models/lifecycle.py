"""How a channel comes and goes: somebody proposes it, somebody else approves it, it is opened by a list; it is retired
by another. Each change of its state is a row.
"""

from django.db import models
from django.db.models import Q


class ChannelMove(models.Model):
    """A change of a channel's state."""

    channel = models.ForeignKey("channels_registry.Channel", models.CASCADE, related_name="moves")
    before = models.CharField(max_length=10)
    after = models.CharField(max_length=10)
    by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    reason = models.CharField(max_length=300)

    def __str__(self):
        return f"{self.channel}: {self.before} to {self.after}"


class ChannelProposal(models.Model):
    class State(models.TextChoices):
        ASKED = "asked", "Waits for approval"
        RETURNED = "returned", "Returned"
        APPROVED = "approved", "Approved, to be opened"
        OPENED = "opened", "Opened"
        WITHDRAWN = "withdrawn", "Withdrawn"

    channel = models.OneToOneField("channels_registry.Channel", models.CASCADE, related_name="proposal")
    proposed_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    why = models.TextField(max_length=2000)
    audience = models.CharField(max_length=300)  # whom it is to reach
    state = models.CharField(max_length=9, choices=State.choices, default=State.ASKED)
    decided_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=500, blank=True, default="")  # of who decided
    opened_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    opened_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="approved") | (Q(decided_by__isnull=False) & ~Q(decided_by=models.F("proposed_by"))),
                name="nobody_approves_their_own_channel",
            ),
        ]
        indexes = [models.Index(fields=["id"], condition=Q(state__in=("asked", "approved")), name="proposals_waiting")]

    def __str__(self):
        return f"proposal of {self.channel}"


PROPOSAL_MOVES: dict[str, set[str]] = {
    "asked": {"approved", "returned", "withdrawn"},
    "returned": {"asked", "withdrawn"},
    "approved": {"opened", "withdrawn"},
    "opened": set(),
    "withdrawn": set(),
}


class OpeningAnswer(models.Model):
    """What a person said for a line of the list that has to be done before a channel is opened."""

    class Item(models.TextChoices):
        RECOVERY = "recovery", "Recovery e-mail and phone"
        MFA = "mfa", "Second factor"
        CONNECTION = "connection", "Connection"

    proposal = models.ForeignKey(ChannelProposal, models.CASCADE, related_name="answers")
    item = models.CharField(max_length=10, choices=Item.choices)
    answer = models.CharField(max_length=400)
    by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["proposal", "item"], name="one_answer_an_item")]

    def __str__(self):
        return f"{self.item}: {self.answer}"


class Retirement(models.Model):
    """A channel on its way out: asked for, and finished or withdrawn."""

    channel = models.ForeignKey("channels_registry.Channel", models.CASCADE, related_name="retirements")
    by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    reason = models.CharField(max_length=300)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    withdrawn = models.BooleanField(default=False)
    closed = models.CharField(max_length=400, blank=True, default="")  # what became of the account over there

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel"], condition=Q(ended_at=None), name="one_retirement_at_a_time"),
        ]

    def __str__(self):
        return f"retirement of {self.channel}"
