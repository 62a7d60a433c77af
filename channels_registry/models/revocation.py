"""Shutting one door, and proving it: by API where the network can, else a guided task with evidence and two people."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from socialops.lib.delivery.models import MOVES, Attempt, Delivery

# A guided task begins with a person, and whatever the network could not do may be handed to one.
REVOCATION_MOVES = {
    **MOVES,
    **{state: MOVES[state] | {"needs_human"} for state in ("scheduled", "blocked", "failed")},
    "needs_human": MOVES["needs_human"] | {"cancelled"},
}
REVOCATION_BORN = {"scheduled", "needs_human", "done"}  # done: a right in Socialops, shut in the same commit

STAGE_MOVES: dict[str, set[str]] = {
    "pending": {"in_hand", "revoked", "verified", "failed"},
    "in_hand": {"pending", "revoked", "verified", "failed"},
    "revoked": {"verified", "failed", "in_hand"},
    "failed": {"pending", "in_hand", "revoked", "verified"},
    "verified": {"failed"},  # it was found open again
}


READ_AGAIN = 100


class Proof(models.TextChoices):
    """Four grades, strongest first."""

    API = "api", "Verified by reading the network again"
    SECOND_PERSON = "second_person", "Verified by a second person"
    ATTESTED = "attested", "Attested with evidence"
    NOT_PROVABLE = "not_provable", "Not provable"


class RevocationQuerySet(models.QuerySet):
    def known(self):
        """Without what is prepared for a minute that has not come: who leaves is need-to-know until then."""
        return self.exclude(upon__isnull=False, due_at__gt=Now())


class Revocation(Delivery):
    """`state` says how far the call is, `stage` how far the door is. Nobody answers for it: no departure stops it."""

    class Stage(models.TextChoices):
        PENDING = "pending", "To revoke"
        IN_HAND = "in_hand", "In hand"
        REVOKED = "revoked", "Revoked"
        VERIFIED = "verified", "Proven"
        FAILED = "failed", "Failed"

    grant = models.ForeignKey("channels_registry.AccessGrant", models.PROTECT, related_name="revocations")
    guided = models.BooleanField(default=False)  # the network has no API for it: a person does it on the network's page
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.PENDING)
    # Safe order, smaller first; READ_AGAIN more once the network accepted, because what is open is shut before that.
    order = models.PositiveSmallIntegerField(default=50)
    # Asked for ahead of this departure's minute: nothing happens before it, or if it was withdrawn.
    upon = models.ForeignKey("accounts.Departure", models.PROTECT, null=True, blank=True, related_name="+")
    told_at = models.DateTimeField(null=True, blank=True)  # when the trail was told of one that was prepared
    reason_for = models.CharField(max_length=200, blank=True, default="")
    requested_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    assigned_to = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    proof = models.CharField(max_length=14, choices=Proof.choices, blank=True, default="")
    proof_detail = models.TextField(blank=True, default="")
    residual = models.CharField(max_length=300, blank=True, default="")  # what may live on although the door is shut
    residual_until = models.DateTimeField(null=True, blank=True)
    evidence_note = models.TextField(blank=True, default="")
    evidence_file = models.FileField(upload_to="evidence/%Y/%m/", blank=True)
    evidence_sha256 = models.CharField(max_length=64, blank=True, default="")
    attested_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    attested_at = models.DateTimeField(null=True, blank=True)
    confirmed_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    shut_at = models.DateTimeField(null=True, blank=True)  # when the network or a person said so; proof comes after
    verified_at = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)  # whoever has the task, when half of its time was gone
    escalated_at = models.DateTimeField(null=True, blank=True)  # everybody who could do it, when all of it was

    objects = RevocationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["grant"], condition=~Q(state="cancelled"), name="one_revocation_a_door"),
            models.CheckConstraint(
                condition=Q(confirmed_by=None) | Q(attested_by=None) | ~Q(confirmed_by=F("attested_by")),
                name="second_pair_of_eyes",
            ),
            models.CheckConstraint(
                condition=(Q(state="sending") & Q(lease_until__isnull=False))
                | (~Q(state="sending") & Q(lease_until__isnull=True)),
                name="revocation_lease_while_sending",
            ),
        ]

    def __str__(self):
        return f"revocation of {self.grant}"


class RevocationAttempt(Attempt):
    delivery = models.ForeignKey(Revocation, models.CASCADE, related_name="attempts")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["delivery", "fence"], name="one_revocation_attempt_a_fence")]
