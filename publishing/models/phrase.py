"""Words that need thought before they go out, and words that are kept to be used again."""

from django.db import models
from django.db.models import Q


class PhraseRule(models.Model):
    """`words` are matched word by word; a * at the end of one stands for any ending (queries/phrases.py)."""

    class Kind(models.TextChoices):
        BANNED = "banned", "Not to be said"
        NEEDS_SOURCE = "needs_source", "Needs a source"  # a link in the same text

    words = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    reason = models.CharField(max_length=300)  # what the author reads
    active = models.BooleanField(default=True)
    created_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["words", "kind"], condition=Q(active=True), name="one_rule_a_phrase"),
        ]

    def __str__(self):
        return self.words


class PhraseOverride(models.Model):
    """Somebody sent a revision to be approved although a rule speaks against its words, and said why. Kept for good."""

    revision = models.ForeignKey("publishing.Revision", models.CASCADE, related_name="overrides")
    by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    phrases = models.JSONField()  # [{"words", "kind", "reason", "where"}] as they stood
    reason = models.TextField()

    def __str__(self):
        return self.reason


class Snippet(models.Model):
    """A text or a set of hashtags to put into posts. Everybody who may write uses it; its owner keeps it right."""

    name = models.CharField(max_length=60)
    text = models.TextField()
    owner = models.ForeignKey("accounts.Person", models.PROTECT, related_name="snippets")
    expires_on = models.DateField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name"], condition=Q(removed_at=None), name="one_snippet_a_name"),
        ]

    def __str__(self):
        return self.name
