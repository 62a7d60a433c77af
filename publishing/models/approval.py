"""Asking somebody else to agree, and what they said. Bound to one revision by its hash."""

from django.db import models
from django.db.models import F, Q


class Approval(models.Model):
    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        APPROVED = "approved", "Approved"
        CHANGES_REQUESTED = "changes_requested", "Changes requested"
        REJECTED = "rejected", "Rejected"
        WITHDRAWN = "withdrawn", "Withdrawn"
        VOID = "void", "Void"  # the post changed after it

    post = models.ForeignKey("publishing.Post", models.CASCADE, related_name="approvals")
    revision = models.ForeignKey("publishing.Revision", models.PROTECT, related_name="approvals")
    state = models.CharField(max_length=18, choices=State.choices, default=State.PENDING)
    asked_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    asked_of = models.ForeignKey("accounts.Person", models.PROTECT, related_name="approvals_asked")
    question = models.CharField(max_length=20, default="facts")  # facts, legal, brand
    wanted_at = models.DateTimeField(null=True, blank=True)  # when the author wants it out
    latest_decision_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["post"], condition=Q(state="pending"), name="one_pending_approval"),
        ]
        indexes = [
            models.Index(fields=["asked_of", "latest_decision_at"], condition=Q(state="pending"), name="asked_of_whom"),
        ]

    def __str__(self):
        return self.post.title


APPROVAL_MOVES: dict[str, set[str]] = {
    "pending": {"approved", "changes_requested", "rejected", "withdrawn", "void"},
    "approved": {"void", "withdrawn"},
}


class Decision(models.Model):
    """Kept for good. `author` is copied from the approval so that the database can refuse one's own approval."""

    class Verdict(models.TextChoices):
        APPROVED = "approved", "Approved"
        CHANGES_REQUESTED = "changes_requested", "Changes requested"
        REJECTED = "rejected", "Rejected"
        WITHDRAWN = "withdrawn", "Withdrawn"

    approval = models.ForeignKey(Approval, models.CASCADE, related_name="decisions")
    by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    author = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=18, choices=Verdict.choices)
    note = models.TextField(blank=True, default="")
    revision_hash = models.CharField(max_length=64)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(verdict="approved") | ~Q(by=F("author")), name="nobody_approves_their_own"
            ),
        ]
