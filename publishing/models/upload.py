"""A file that arrives in pieces, so that a broken line costs one piece and not the whole."""

import uuid

from django.db import models
from django.db.models import F, Q


def _place(piece: "UploadPiece", name: str) -> str:
    return f"uploads/{uuid.uuid4().hex}"


class Upload(models.Model):
    """`received` of `length` bytes are here. Gone when it is in the library, or a day after it began."""

    key = models.UUIDField(primary_key=True, default=uuid.uuid4)
    by = models.ForeignKey("accounts.Person", models.CASCADE, related_name="uploads")
    name = models.CharField(max_length=200)
    length = models.PositiveBigIntegerField()
    received = models.PositiveBigIntegerField(default=0)
    begun_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(received__lte=F("length")), name="no_more_than_was_said"),
        ]

    def __str__(self):
        return self.name


class UploadPiece(models.Model):
    upload = models.ForeignKey(Upload, models.CASCADE, related_name="pieces")
    offset = models.PositiveBigIntegerField()
    file = models.FileField(upload_to=_place, max_length=120)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["upload", "offset"], name="one_piece_a_place")]
