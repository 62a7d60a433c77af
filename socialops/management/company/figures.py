"""What went out on the flagships in the last weeks, as it stands over there, with what was counted on it."""

from datetime import datetime, timedelta
from random import Random

from django.utils import timezone

from accounts.models import Person
from channels_registry.models import Channel
from publishing.measuring import WHEN
from publishing.models import Campaign, NativePost, PostMeasurement, Publication
from socialops.management.company import posts
from socialops.sandbox.control import Control

SHARES = {"hour": 0.3, "day": 0.8, "week": 1.0}  # of what it will get, by age


def look_back(people: dict[str, Person], channels: list[Channel], network: Control, count: int = 40) -> None:
    """`count` posts over these channels, written as history is, each real on the sandbox."""
    random, now = Random(count), timezone.now()  # noqa: S311 (a believable company, not a secret)
    posts.write(random, people, channels, now, list(Campaign.objects.order_by("pk")[:2]), count)
    for publication in Publication.objects.filter(channel__in=channels, state="done").select_related("channel"):
        size = publication.channel.audience_size or 1000
        whole = {"likes": random.randint(size // 900, size // 250), "reposts": random.randint(0, size // 1500)}
        whole["views"] = random.randint(size // 9, size // 3)
        there = network.post(publication.channel.remote_id, publication.text, **whole)
        Publication.objects.filter(pk=publication.pk).update(remote_id=there)
        PostMeasurement.objects.bulk_create(_counted(publication, whole, now))
    _past_everybody(channels[-1], network, now)


def _past_everybody(channel: Channel, network: Control, now: datetime) -> None:
    """Somebody posted on the network itself; the workers would see it within a quarter of an hour."""
    words = "Back in the workshop after the storm. Repairs take two days longer this week."
    there = network.post(channel.remote_id, words)
    at = now - timedelta(hours=2)
    NativePost.objects.create(channel=channel, remote_id=there, text=words, at=at, seen_at=now)


def _counted(publication: Publication, whole: dict[str, int], now: datetime) -> list[PostMeasurement]:
    age = now - publication.due_at
    return [
        PostMeasurement(
            publication=publication,
            age=name,
            replies=0,
            quotes=0,
            **{what: round(number * share) for what, number in whole.items()},
        )
        for name, share in SHARES.items()
        if age >= WHEN[name][0] + timedelta(minutes=1)
    ]
