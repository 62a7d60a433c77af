"""Posts that somebody made on the network itself, past everything here."""

from django.db import models


class NativePost(models.Model):
    """As it was seen there last. `gone_at`: it was there, and is not any more. One that proves to be ours stays a row
    and is not shown (queries.calendar): how its publication ended may be known later than that it stands there.
    """

    channel = models.ForeignKey(
        "channels_registry.Channel", models.CASCADE, related_name="native_posts", db_index=False
    )
    remote_id = models.CharField(max_length=600)
    url = models.CharField(max_length=600, blank=True, default="")
    text = models.CharField(max_length=300)  # its beginning
    at = models.DateTimeField()
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "remote_id"], name="one_native_post_a_remote_id")]
        indexes = [models.Index(fields=["at"], name="native_calendar")]

    def __str__(self):
        return self.text[:80] or "(no text)"
