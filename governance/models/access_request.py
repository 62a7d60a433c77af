"""Somebody asks for access. Others approve it; who gives it is somebody else again, or the engine after approval."""

from django.db import models
from django.db.models import F, Q

REQUEST_MOVES: dict[str, set[str]] = {
    "asked": {"approved", "refused", "withdrawn", "expired"},
    "approved": {"granted", "asked", "withdrawn", "expired"},  # asked: the risk is higher now, one more has to approve
    "granted": set(),
    "refused": set(),
    "withdrawn": set(),
    "expired": set(),
}


class AccessRequest(models.Model):
    class State(models.TextChoices):
        ASKED = "asked", "Waits for approval"
        APPROVED = "approved", "Approved"
        GRANTED = "granted", "Given"
        REFUSED = "refused", "Refused"
        WITHDRAWN = "withdrawn", "Withdrawn"
        EXPIRED = "expired", "Not decided in time"

    asked_by = models.ForeignKey(
        "accounts.Person", models.PROTECT, related_name="access_requests"
    )  # always for oneself
    channel = models.ForeignKey("channels_registry.Channel", models.PROTECT, related_name="access_requests")
    tool = models.ForeignKey("channels_registry.Tool", models.PROTECT, null=True, blank=True, related_name="+")
    login = models.ForeignKey("channels_registry.SharedLogin", models.PROTECT, null=True, blank=True, related_name="+")
    entitlement = models.CharField(max_length=80)
    days = models.PositiveSmallIntegerField(null=True, blank=True)  # for how long, from when it is given; None: no end
    reason = models.CharField(max_length=300)
    needed = models.PositiveSmallIntegerField(default=1)  # approvals, by as many people
    state = models.CharField(max_length=9, choices=State.choices, default=State.ASKED)
    asked_at = models.DateTimeField()
    decide_by = models.DateTimeField()
    reminded_at = models.DateTimeField()
    trouble = models.CharField(max_length=300, blank=True, default="")  # why it is approved and not given
    grant = models.ForeignKey("channels_registry.AccessGrant", models.PROTECT, null=True, blank=True, related_name="+")
    granted_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(granted_by=None) | ~Q(granted_by=F("asked_by")), name="nobody_grants_what_they_asked_for"
            ),
            models.CheckConstraint(condition=Q(needed__gte=1), name="somebody_has_to_approve"),
            models.CheckConstraint(condition=Q(tool=None) | Q(login=None), name="one_kind_of_door_is_asked_for"),
            models.UniqueConstraint(
                fields=["asked_by", "channel", "entitlement", "tool", "login"],
                condition=Q(state__in=["asked", "approved"]), nulls_distinct=False, name="asked_for_once",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["channel"], condition=Q(state__in=["asked", "approved"]), name="access_asked_for"),
        ]

    def __str__(self):
        return f"{self.what} on {self.channel.name} for {self.asked_by}"

    @property
    def what(self) -> str:
        kept = self.login or self.tool
        return f"{kept} ({self.entitlement})" if kept else f"“{self.entitlement}”"


class RequestDecision(models.Model):
    """One person's word on a request. `asker` is copied, so that the database itself refuses one's own."""

    class Verdict(models.TextChoices):
        APPROVED = "approved", "Approved"
        REFUSED = "refused", "Refused"

    request = models.ForeignKey(AccessRequest, models.CASCADE, related_name="decisions")
    asker = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    note = models.CharField(max_length=300, blank=True, default="")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(by=F("asker")), name="nobody_approves_what_they_asked_for"),
            models.UniqueConstraint(fields=["request", "by"], name="one_word_a_person_on_a_request"),
        ]
