"""What a person's own tools show instead of a session, and what they were answered."""

import hashlib
from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models.user import User

LONGEST = timedelta(days=366)


class Scope(models.TextChoices):
    """What a token is good for, where its person may do it too."""

    POSTS_READ = "posts:read", "Read posts with what is said about them, pictures and campaigns"
    POSTS_WRITE = "posts:write", "Write and comment on posts, and ask for approval"
    APPROVALS_READ = "approvals:read", "Read what waits for a decision"
    APPROVALS_DECIDE = "approvals:decide", "Approve and ask for changes"
    PUBLICATIONS_READ = "publications:read", "Read what is scheduled and what went out"
    PUBLICATIONS_WRITE = "publications:write", "Schedule, move and cancel"
    CHANNELS_READ = "channels:read", "Read channels"


def binding(user: User) -> str:
    """A digest that changes with the password and with the end of all sessions."""
    return hashlib.sha256(f"{user.pk}|{user.password}|{user.session_epoch}".encode()).hexdigest()


class ApiToken(models.Model):
    """Only the SHA-256 of the secret is kept. `bound_to` is the binding of the login it was made by: a new password,
    or the end of all sessions, ends the token with them.
    """

    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="api_tokens")
    name = models.CharField(max_length=80)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope.choices))
    hash = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=4)  # how the secret ends, to know it by
    bound_to = models.CharField(max_length=64)
    made_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    minute = models.DateTimeField(null=True, blank=True)  # the minute of the last use, and
    uses = models.PositiveIntegerField(default=0)  # how often it was used in it
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")

    user: User  # where issuing.opened read it

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("made_at"), expires_at__lte=F("made_at") + LONGEST),
                name="a_token_ends_within_a_year",
            ),
            models.CheckConstraint(condition=~Q(scopes=[]), name="a_token_is_good_for_something"),
        ]

    def __str__(self):
        return f"{self.name} (…{self.hint})"

    def get_scopes_display(self) -> list[str]:
        return [str(Scope(scope).label) for scope in self.scopes]


class ApiAnswer(models.Model):
    """What a tool was answered under its key, so that the same request again does nothing and is told the same."""

    token = models.ForeignKey(ApiToken, models.CASCADE, related_name="answers", db_index=False)
    key = models.CharField(max_length=255)
    asked = models.CharField(max_length=64)  # SHA-256 of the method, the address and the body
    status = models.PositiveSmallIntegerField(default=0)
    body = models.TextField(blank=True, default="")
    made_at = models.DateTimeField(db_default=Now(), editable=False, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="one_answer_a_key")]
