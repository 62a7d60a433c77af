"""What came of a post, as its network counted it at a few ages, and whose turn it is to be asked."""

from django.db import models
from django.db.models import Q

COUNTS = ("likes", "reposts", "replies", "quotes", "views")


class PostMeasurement(models.Model):
    """A count None: the network does not tell, which is not the same as nobody did. `gone`: it was erased there."""

    class Age(models.TextChoices):
        HOUR = "hour", "after an hour"
        DAY = "day", "after a day"
        WEEK = "week", "after a week"
        MONTH = "month", "after a month"

    publication = models.ForeignKey(
        "publishing.Publication", models.CASCADE, related_name="measurements", db_index=False
    )
    age = models.CharField(max_length=5, choices=Age.choices)
    at = models.DateTimeField(auto_now_add=True)
    likes = models.PositiveBigIntegerField(null=True)
    reposts = models.PositiveBigIntegerField(null=True)
    replies = models.PositiveBigIntegerField(null=True)
    quotes = models.PositiveBigIntegerField(null=True)
    views = models.PositiveBigIntegerField(null=True)
    gone = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["publication", "age"], name="one_measurement_an_age"),
            models.CheckConstraint(
                condition=Q(gone=False) | Q(**dict.fromkeys(COUNTS)), name="what_is_gone_counts_nothing"
            ),
        ]

    def __str__(self):
        return f"{self.publication}: {self.get_age_display()}"

    @property
    def reactions(self) -> int | None:
        """Likes, reposts, answers and quotes together, as far as they are told; None if none is."""
        told = [each for each in (self.likes, self.reposts, self.replies, self.quotes) if each is not None]
        return sum(told) if told else None


class MeasuringTurn(models.Model):
    """A channel's turn to be asked. It is nobody else's until `next_at`."""

    channel = models.OneToOneField("channels_registry.Channel", models.CASCADE, related_name="measuring_turn")
    next_at = models.DateTimeField(db_index=True)
    followed_at = models.DateTimeField(null=True)  # when it last said who follows it
    listed_at = models.DateTimeField(null=True)  # when the posts that stand there were last read
    failures = models.PositiveSmallIntegerField(default=0)
    trouble = models.CharField(max_length=300, blank=True, default="")  # for people

    def __str__(self):
        return f"{self.channel.name} at {self.next_at:%Y-%m-%d %H:%M}"
