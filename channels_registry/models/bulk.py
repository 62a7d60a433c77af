"""Channels from a file: the import, and what became of each of its rows."""

import uuid

from django.db import models
from django.db.models import Q

from socialops.lib.sheets import Sheet, SheetRow


def _place(of: "ChannelImport", name: str) -> str:
    """A name nobody can guess or choose; what it was called is kept in the row."""
    return f"channel_imports/{uuid.uuid4().hex}.{of.kind}"


class ChannelImport(Sheet):
    by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="channel_imports")
    file = models.FileField(upload_to=_place, max_length=80)
    make_people = models.BooleanField(default=False)  # of addresses that nobody here has

    class Meta:
        indexes = [
            models.Index(fields=["by", "-id"], name="channel_imports_of_a_person"),
            models.Index(
                fields=["id"], condition=Q(state__in=("checking", "importing")), name="channel_imports_at_work"
            ),
        ]


class ChannelRow(SheetRow):
    of = models.ForeignKey(ChannelImport, models.CASCADE, related_name="rows")
    channel = models.ForeignKey(
        "channels_registry.Channel", models.PROTECT, null=True, blank=True, related_name="imported"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["of", "number"], name="one_channel_row_a_number"),
            models.CheckConstraint(
                condition=~Q(outcome__in=("created", "changed", "unchanged")) | Q(channel__isnull=False, problems={}),
                name="an_imported_row_has_its_channel",
            ),
        ]

    def __str__(self):
        return f"row {self.number} of {self.of.name}"
