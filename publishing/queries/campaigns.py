"""Campaigns with what is under way in them, and the tags in use."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import CharField, Count, F, Func, Min, Q, QuerySet
from django.db.models.functions import Now

from accounts.models import Person
from channels_registry.permissions import seen_by
from publishing.models import Campaign, Post, Publication

STAGES = {
    "running": ("Running", Q(archived_at=None)),
    "archived": ("Put away", Q(archived_at__isnull=False)),
}


@dataclass(frozen=True)
class CampaignRow:
    """`posts` counts those that the reader may see; `next_at` is when the next of them goes out."""

    campaign: Campaign
    posts: int
    next_at: datetime | None


def campaign_rows(stage: str, posts: QuerySet[Post], person: Person) -> list[CampaignRow]:
    """The one whose next post goes out first on top. Three queries."""
    found = list(Campaign.objects.filter(STAGES[stage][1]).select_related("owner").order_by("name")[:500])
    mine = posts.filter(campaign__in=found).order_by()
    counts = dict(mine.values_list("campaign").annotate(Count("pk")))
    ahead = going_out_of(person).filter(variant__post__campaign__in=found).order_by()
    firsts = dict(ahead.values_list("variant__post__campaign").annotate(Min("due_at")))
    rows = [CampaignRow(each, counts.get(each.pk, 0), firsts.get(each.pk)) for each in found]
    return sorted(rows, key=lambda row: (row.next_at is None, row.next_at or row.campaign.created_at))


def going_out_of(person: Person) -> QuerySet[Publication]:
    """What is scheduled and ahead, on channels that the person sees."""
    there = seen_by(person).values("pk")
    return Publication.objects.filter(state="scheduled", due_at__gt=Now(), channel__in=there)


def next_out(campaign: Campaign, person: Person, most: int = 10) -> list[Publication]:
    ahead = going_out_of(person).filter(variant__post__campaign=campaign)
    return list(ahead.select_related("variant__post", "channel").order_by("due_at", "id")[:most])


def posts_by_state(posts: QuerySet[Post]) -> list[tuple[str, str, int]]:
    """(state, its words, how many), in the order of a post's life. One query."""
    counts = dict(posts.order_by().values_list("state").annotate(Count("pk")))
    return [(state, words, counts[state]) for state, words in Post.State.choices if state in counts]


def tags_in_use(posts: QuerySet[Post]) -> list[tuple[str, int]]:
    """Every tag of these posts with how many have it, the commonest first. One query."""
    each = posts.order_by().annotate(tag=Func(F("tags"), function="unnest", output_field=CharField()))
    return list(each.values_list("tag").annotate(n=Count("pk")).order_by("-n", "tag")[:1000])
