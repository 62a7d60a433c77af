"""What pages that people link to say of themselves, for the cards that networks draw of them."""

import uuid

from django.contrib.postgres.indexes import HashIndex
from django.db import models
from django.db.models import Q

from publishing.models.asset import EXTENSIONS


def _place(row: "LinkCard", name: str) -> str:
    return f"cards/{uuid.uuid4().hex}.{EXTENSIONS[row.mime]}"


class LinkCard(models.Model):
    """One reading of a page: asked for by a person, done by a worker, never changed afterwards, for posts refer to it.

    `problem`: why there is no card. The picture's fields are empty where the page shows none.
    """

    url = models.TextField()  # as it is written in the text
    asked_by = models.ForeignKey("accounts.Person", models.CASCADE, related_name="+")
    asked_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=300, blank=True, default="")
    title = models.CharField(max_length=300, blank=True, default="")
    description = models.CharField(max_length=1000, blank=True, default="")
    file = models.FileField(upload_to=_place, max_length=120, blank=True)
    mime = models.CharField(max_length=20, blank=True, default="")
    sha256 = models.CharField(max_length=64, blank=True, default="")
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(problem="") | Q(read_at__isnull=False, title="", sha256=""), name="no_card_of_a_failure"
            ),
        ]
        indexes = [
            HashIndex(fields=["url"], name="cards_of_a_page"),
            models.Index(fields=["asked_at"], condition=Q(read_at=None), name="pages_to_read"),
            models.Index(fields=["sha256"], condition=~Q(sha256=""), name="pictures_of_cards"),
            models.Index(fields=["asked_by", "asked_at"], name="pages_asked_for"),
        ]

    def __str__(self):
        return self.title or self.url[:80]
