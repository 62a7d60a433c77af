"""Asking others to agree, in stages, and what they said. Bound to one revision by its hash."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from publishing.models.revision import REMITS


class Remit(models.TextChoices):
    """What somebody answers for by agreeing. Which parts of a post each covers stands in REMITS."""

    FACTS = "facts", "Facts"
    LEGAL = "legal", "Legal"
    BRAND = "brand", "Brand"


class Rule(models.TextChoices):
    ANY = "any", "Any of them"
    ALL = "all", "All of them"
    SOME = "some", "A number of them"


class Approval(models.Model):
    """One request about one revision. It is approved when each of its stages is."""

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
    workflow = models.ForeignKey("publishing.ApprovalWorkflow", models.PROTECT, null=True, blank=True, related_name="+")
    boosted = models.BooleanField(default=False)  # the author said that it will be paid for
    wanted_at = models.DateTimeField(null=True, blank=True)  # when the author wants it out
    window_from = models.DateTimeField(null=True, blank=True)  # what is agreed to goes out in this window;
    window_until = models.DateTimeField(null=True, blank=True)  # both empty: at any time
    repeats = models.JSONField(default=dict, blank=True)  # by variant, the rule it repeats by (queries.repeats.said)
    latest_decision_at = models.DateTimeField(null=True, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True, editable=False)  # kept by the database, for good

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["post"], condition=Q(state="pending"), name="one_pending_approval"),
            models.CheckConstraint(
                condition=Q(window_from=None, window_until=None)
                | Q(window_from__isnull=False, window_until__gt=F("window_from")),
                name="a_window_has_two_ends",
            ),
        ]

    changed_by_reader: bool  # where access_approval read it
    places: list["Ask"]  # where approvals_of read them: who was asked,
    said: list["Decision"]  # and what they said, the latest first

    def __str__(self):
        return self.post.title


APPROVAL_MOVES: dict[str, set[str]] = {
    "pending": {"approved", "changes_requested", "rejected", "withdrawn", "void"},
    "approved": {"void", "withdrawn"},
}


class ApprovalStage(models.Model):
    """One step of a request. Copied when it is made, so that nothing changed elsewhere changes what was asked.

    Stages of one position are asked at once; the next position when all of them agreed.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Not yet asked"
        PENDING = "pending", "Asked"
        APPROVED = "approved", "Approved"
        RETURNED = "returned", "Sent back"
        CARRIED = "carried", "Still stands"  # what its remit covers has not changed since it was approved

    approval = models.ForeignKey(Approval, models.CASCADE, related_name="stages")
    position = models.PositiveSmallIntegerField(default=1)
    name = models.CharField(max_length=80)
    remit = models.CharField(max_length=10, choices=Remit.choices)
    covers = ArrayField(models.CharField(max_length=20))  # the remit's parts, as the table said when this was asked
    rule = models.CharField(max_length=4, choices=Rule.choices, default=Rule.ANY)
    needed = models.PositiveSmallIntegerField(default=1)  # how many of those asked have to agree
    anyone = models.BooleanField(default=False)  # whoever may approve on every channel may decide, asked or not
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    hours = models.PositiveSmallIntegerField(null=True, blank=True)  # to decide, where no time is wanted
    opened_at = models.DateTimeField(null=True, blank=True)
    decide_by = models.DateTimeField(null=True, blank=True)  # the latest safe decision
    escalated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(needed__gte=1), name="a_stage_needs_somebody"),
        ]

    def __str__(self):
        return self.name

    def covered(self, parts: dict[str, str]) -> dict[str, str]:
        """Of these parts those that an agreement at this stage covers."""
        return {part: parts[part] for part in self.covers if part in parts}


STAGE_MOVES: dict[str, set[str]] = {
    "waiting": {"pending", "carried"},
    "pending": {"approved", "returned"},
}


def covers_of(remit: str) -> list[str]:
    return list(REMITS[remit])


class Ask(models.Model):
    """One person's place in a stage. `instead_of` is the place they stand in for; `carried_from` the agreement that
    still stands, in which case nothing is asked of them.
    """

    class Why(models.TextChoices):
        NAMED = "", "Named"
        BACKUP = "backup", "In place of somebody who left"
        DELEGATE = "delegate", "In place of somebody who is away"
        ESCALATED = "escalated", "Asked as well, because half of the time had passed"
        CAME = "came", "Decided without having been asked"

    stage = models.ForeignKey(ApprovalStage, models.CASCADE, related_name="asks")
    person = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="asks")
    external = models.ForeignKey(
        "publishing.ExternalApprover", models.PROTECT, null=True, blank=True, related_name="asks"
    )
    instead_of = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="stand_ins")
    why = models.CharField(max_length=10, choices=Why.choices, blank=True, default="")
    asked_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)  # they looked at the revision that is asked about
    reminded_at = models.DateTimeField(null=True, blank=True)
    covered_at = models.DateTimeField(null=True, blank=True)  # when somebody was sought to stand in for them
    ended_at = models.DateTimeField(null=True, blank=True)  # from then on somebody else has the place
    carried_from = models.ForeignKey(
        "publishing.Decision", models.PROTECT, null=True, blank=True, related_name="carried_to"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["stage", "person"], condition=Q(ended_at=None), name="one_place_a_person_in_a_stage"
            ),
            models.CheckConstraint(
                condition=Q(person=None, external__isnull=False) | Q(person__isnull=False, external=None),
                name="a_place_is_of_one",
            ),
        ]
        indexes = [models.Index(fields=["person", "stage"], condition=Q(ended_at=None), name="places_of_a_person")]

    def __str__(self):
        return str(self.who)

    @property
    def who(self):
        return self.person or self.external


class Decision(models.Model):
    """Kept for good. `author` is copied from the approval so that the database can refuse one's own approval.

    `parts` are the hashes of what the stage's remit covers, at this moment: a later request takes the agreement over
    where they are still the same. Only taking an approval back has neither stage nor place.
    """

    class Verdict(models.TextChoices):
        APPROVED = "approved", "Approved"
        CHANGES_REQUESTED = "changes_requested", "Changes requested"
        REJECTED = "rejected", "Rejected"
        WITHDRAWN = "withdrawn", "Withdrawn"

    approval = models.ForeignKey(Approval, models.CASCADE, related_name="decisions")
    stage = models.ForeignKey(ApprovalStage, models.CASCADE, null=True, blank=True, related_name="decisions")
    ask = models.ForeignKey(Ask, models.PROTECT, null=True, blank=True, related_name="decisions")
    by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    external = models.ForeignKey(
        "publishing.ExternalApprover", models.PROTECT, null=True, blank=True, related_name="decisions"
    )
    author = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=18, choices=Verdict.choices)
    note = models.TextField(blank=True, default="")
    revision_hash = models.CharField(max_length=64)
    parts = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(verdict="approved") | ~Q(by=F("author")), name="nobody_approves_their_own"
            ),
            models.CheckConstraint(
                condition=Q(by=None, external__isnull=False) | Q(by__isnull=False, external=None),
                name="a_decision_is_of_one",
            ),
            models.UniqueConstraint(fields=["ask"], name="one_decision_a_place"),
        ]

    @property
    def who(self):
        return self.by or self.external
