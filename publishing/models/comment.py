"""What is said about a post while it is made: threads of comments, for people here alone or read outside as well."""

from django.db import models
from django.db.models import Q


class CommentThread(models.Model):
    """`quote` is the passage it is about, as `revision` says it on `channel` (None: in the master text), kept when the
    text changes. Who reads a thread is said when it is opened, and never changes: the database refuses it.
    """

    class Kind(models.TextChoices):
        INTERNAL = "internal", "Internal"
        EXTERNAL = "external", "External"  # whoever is asked from outside about this post reads it and may answer

    post = models.ForeignKey("publishing.Post", models.CASCADE, related_name="threads")
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.INTERNAL)
    revision = models.ForeignKey("publishing.Revision", models.CASCADE, related_name="+")
    channel = models.ForeignKey("channels_registry.Channel", models.PROTECT, null=True, blank=True, related_name="+")
    quote = models.CharField(max_length=500, blank=True, default="")
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(resolved_at=None, resolved_by=None)
                | Q(resolved_at__isnull=False, resolved_by__isnull=False),
                name="a_resolved_thread_names_who",
            ),
        ]
        indexes = [models.Index(fields=["post"], condition=Q(resolved_at=None), name="open_threads")]

    def __str__(self):
        return f"A thread about “{self.post}”"


class Comment(models.Model):
    """By a person, or by somebody from outside in an external thread. It is never changed, because others have read it
    and may have decided on it; its author may take it back, and the trail keeps what it said.
    """

    thread = models.ForeignKey(CommentThread, models.CASCADE, related_name="comments")
    by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    external = models.ForeignKey(
        "publishing.ExternalApprover", models.PROTECT, null=True, blank=True, related_name="comments"
    )
    text = models.TextField()
    mentions = models.ManyToManyField("accounts.Person", blank=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(by=None, external__isnull=False) | Q(by__isnull=False, external=None),
                name="a_comment_is_of_one",
            ),
        ]

    def __str__(self):
        return f"{self.who} on “{self.thread.post}”"

    @property
    def who(self):
        return self.by or self.external
