"""The library: what is in it, found by folder, tag, kind, words, and by what is missing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from operator import or_

from django.db.models import Count, F, Func, OuterRef, Q, QuerySet, Subquery, TextField
from django.db.models.functions import Now

from publishing.models import Asset, Post, Publication, Rendition, Variant
from socialops.lib.cursors import cursor_after, place_of

SOON = timedelta(days=30)
NEEDS: dict[str, tuple[str, Q]] = {
    "alt": ("Alt text missing", Q(alt_text="", archived_at=None)),
    "expiring": ("Rights end soon", Q(expires_at__gt=Now(), expires_at__lte=Now() + SOON, archived_at=None)),
    "expired": ("Rights ended", Q(expires_at__lte=Now(), archived_at=None)),
    "archived": ("Archived", Q(archived_at__isnull=False)),
}


@dataclass(frozen=True)
class Shelves:
    """What the library can be narrowed to: (folder, how many), tags, and for each of NEEDS how many."""

    folders: list[tuple[str, int]]
    tags: list[str]
    needs: list[tuple[str, str, int]]


def asset_page(assets: QuerySet[Asset], asked: Mapping[str, str], size: int) -> tuple[list[Asset], str, int]:
    """(the newest first with `thumb`, the cursor of the next page, how many in all). Two queries.

    `asked`: q, folder, tag, kind, needs (of NEEDS), before.
    """
    assets = _narrowed(assets, asked)
    total = assets.count()
    if place := place_of(asked.get("before", "")):
        when, pk = place
        assets = assets.filter(Q(uploaded_at__lt=when) | Q(uploaded_at=when, pk__lt=pk))
    rows = list(with_thumb(assets).order_by("-uploaded_at", "-id")[: size + 1])
    following = cursor_after(rows[size - 1].uploaded_at, rows[size - 1].pk) if len(rows) > size else ""
    return rows[:size], following, total


def shelves(assets: QuerySet[Asset]) -> Shelves:
    """Three queries."""
    standing = assets.filter(archived_at=None)
    folders = standing.exclude(folder="").order_by("folder").values_list("folder").annotate(Count("pk"))
    each = Func(F("tags"), function="unnest", output_field=TextField())
    tags = standing.order_by().annotate(each=each).values_list("each", flat=True).distinct()
    counts = assets.aggregate(**{name: Count("pk", filter=which) for name, (_, which) in NEEDS.items()})
    needs = [(name, words, counts[name]) for name, (words, _) in NEEDS.items() if counts[name]]
    return Shelves(list(folders), sorted(tags)[:40], needs)


def showing(*assets: int) -> Q:
    """What has `media` and shows one of these assets. By the indexes on what shows anything."""
    each = (Q(media__contains=[{"asset": pk}]) for pk in assets)
    return ~Q(media=[]) & reduce(or_, each, Q(pk__in=[]))


def too_late_for(asset: Asset) -> QuerySet[Publication]:
    """What waits to go out when the rights have ended."""
    waiting = Publication.objects.filter(
        showing(asset.pk), state__in=("scheduled", "held", "blocked", "missed", "failed")
    )
    return waiting.filter(due_at__gte=asset.expires_at) if asset.expires_at else waiting.none()


def used_in(asset: Asset, posts: QuerySet[Post]) -> QuerySet[Post]:
    """Those of these posts that show it now, the newest first."""
    variants = Variant.objects.current().filter(showing(asset.pk))
    return posts.filter(pk__in=variants.values("post")).select_related("author").order_by("-updated_at")


def takedowns(assets: QuerySet[Asset], publications: QuerySet[Publication]) -> list[tuple[Asset, list[Publication]]]:
    """Assets whose rights have ended, with those of these publications that still show them. Two queries."""
    ended = {asset.pk: asset for asset in with_thumb(assets.filter(expires_at__lte=Now())).order_by("expires_at")[:100]}
    live: dict[int, list[Publication]] = {}
    there = publications.filter(showing(*ended), state="done").select_related("channel", "variant__post")
    for publication in there.order_by("-due_at")[:500] if ended else ():
        for shown in publication.media:
            live.setdefault(shown["asset"], []).append(publication)
    return [(asset, live[pk]) for pk, asset in ended.items() if pk in live]


def with_thumb(assets: QuerySet[Asset]) -> QuerySet[Asset]:
    """Each with `thumb`, the id of the file that stands for it in lists."""
    small = Rendition.objects.filter(asset=OuterRef("pk"), format="thumb").order_by("-pk")
    return assets.annotate(thumb=Subquery(small.values("pk")[:1]))


def _narrowed(assets: QuerySet[Asset], asked: Mapping[str, str]) -> QuerySet[Asset]:
    needs = asked.get("needs", "")
    assets = assets.filter(NEEDS[needs][1] if needs in NEEDS else Q(archived_at=None))
    if folder := asked.get("folder", ""):
        assets = assets.filter(Q(folder=folder) | Q(folder__startswith=f"{folder}/"))
    if tag := asked.get("tag", ""):
        assets = assets.filter(tags__contains=[tag])
    if (kind := asked.get("kind", "")) in Asset.Kind.values:
        assets = assets.filter(kind=kind)
    for word in asked.get("q", "").split()[:6]:
        said = Q(title__icontains=word) | Q(alt_text__icontains=word) | Q(credit__icontains=word)
        assets = assets.filter(said | Q(tags__contains=[word.lower()]))
    return assets
