"""How posts usually do on a channel, and which of them resemble one that is to be decided. Only what was counted."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject

from publishing.models import COUNTS, Approval, PostMeasurement, Publication
from publishing.models.revision import texts_in
from publishing.queries.phrases import words_of

LOOKED_AT = 120  # the latest posts
LONG_ENOUGH = 4  # letters of a word that says what a post is about
ALIKE = 3  # words in common, at least, where nothing else is
MOST_SIMILAR = 3
SETTLED = ("day", "week", "month")
NAMES = {
    "views": ("view", "views"), "likes": ("like", "likes"), "reposts": ("repost", "reposts"),
    "replies": ("answer", "answers"), "quotes": ("quote", "quotes"),
}  # fmt: skip


@dataclass(frozen=True)
class Typical:
    """The middle of what the last `posts` posts got, each counted a day or more after it went out."""

    number: int
    of: str  # "views", or "reactions" where the network does not tell views
    posts: int


@dataclass(frozen=True)
class Counted:
    """A post that went out, with its measurements, the oldest first."""

    publication: Publication
    measured: list[PostMeasurement]


@dataclass(frozen=True)
class Similar:
    publication: Publication
    told: str  # what was counted, in words; "" if nothing was


def recent(channels: QuerySet, but: int) -> list[Counted]:
    """The last posts on these channels, other than post `but`, with what was `counted`. One query."""
    out = Publication.objects.filter(channel__in=channels, state="done", part=0).exclude(variant__post=but)
    measured = PostMeasurement.objects.filter(publication=OuterRef("pk")).order_by("at")
    kept = ArraySubquery(measured.values(row=JSONObject(**{name: name for name in ("age", "gone", *COUNTS)})))
    posts = list(out.annotate(rows=kept).select_related("variant__post").order_by("-due_at", "-id")[:LOOKED_AT])
    return [Counted(post, [PostMeasurement(**row) for row in post.rows]) for post in posts]


def typical(posts: Iterable[Counted], channel_id: int) -> Typical | None:
    """None: nothing was counted there yet."""
    last = [found for p in posts if p.publication.channel_id == channel_id and (found := _settled(p))]
    views = [each.views for each in last if each.views is not None]
    if views:
        return Typical(round(median(views)), "views", len(views))
    reactions = [each.reactions for each in last if each.reactions is not None]
    return Typical(round(median(reactions)), "reactions", len(reactions)) if reactions else None


def similar(approval: Approval, posts: Iterable[Counted]) -> list[Similar]:
    """Those of the same campaign, with the same tags or with several words in common, the most alike first."""
    post, mine = approval.post, _subject(texts_in(approval.revision.content))

    def likeness(other: Counted) -> int:
        theirs = other.publication.variant.post
        shared = len(mine & _subject([other.publication.text]))
        tags = len(set(post.tags) & set(theirs.tags))
        campaign = bool(post.campaign_id and post.campaign_id == theirs.campaign_id)
        return 4 * campaign + 3 * tags + (shared if shared >= ALIKE or campaign or tags else 0)

    once = {each.publication.variant.post_id: each for each in posts}.values()  # on several channels it is one post
    ranked = sorted(((likeness(each), each) for each in once), key=lambda pair: -pair[0])
    return [Similar(each.publication, told(each.measured)) for score, each in ranked if score][:MOST_SIMILAR]


def told(measured: list[PostMeasurement]) -> str:
    """What was last counted, in words."""
    if not measured:
        return ""
    last = measured[-1]
    if last.gone:
        return "it was taken down since"
    counts = [(getattr(last, name), words) for name, words in NAMES.items()]
    said = [f"{count:,} {one if count == 1 else many}" for count, (one, many) in counts if count is not None]
    return f"{', '.join(said)} {last.get_age_display()}" if said else ""


def _settled(post: Counted) -> PostMeasurement | None:
    counted = [each for each in post.measured if each.age in SETTLED and not each.gone]
    return min(counted, key=lambda each: SETTLED.index(each.age), default=None)


def _subject(texts: Iterable[str]) -> set[str]:
    return {word for text in texts for word in words_of(text) if len(word) >= LONG_ENOUGH}
