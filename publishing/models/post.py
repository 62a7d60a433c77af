"""What is to be said: a post, and what each channel gets."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from publishing.models.campaign import linked, links_of


class Post(models.Model):
    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        IN_APPROVAL = "in_approval", "Needs approval"
        CHANGES_REQUESTED = "changes_requested", "Changes requested"
        REJECTED = "rejected", "Rejected"
        APPROVED = "approved", "Approved"

    title = models.CharField(max_length=140)
    state = models.CharField(max_length=18, choices=State.choices, default=State.DRAFT)
    author = models.ForeignKey("accounts.Person", models.PROTECT, related_name="posts")
    text = models.TextField(blank=True, default="")  # the master text; variants inherit it until changed
    why_now = models.CharField(max_length=300, blank=True, default="")  # the author's line in the approver's brief
    campaign = models.ForeignKey("publishing.Campaign", models.PROTECT, null=True, blank=True, related_name="posts")
    tags = ArrayField(models.CharField(max_length=40), default=list, blank=True)  # for finding it here; lower case
    card_link = models.TextField(blank=True, default="")  # the link that a card is drawn of; "": the first; "none"
    wanted_at = models.DateTimeField(null=True, blank=True)  # the time a file asked for; offered when it is submitted
    revision_number = models.PositiveIntegerField(default=0)  # of the latest revision; guards against two editors
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [
            models.Index(fields=["-updated_at", "-id"], name="post_list"),
            GinIndex(fields=["tags"], name="post_tags"),
        ]

    def __str__(self):
        return self.title


POST_MOVES: dict[str, set[str]] = {
    "draft": {"in_approval"},
    "in_approval": {"draft", "approved", "changes_requested", "rejected"},
    "changes_requested": {"draft", "in_approval"},
    "rejected": {"draft", "in_approval"},
    "approved": {"draft", "in_approval"},
}


class VariantQuerySet(models.QuerySet):
    def current(self):
        return self.filter(removed_at=None)


class Variant(models.Model):
    """What one channel gets. `text` None inherits the master's. One that was taken off the post keeps its history."""

    post = models.ForeignKey(Post, models.CASCADE, related_name="variants")
    channel = models.ForeignKey("channels_registry.Channel", models.PROTECT, related_name="variants")
    placement = models.CharField(max_length=20, default="feed")
    text = models.TextField(null=True, blank=True)
    thread = ArrayField(models.TextField(), default=list, blank=True)  # posts that follow, each under the one before
    first_comment = models.TextField(blank=True, default="")
    media = models.JSONField(default=list, blank=True)  # in order: {"asset", "rendition", "sha256", "alt"}
    card = models.JSONField(default=dict, blank=True)  # of its link: {"page", "url", "title", "description", "sha256"}
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = VariantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["post", "channel"], condition=Q(removed_at=None), name="one_variant_a_channel"
            ),
        ]
        indexes = [
            GinIndex(fields=["media"], opclasses=["jsonb_path_ops"], condition=~Q(media=[]), name="variant_pictures"),
        ]

    def __str__(self):
        return f"{self.post.title} on {self.channel.name}"

    @property
    def final_text(self) -> str:
        """With what the campaign adds to links, as it is counted, approved and sent."""
        return self._final(self.post.text if self.text is None else self.text)

    @property
    def following(self) -> list[str]:
        """The final texts of what goes out under it: the thread, then the first comment."""
        return [self._final(text) for text in (*self.thread, self.first_comment) if text]

    @property
    def described(self) -> list[str]:
        """The alt texts of what it shows, or the words of its card: they are read as well."""
        card = [] if self.media or not self.card else [self.card["title"], self.card["description"]]
        return [*(one["alt"] for one in self.media if one["alt"]), *card]

    def _final(self, text: str) -> str:
        links = links_of(self.post)
        return linked(text, links, self.channel) if links else text

    @property
    def drifted(self) -> bool:
        """It has a text of its own that says something else than the master."""
        return self.text is not None and self.text != self.post.text
