"""The company's directory: what it may come in with, what it says of people, and what a person has to look at."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class DirectoryKey(models.Model):
    """What a directory (SCIM) or a personnel system (signed messages) is known by. Made once, ended, never changed.

    Of a bearer token only the SHA-256 is kept; what checks signatures has to be read, so it is sealed. `answerable`
    answers for what comes in with it. It does not end when they leave, so that the next leaver is still let go; but
    it brings nobody in any more until somebody else answers for it.
    """

    class Kind(models.TextChoices):
        SCIM = "scim", "SCIM 2.0 token"
        HOOK = "hook", "Secret for signed messages"

    kind = models.CharField(max_length=4, choices=Kind.choices)
    name = models.CharField(max_length=80)
    answerable = models.ForeignKey("accounts.Person", models.PROTECT, related_name="directory_keys")
    hash = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=4)
    sealed_secret = models.BinaryField(default=b"")  # of a hook
    made_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    made_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True)  # to the minute
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False),
                name="somebody_ends_a_directory_key",
            ),
        ]

    def __str__(self):
        return f"{self.name} (…{self.hint})"

    def provenance(self) -> dict[str, str | int]:
        """What stands in the trail beside what came in with this key: the actor there is the system."""
        return {"directory": f"{self.get_kind_display()}: {self}", "answerable": self.answerable_id}


class DirectoryEntry(models.Model):
    """What the directory says of somebody, as it said it. Who has none is shown to it as they are known here.

    `active` is its latest word. `generation` counts how often it deleted the entry: an id is never used again.
    """

    person = models.OneToOneField("accounts.Person", models.CASCADE, primary_key=True, related_name="entry")
    user_name = models.CharField(max_length=255)
    user_name_key = models.TextField()
    user_name_skeleton = models.TextField(db_index=True)
    external_id = models.CharField(max_length=255, blank=True, default="", db_index=True)
    active = models.BooleanField(default=True)
    said = models.JSONField(default=dict)  # the other attributes, by their names in the schema
    addresses = models.JSONField(default=list)  # the keys of all its e-mail addresses
    version = models.PositiveIntegerField(default=1)
    generation = models.PositiveIntegerField(default=0)
    made_at = models.DateTimeField(db_default=Now(), editable=False)
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey(DirectoryKey, models.PROTECT, related_name="+")
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user_name_key"], condition=Q(deleted_at=None), name="one_entry_a_user_name"
            ),
        ]


class DirectoryMatter(models.Model):
    """Something that came in and was not done, or not all of it: a person looks at it and decides.

    `mark` is what it is about: the same again, while it is open, only counts.
    """

    class Kind(models.TextChoices):
        TWIN = "twin", "Looks like somebody else"
        TOO_MANY = "too_many", "Too many leavers at once"
        LAST_ADMIN = "last_admin", "The last administrator"
        ADDRESS = "address", "Another e-mail for a login"
        BACK = "back", "Said to be back"
        UNKNOWN = "unknown", "Nobody of that name"
        REFUSED = "refused", "Could not be done"
        KEY = "key", "Nobody answers for it"

    kind = models.CharField(max_length=12, choices=Kind.choices)
    mark = models.CharField(max_length=120)
    key = models.ForeignKey(DirectoryKey, models.PROTECT, null=True, blank=True, related_name="matters")
    person = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    words = models.CharField(max_length=500)
    data = models.JSONField(default=dict)
    times = models.PositiveIntegerField(default=1)
    made_at = models.DateTimeField(db_default=Now(), editable=False)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    outcome = models.CharField(max_length=10, blank=True, default="")  # done, left, or ended by itself

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "mark"], condition=Q(settled_at=None), name="one_open_matter"),
        ]

    def __str__(self):
        return self.words[:80]


class HookMessage(models.Model):
    """A signed message as it came: kept before anything is done with it, and done once however often it comes."""

    key = models.ForeignKey(DirectoryKey, models.PROTECT, related_name="messages")
    webhook_id = models.CharField(max_length=255)
    body = models.TextField()
    received_at = models.DateTimeField(db_default=Now(), editable=False)
    said_at = models.DateTimeField()  # by the clock of whoever said it: an older word never undoes a newer
    person = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    done_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "webhook_id"], name="one_message_a_webhook_id")]
        indexes = [models.Index(fields=["received_at"], condition=Q(done_at=None), name="messages_not_done")]


class Move(models.Model):
    """Somebody has another manager or another team: what they may reach is looked at again."""

    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="moves")
    at = models.DateTimeField(db_default=Now(), editable=False)
    manager_before = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    manager = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    teams_before = models.JSONField(default=list)  # names
    team = models.CharField(max_length=120, blank=True, default="")  # the one joined, if that is what changed
    key = models.ForeignKey(DirectoryKey, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["-at"], name="latest_moves")]
