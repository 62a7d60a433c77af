"""The rows that are the queue. Each kind of effect is a concrete pair of models in its own app.

A concrete Delivery adds what is sent and, where somebody answers for it, the foreign key to that person. A concrete
Attempt adds `delivery = ForeignKey(..., related_name="attempts")` and UNIQUE(delivery, fence).
"""

import uuid

from django.db import models


class State(models.TextChoices):
    SCHEDULED = "scheduled", "Scheduled"
    SENDING = "sending", "Sending"
    UNKNOWN = "unknown", "Unknown"  # it may be out: look before sending again
    NEEDS_HUMAN = "needs_human", "Needs a person"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    HELD = "held", "Held"
    BLOCKED = "blocked", "Blocked"  # credential dead, right or answerable person lost
    MISSED = "missed", "Missed"  # past its latest useful time
    CANCELLED = "cancelled", "Cancelled"


# What may follow what. The database refuses the rest (socialops.lib.sql.declared_transitions).
MOVES: dict[str, set[str]] = {
    "scheduled": {"sending", "held", "blocked", "missed", "cancelled"},
    "sending": {"done", "scheduled", "unknown", "failed", "blocked"},
    "unknown": {"done", "scheduled", "needs_human"},
    "needs_human": {"done", "scheduled", "failed"},
    "held": {"scheduled", "cancelled"},
    "blocked": {"scheduled", "cancelled"},
    "missed": {"scheduled", "cancelled"},
    "failed": {"scheduled", "cancelled"},
    "done": set(),
    "cancelled": set(),
}
# And where an acceptance came late, a person may say so. The database asks for that answer (rules.late_answer_rules).
LATE_MOVES: dict[str, set[str]] = {state: {"done"} for state in ("held", "blocked", "missed", "failed", "cancelled")}
LIVE = ("scheduled", "sending", "unknown", "needs_human", "held", "blocked")


class Outcome(models.TextChoices):
    ACCEPTED = "accepted", "Accepted"
    CONTINUED = "continued", "Step done"
    REJECTED = "rejected", "Rejected"
    NOT_SENT = "not_sent", "Not sent"
    UNKNOWN = "unknown", "Unknown"
    PROVEN_ABSENT = "proven_absent", "Proven absent"


class Delivery(models.Model):
    """One effect outside. `due_at` is the instant it is for.

    `next_attempt_at` is when it is claimed (it starts as due_at and moves with retries) and, while unknown, when it is
    next looked for. `tries` counts sendings that came to nothing, `looks` the looks since it became unknown.
    """

    state = models.CharField(max_length=12, choices=State.choices, default=State.SCHEDULED)
    due_at = models.DateTimeField()
    not_after = models.DateTimeField(null=True, blank=True)
    next_attempt_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    looks = models.PositiveSmallIntegerField(default=0)
    fence = models.BigIntegerField(default=0)
    lease_owner = models.CharField(max_length=80, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    handle = models.JSONField(default=dict, blank=True)
    reason = models.TextField(blank=True, default="")  # for people
    remote_id = models.CharField(max_length=400, blank=True, default="")
    remote_url = models.CharField(max_length=600, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


class Attempt(models.Model):
    """Written and committed before the call it stands for; settled once."""

    fence = models.BigIntegerField()
    started_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    bytes_sent = models.BooleanField(null=True)
    outcome = models.CharField(max_length=14, choices=Outcome.choices, null=True)  # null: not settled yet
    http_status = models.PositiveSmallIntegerField(null=True)
    remote_request_id = models.CharField(max_length=200, blank=True, default="")
    evidence = models.JSONField(default=dict)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True
