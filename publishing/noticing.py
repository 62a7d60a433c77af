"""Posts made on the network itself: read in turns with the figures, kept once each, and marked when they are gone."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Q
from django.db.models.functions import Now

from channels_registry.connector.capabilities import ListsPosts
from channels_registry.connector.types import Access, PostSeen
from publishing import queries
from publishing.models import MeasuringTurn, NativePost, Publication
from socialops.lib.delivery.settling import storable

EVERY = timedelta(minutes=15)
FIRST, THEN = timedelta(days=31), timedelta(days=7)  # how far back: the first time, and from then on
MOST_PAGES = 10
Seen = tuple[list[PostSeen], datetime]  # newest first; since when the list is whole


def due_since(turn: MeasuringTurn) -> datetime | None:
    """Since when posts are to be read now; None if it is not their turn."""
    now = queries.now()
    if turn.listed_at is not None and turn.listed_at > now - EVERY:
        return None
    return now - (FIRST if turn.listed_at is None else THEN)


async def seen_since(network: ListsPosts, access: Access, since: datetime) -> Seen:
    """A very long list is read in part."""
    found: list[PostSeen] = []
    cursor = ""
    for _ in range(MOST_PAGES):
        page = await network.list_posts(access, since, cursor)
        found += page.posts
        if not (cursor := page.cursor):
            return [each for each in found if each.at >= since], since
    return found, min((each.at for each in found), default=since)


def keep(turn: MeasuringTurn, posts: Sequence[PostSeen], since: datetime) -> None:
    """In the transaction of the turn. What is ours is left out; what is missing from the list is gone over there. An id
    that no column takes is no reason to lose the figures, which are kept beside it.
    """
    posts = [each for each in posts if len(each.remote_id) <= 600 and storable(each.remote_id) == each.remote_id]
    ours = Publication.objects.filter(channel=turn.channel_id, remote_id__in=[each.remote_id for each in posts])
    known = set(ours.values_list("remote_id", flat=True))
    rows = {each.remote_id: _row(turn, each) for each in posts if each.remote_id not in known}  # pages may overlap
    NativePost.objects.bulk_create(
        rows.values(), update_conflicts=True, unique_fields=["channel", "remote_id"],
        update_fields=["url", "text", "seen_at", "gone_at"],
    )  # fmt: skip
    there = NativePost.objects.filter(channel=turn.channel_id, at__gte=since, gone_at=None)
    there.filter(~Q(remote_id__in=[each.remote_id for each in posts])).update(gone_at=Now())
    MeasuringTurn.objects.filter(pk=turn.pk).update(listed_at=Now())


def _row(turn: MeasuringTurn, seen: PostSeen) -> NativePost:
    url = storable(seen.url) if seen.url.startswith(("https://", "http://")) and len(seen.url) <= 600 else ""
    text = " ".join(storable(seen.text).split())[:300]
    return NativePost(
        channel_id=turn.channel_id, remote_id=seen.remote_id, url=url, text=text, at=seen.at, seen_at=queries.now()
    )
