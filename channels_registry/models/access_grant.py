"""The one ledger of who can reach what, and through which door. Written by channels_registry.access and nobody else."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from guardian.models import UserObjectPermissionBase


class Door(models.TextChoices):
    RIGHT = "right", "Right in Socialops"
    ROLE = "role", "Role on the network"
    APP_PASSWORD = "app_password", "App password"
    SHARED_LOGIN = "shared_login", "Shared login"
    APP = "app", "Attached app"
    INVITATION = "invitation", "Invitation"
    SESSION = "session", "Open session"
    RECOVERY = "recovery", "Recovery e-mail or phone"
    TOOL_SEAT = "tool_seat", "Seat in a tool"


class Entitlement(models.TextChoices):
    """Levels of the door RIGHT, each with the permissions it gives (RIGHTS). Other doors use the network's own word."""

    VIEWER = "viewer", "Can see"
    AUTHOR = "author", "Can write"
    APPROVER = "approver", "Can approve"
    PUBLISHER = "publisher", "Can publish"
    RESPONDER = "responder", "Can answer"
    MANAGER = "manager", "Can manage"


RIGHTS: dict[str, tuple[str, ...]] = {
    "viewer": ("see",),
    "author": ("see", "draft"),
    "approver": ("see", "approve"),
    "publisher": ("see", "draft", "publish"),
    "responder": ("see", "answer"),
    "manager": ("see", "draft", "approve", "publish", "answer", "manage"),
}


class AccessGrantQuerySet(models.QuerySet):
    def standing(self, at=None):
        """Grants that hold at this moment (default: now by the database's clock): begun, not ended, not expired."""
        at = at or Now()
        return self.filter(
            Q(starts_at__lte=at), Q(revoked_at=None) | Q(revoked_at__gt=at), Q(expires_at=None) | Q(expires_at__gt=at)
        )


class AccessGrant(models.Model):
    class Source(models.TextChoices):
        DECLARED = "declared", "Declared here"
        OBSERVED = "observed", "Read from the network"
        TEAM = "team", "Through a team"
        EMERGENCY = "emergency", "Break-glass"  # ends by itself, and is never given more time

    channel = models.ForeignKey("channels_registry.Channel", models.PROTECT, related_name="grants")
    person = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="grants")
    identity = models.ForeignKey(
        "channels_registry.NetworkIdentity", models.PROTECT, null=True, blank=True, related_name="grants"
    )
    door = models.CharField(max_length=14, choices=Door.choices)
    entitlement = models.CharField(max_length=80)
    label = models.CharField(max_length=200, blank=True, default="")  # the network's name of the door
    remote_id = models.CharField(max_length=300, blank=True, default="")  # the network's id of the door
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.DECLARED)
    ours = models.BooleanField(default=False)  # the door Socialops itself uses
    login = models.ForeignKey(  # the shared login that its holder knows
        "channels_registry.SharedLogin", models.PROTECT, null=True, blank=True, related_name="grants", db_index=False
    )
    tool = models.ForeignKey(  # the tool in which it is a seat
        "channels_registry.Tool", models.PROTECT, null=True, blank=True, related_name="grants", db_index=False
    )
    granted_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=300, blank=True, default="")
    starts_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    warned_at = models.DateTimeField(null=True, blank=True)  # when its holder was last told that it is about to end
    last_proven_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    revoked_reason = models.CharField(max_length=300, blank=True, default="")

    objects = AccessGrantQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["channel", "door"], condition=Q(revoked_at=None), name="open_doors"),
            models.Index(fields=["person", "door"], condition=Q(revoked_at=None), name="what_a_person_reaches"),
            models.Index(fields=["identity"], condition=Q(person=None, revoked_at=None), name="doors_of_nobody"),
            models.Index(
                fields=["expires_at"], condition=Q(revoked_at=None, expires_at__isnull=False), name="grants_that_end"
            ),
            models.Index(fields=["login"], condition=Q(login__isnull=False), name="holders_of_a_login"),
            models.Index(fields=["tool"], condition=Q(tool__isnull=False), name="seats_in_a_tool"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at=None) | Q(expires_at__gt=F("starts_at")), name="expires_after_start"
            ),
            models.CheckConstraint(
                condition=Q(revoked_at=None) | Q(revoked_at__gte=F("starts_at")), name="revoked_after_start"
            ),
        ]

    def __str__(self):
        return f"{self.get_door_display()} “{self.label or self.entitlement}” to {self.channel}"


class ChannelUserPermission(UserObjectPermissionBase):
    """Guardian's row for one right. It exists only with its grant and dies with it."""

    content_object = models.ForeignKey("channels_registry.Channel", models.CASCADE, related_name="user_permissions")
    grant = models.ForeignKey(AccessGrant, models.CASCADE, related_name="permissions")

    class Meta(UserObjectPermissionBase.Meta):
        unique_together: ClassVar[list] = []
        constraints = [models.UniqueConstraint(fields=["grant", "permission"], name="one_right_a_grant")]
        indexes = [models.Index(fields=["user", "permission", "content_object"], name="rights_of_a_user")]
