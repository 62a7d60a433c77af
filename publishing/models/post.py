"""What is to be said: a post, its history, and what each channel gets."""

from django.db import models


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
    revision_number = models.PositiveIntegerField(default=0)  # of the latest revision; guards against two editors
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self):
        return self.title


POST_MOVES: dict[str, set[str]] = {
    "draft": {"in_approval"},
    "in_approval": {"draft", "approved", "changes_requested", "rejected"},
    "changes_requested": {"draft", "in_approval"},
    "rejected": {"draft", "in_approval"},
    "approved": {"draft", "in_approval"},
}


class Variant(models.Model):
    """What one channel gets. `text` None inherits the master's."""

    post = models.ForeignKey(Post, models.CASCADE, related_name="variants")
    channel = models.ForeignKey("channels_registry.Channel", models.PROTECT, related_name="variants")
    placement = models.CharField(max_length=20, default="feed")
    text = models.TextField(null=True, blank=True)  # noqa: DJ001 (null: inherits)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["post", "channel", "placement"], name="one_variant_a_placement")]

    @property
    def final_text(self) -> str:
        return self.post.text if self.text is None else self.text


class Revision(models.Model):
    """One saved state of a post, whole. `parts` maps a part ("text", "channels", "time") to its SHA-256; `hash` covers all."""

    post = models.ForeignKey(Post, models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    content = models.JSONField()  # {"text": ..., "variants": [{"channel": id, "placement": ..., "text": final}]}
    parts = models.JSONField(default=dict)
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["post", "number"], name="one_revision_a_number")]
