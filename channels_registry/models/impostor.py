"""Accounts that speak as if they were ours, and accounts of ours that nobody registered."""

import uuid

from django.db import models
from django.db.models import Q


def _place(report: "ImpostorReport", name: str) -> str:
    return f"impostors/{uuid.uuid4().hex}.{name.rpartition('.')[2]}"


class ImpostorReport(models.Model):
    class State(models.TextChoices):
        REPORTED = "reported", "Reported"
        IMPOSTOR = "impostor", "Impostor"
        ROGUE = "rogue", "Ours, not registered"
        HARMLESS = "harmless", "Harmless"
        TAKEN_DOWN = "taken_down", "Taken down"
        ADOPTED = "adopted", "Adopted"

    network = models.CharField(max_length=40)  # also one that Socialops does not know
    handle = models.CharField(max_length=200)
    url = models.CharField(max_length=400, blank=True, default="")
    imitates = models.ForeignKey(
        "channels_registry.Channel", models.PROTECT, null=True, blank=True, related_name="imitations"
    )
    seen = models.TextField(max_length=2000)  # what it does, where it was seen
    evidence_file = models.FileField(upload_to=_place, max_length=80, blank=True)
    evidence_sha256 = models.CharField(max_length=64, blank=True, default="")
    reported_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.REPORTED)
    owner = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    risk_tier = models.CharField(max_length=6)  # of what it imitates, when it was reported
    due_at = models.DateTimeField(null=True, blank=True)  # when somebody has to have looked, or it has to be gone
    adopted_as = models.ForeignKey(
        "channels_registry.Channel", models.PROTECT, null=True, blank=True, related_name="adopted_from"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="adopted", adopted_as__isnull=False) | (~Q(state="adopted") & Q(adopted_as=None)),
                name="an_adopted_account_is_a_channel",
            ),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="impostors_waiting")]

    def __str__(self):
        return f"{self.handle} on {self.network}"

    @property
    def open(self) -> bool:
        return self.state in (self.State.REPORTED, self.State.IMPOSTOR, self.State.ROGUE)


IMPOSTOR_MOVES: dict[str, set[str]] = {
    "reported": {"impostor", "rogue", "harmless"},
    "impostor": {"rogue", "harmless", "taken_down"},
    "rogue": {"impostor", "harmless", "taken_down", "adopted"},
    "harmless": {"reported"},  # it has begun
    "taken_down": {"reported"},  # it is back
    "adopted": set(),
}


class ImpostorStep(models.Model):
    """What somebody did about it."""

    class Kind(models.TextChoices):
        DECIDED = "decided", "Decided"
        NETWORK = "network", "Reported to the network"
        WARNED = "warned", "Warned customers"
        LEGAL = "legal", "Gave it to the lawyers"
        NOTE = "note", "Noted"

    report = models.ForeignKey(ImpostorReport, models.CASCADE, related_name="steps")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    text = models.CharField(max_length=500)
    reference = models.CharField(max_length=120, blank=True, default="")  # the network's number of the case
    by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return f"{self.get_kind_display()}: {self.text}"
