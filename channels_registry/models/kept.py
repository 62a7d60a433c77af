"""What no network lists: logins that several people know, and tools with seats. Their doors are rows of the ledger."""

from django.db import models
from django.db.models import F, Q


class Tool(models.Model):
    """Somebody else's program that reaches our channels. Each of its seats is a door on each channel it reaches."""

    class SignIn(models.TextChoices):
        UNKNOWN = "unknown", "Not known"
        PASSWORD = "password", "Password only"
        SECOND_FACTOR = "second_factor", "Password and second factor"
        SSO = "sso", "Single sign-on"

    name = models.CharField(max_length=120)
    vendor = models.CharField(max_length=120, blank=True, default="")
    url = models.CharField(max_length=400, blank=True, default="")  # where its seats are listed
    owner = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    reaches = models.ManyToManyField("channels_registry.Channel", related_name="tools")
    purpose = models.CharField(max_length=200, blank=True, default="")
    sign_in = models.CharField(max_length=13, choices=SignIn.choices, default=SignIn.UNKNOWN)
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name"], condition=Q(retired_at=None), name="one_tool_of_a_name"),
        ]

    def __str__(self):
        return self.name


class SharedLogin(models.Model):
    """A login over there that several people know. The secret is in a vault; this says where, and never what it is."""

    name = models.CharField(max_length=120)
    vault = models.CharField(max_length=300)  # the item's name or address in the vault
    owner = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")  # sees it rotated
    reaches = models.ManyToManyField("channels_registry.Channel", related_name="shared_logins")
    rotate_every = models.PositiveSmallIntegerField(default=90)  # days
    rotated_at = models.DateTimeField()  # since when the secret is the one it is, as far as is known here
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name"], condition=Q(retired_at=None), name="one_login_of_a_name"),
            models.CheckConstraint(condition=Q(rotate_every__gte=1), name="rotated_every_so_many_days"),
        ]

    def __str__(self):
        return self.name


class Rotation(models.Model):
    """The secret was changed: by whom, how that shows, and who looked as well."""

    login = models.ForeignKey(SharedLogin, models.CASCADE, related_name="rotations")
    done_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    done_at = models.DateTimeField()
    note = models.TextField()
    file = models.FileField(upload_to="evidence/%Y/%m/", blank=True)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    confirmed_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    contested_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    contested_why = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed_by=None) | ~Q(confirmed_by=F("done_by")), name="another_one_saw_the_rotation"
            ),
            models.CheckConstraint(
                condition=Q(contested_by=None) | (~Q(contested_by=F("done_by")) & Q(confirmed_by=None)),
                name="confirmed_or_contested",
            ),
            models.UniqueConstraint(
                fields=["login"], condition=Q(confirmed_by=None, contested_by=None), name="one_rotation_to_look_at"
            ),
        ]

    def __str__(self):
        return f"rotation of {self.login}"
