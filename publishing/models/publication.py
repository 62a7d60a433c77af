"""One variant at one time: the row that becomes a post on a network."""

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from socialops.lib.delivery.models import Attempt, Delivery, State


class Publication(Delivery):
    """`content_hash` is the approved revision's; the claim compares it again. `answerable` may publish there."""

    WORDS = dict(State.choices) | {"done": "Published"}  # what people read for each state

    variant = models.ForeignKey("publishing.Variant", models.PROTECT, related_name="publications")
    occurrence = models.CharField(max_length=16, blank=True, default="")  # of a Recurrence: the wall time of its rule
    part = models.PositiveSmallIntegerField(default=0)  # 0: the post itself; see Revision.parts_on
    follows = models.ForeignKey(  # goes out under this one, once it is out
        "self", models.PROTECT, null=True, blank=True, related_name="followers", db_index=False
    )
    channel = models.ForeignKey(
        "channels_registry.Channel", models.PROTECT, related_name="publications", db_index=False
    )
    # An index of these is written twice a delivery, and nobody asks by it.
    approval = models.ForeignKey("publishing.Approval", models.PROTECT, related_name="publications", db_index=False)
    revision = models.ForeignKey("publishing.Revision", models.PROTECT, related_name="+", db_index=False)
    text = models.TextField()  # what is sent, frozen at scheduling
    media = models.JSONField(default=list, blank=True)  # likewise: {"asset", "rendition", "sha256", "alt"} in order
    card = models.JSONField(default=dict, blank=True)  # likewise: {"page", "url", "title", "description", "sha256"}
    content_hash = models.CharField(max_length=64)
    answerable = models.ForeignKey("accounts.Person", models.PROTECT, related_name="publications")
    wall_time = models.DateTimeField()  # naive local time, stored as if UTC
    time_zone = models.CharField(max_length=64)
    fold = models.PositiveSmallIntegerField(default=0)
    tzdata = models.CharField(max_length=12, blank=True, default="")
    slot = models.ForeignKey(  # of its channel's queue; None is a time that a person gave
        "publishing.Slot", models.SET_NULL, null=True, blank=True, related_name="publications", db_index=False
    )
    human_confirmed_by = models.ForeignKey(
        "accounts.Person", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    taken_down_at = models.DateTimeField(null=True, blank=True)  # it was out, and we took it down

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["variant", "occurrence", "part"], condition=~Q(state="cancelled"), name="one_publication_a_part"
            ),
            models.UniqueConstraint(
                fields=["slot", "due_at"],
                condition=Q(slot__isnull=False) & ~Q(state="cancelled"),
                name="one_publication_a_slot",
            ),
            models.UniqueConstraint(
                fields=["channel", "remote_id"], condition=~Q(remote_id=""), name="one_publication_a_remote_id"
            ),
            models.CheckConstraint(
                condition=(Q(state="sending") & Q(lease_until__isnull=False))
                | (~Q(state="sending") & Q(lease_until__isnull=True)),
                name="publication_lease_while_sending",
            ),
            models.CheckConstraint(
                condition=~Q(state="done") | ~Q(remote_id="") | Q(human_confirmed_by__isnull=False),
                name="done_means_it_is_there",
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at", "id"], condition=Q(state="scheduled"), name="publication_due"),
            models.Index(fields=["lease_until"], condition=Q(state="sending"), name="publication_leases"),
            models.Index(fields=["due_at"], name="publication_calendar"),
            models.Index(fields=["follows"], condition=Q(follows__isnull=False), name="publication_followers"),
            models.Index(fields=["channel", "due_at"], name="publication_of_a_channel"),
            GinIndex(
                fields=["media"], opclasses=["jsonb_path_ops"], condition=~Q(media=[]), name="publication_pictures"
            ),
        ]

    def __str__(self):
        return self.text[:80] or "(no text)"

    def get_state_display(self) -> str:  # type: ignore[no-redef]
        return self.WORDS[self.state]


class PublicationAttempt(Attempt):
    delivery = models.ForeignKey(Publication, models.CASCADE, related_name="attempts", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["delivery", "fence"], name="one_publication_attempt_a_fence")]
