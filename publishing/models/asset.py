"""Pictures and videos in the library, with who may use them until when, and the files that are cut from them."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone

EXTENSIONS = {
    "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/gif": "gif", "video/mp4": "mp4",
    "video/webm": "webm",
}  # fmt: skip


def _place(row: "Asset | Rendition", name: str) -> str:
    """Where its file is kept: under a name of ours that says nothing."""
    return f"assets/{uuid.uuid4().hex}.{EXTENSIONS[row.mime]}"


class Asset(models.Model):
    """One original, kept clean of what a camera writes into it. Kind and measures are what its bytes say.

    Rights end at `expires_at`; None: they do not end.
    """

    class Kind(models.TextChoices):
        IMAGE = "image", "Picture"
        GIF = "gif", "Animated picture"
        VIDEO = "video", "Video"

    class Release(models.TextChoices):
        UNSAID = "", "Nobody has said"
        NOT_NEEDED = "not_needed", "Nobody can be recognised"
        ON_FILE = "on_file", "On file"
        MISSING = "missing", "Missing"

    title = models.CharField(max_length=140)
    kind = models.CharField(max_length=5, choices=Kind.choices)
    folder = models.CharField(max_length=120, blank=True, default="")  # "Shops/Lyon"
    tags = ArrayField(models.CharField(max_length=40), default=list, blank=True)  # lower case
    alt_text = models.TextField(blank=True, default="")
    file = models.FileField(upload_to=_place, max_length=120)
    mime = models.CharField(max_length=20)
    sha256 = models.CharField(max_length=64)
    bytes = models.PositiveBigIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    seconds = models.FloatField(null=True, blank=True)  # of a video or an animation
    codec = models.CharField(max_length=40, blank=True, default="")
    licence = models.CharField(max_length=200, blank=True, default="")
    credit = models.CharField(max_length=120, blank=True, default="")
    release = models.CharField(max_length=10, choices=Release.choices, blank=True, default=Release.UNSAID)
    release_note = models.CharField(max_length=200, blank=True, default="")  # whose, and where it is kept
    territory = models.CharField(max_length=120, blank=True, default="")
    expires_at = models.DateTimeField(null=True, blank=True)
    uploaded_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="assets")
    uploaded_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["-uploaded_at", "-id"], name="asset_list"),
            models.Index(fields=["expires_at"], condition=Q(expires_at__isnull=False), name="asset_rights_end"),
            GinIndex(fields=["tags"], name="asset_tags"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(width__gt=0, height__gt=0, bytes__gt=0), name="an_asset_has_a_size"),
        ]

    def __str__(self):
        return self.title

    @property
    def rights_ended(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()


class Rendition(models.Model):
    """A file cut from an asset; never changed once made, so that what was approved stays what it was.

    The crop is in fractions of the original. `limit_bytes`: it was made smaller to fit a network that takes no more.
    """

    class Format(models.TextChoices):
        ORIGINAL = "original", "As it is"
        SQUARE = "1:1", "Square, 1:1"
        PORTRAIT = "4:5", "Portrait, 4:5"
        TALL = "9:16", "Tall, 9:16"
        WIDE = "16:9", "Wide, 16:9"
        THUMBNAIL = "thumb", "For lists"

    asset = models.ForeignKey(Asset, models.PROTECT, related_name="renditions")
    format = models.CharField(max_length=8, choices=Format.choices)
    crop_x = models.FloatField(default=0)
    crop_y = models.FloatField(default=0)
    crop_w = models.FloatField(default=1)
    crop_h = models.FloatField(default=1)
    limit_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    file = models.FileField(upload_to=_place, max_length=120)
    mime = models.CharField(max_length=20)
    sha256 = models.CharField(max_length=64)
    bytes = models.PositiveBigIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(crop_x__gte=0, crop_y__gte=0, crop_w__gt=0, crop_h__gt=0, crop_x__lt=1, crop_y__lt=1),
                name="a_crop_lies_inside",
            ),
        ]

    def __str__(self):
        return f"{self.asset}, {self.get_format_display()}"
