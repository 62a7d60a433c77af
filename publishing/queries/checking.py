"""How long a text is, as its network counts, and what is wrong with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import OuterRef, Subquery
from django.urls import reverse

from channels_registry import networks
from channels_registry.connector import text as counting
from channels_registry.connector.capabilities import Network
from channels_registry.connector.types import Limits, MediaLimits
from channels_registry.models import Channel, Connection
from publishing.models import Asset, Post, Rendition, Variant


@dataclass(frozen=True)
class Measure:
    """`size` of `limit` in `unit`, as the network counts. `problem` is a sentence for the author; empty if it fits."""

    size: int
    limit: int
    unit: str
    problem: str
    source: str
    rule: str = ""

    @property
    def left(self) -> int:
        return self.limit - self.size

    @property
    def near(self) -> bool:
        """Less than a tenth is left."""
        return not self.problem and self.left * 10 < self.limit


def now() -> datetime:
    """The database's clock, which is the one that counts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        return cursor.fetchone()[0]


def variants_of(post: Post) -> list[Variant]:
    """The post's current variants with channel and `channel.live_facts`. One query."""
    variants = Variant.objects.current().filter(post=post).select_related("channel").order_by("id")
    variants = list(variants.annotate(live_facts=live_facts("channel")))
    for variant in variants:
        variant.post, variant.channel.live_facts = post, variant.live_facts
    return variants


def live_facts(channel: str) -> Subquery:
    """What the server behind a channel's live connection says of itself; NULL where nothing is connected."""
    return Subquery(Connection.objects.filter(channel=OuterRef(channel), state="live").values("facts")[:1])


def connector_of(channel: Channel) -> Network | None:
    """The network's class, or None for one that is no longer installed."""
    try:
        return networks.network(channel.network)
    except KeyError:
        return None


def limits_of(channel: Channel) -> Limits | None:
    """On the server that the channel is connected to; the network's own where nothing is connected."""
    connector = connector_of(channel)
    if connector is None:
        return None
    facts = facts_of(channel)
    return connector.limits if facts is None else connector.limits_for(facts)


def media_limits_of(channel: Channel) -> MediaLimits | None:
    """What a post may show there; None for a network that is not installed any more."""
    connector = connector_of(channel)
    return connector.media_for(facts_of(channel) or {}) if connector else None


def facts_of(channel: Channel) -> dict | None:
    """What the server that the channel is connected to says of itself; None where nothing is connected."""
    if hasattr(channel, "live_facts"):
        return channel.live_facts
    return channel.connections.filter(state="live").values_list("facts", flat=True).first()


def measure(channel: Channel, text: str) -> Measure:
    limits = limits_of(channel)
    if limits is None:
        return Measure(len(text), 0, "characters", f"Socialops does not know {channel.network} any more.", "")
    problem = "The text is empty." if not text.strip() else counting.too_long(text, limits)
    return Measure(
        counting.size(text, limits),
        limits.text,
        counting.UNITS[limits.counts_by],
        problem,
        limits.source,
        counting.rule(limits),
    )


@dataclass(frozen=True)
class Picture:
    """A picture or video as a channel shows it: the file that is sent, its alt text there, what is wrong with it."""

    rendition: Rendition
    alt: str
    problem: str
    address: str = ""  # where somebody without a seat fetches it

    @property
    def asset(self) -> Asset:
        return self.rendition.asset

    @property
    def fetched_at(self) -> str:
        return self.address or reverse("rendition_file", args=[self.rendition.pk])


def renditions_in(media: Iterable[list[dict[str, Any]]]) -> dict[int, Rendition]:
    """The files that these lists name, by id, with their assets. One query; none where nothing is shown."""
    ids = {each["rendition"] for entries in media for each in entries}
    return Rendition.objects.select_related("asset").in_bulk(ids) if ids else {}


def pictures(channel: Channel, media: list[dict[str, Any]], files: Mapping[int, Rendition]) -> list[Picture]:
    """In order, each with what the network or its rights have against it. `files` as renditions_in gives them."""
    limits = media_limits_of(channel)
    shown = [(files[each["rendition"]], each["alt"]) for each in media if each["rendition"] in files]
    return [
        Picture(file, alt, _against(channel, limits, file, alt, number, len(shown)))
        for number, (file, alt) in enumerate(shown, 1)
    ]


def problems(variants: Iterable[Variant]) -> dict[int, str]:
    """What keeps these variants from being sent, by variant id. Empty if nothing does."""
    variants = list(variants)
    files = renditions_in(v.media for v in variants)
    found = {v.pk: _problem(v, files) for v in variants}
    return {pk: words for pk, words in found.items() if words}


def rights_problem(media: list[dict[str, Any]], at: datetime) -> str:
    """Why these pictures may not go out at that time; "" if they may. One query; none where nothing is shown."""
    assets = Asset.objects.filter(pk__in={each["asset"] for each in media}) if media else ()
    return next((words for asset in assets if (words := rights_end(asset, at))), "")


def rights_end(asset: Asset, at: datetime) -> str:
    """Why it may not go out at that time; "" if it may."""
    if asset.expires_at is None or asset.expires_at > at:
        return ""
    return f"The rights to “{asset.title}” end on {asset.expires_at:%-d %B %Y, %H:%M} UTC, before this time."


def _problem(variant: Variant, files: Mapping[int, Rendition]) -> str:
    said = (measure(variant.channel, text).problem for text in (variant.final_text, *variant.following))
    shown = (
        f"{each.asset.title}: {each.problem}"
        for each in pictures(variant.channel, variant.media, files)
        if each.problem
    )
    return next(filter(None, (*said, _too_many(variant), *shown)), "")


def _too_many(variant: Variant) -> str:
    limits, thread = limits_of(variant.channel), len(variant.thread)
    if limits is None or (thread <= limits.thread and (limits.first_comment or not variant.first_comment)):
        return ""
    if thread > limits.thread:
        most = f"{limits.thread} more posts may follow it" if limits.thread else "it cannot be continued by a thread"
        return f"The thread is too long: on {variant.channel} {most}."
    return f"A post on {variant.channel} cannot carry a first comment."


def _against(channel: Channel, limits: MediaLimits | None, file: Rendition, alt: str, number: int, count: int) -> str:
    """One sentence for the author; "" if nothing is wrong."""
    label = channel.connector.label if limits else channel.network
    if limits is None or not limits.count:
        return f"{label} shows no pictures from here."
    most = limits.bytes.get(file.mime)
    if most is None:
        return f"{label} does not take this kind of file ({file.mime.partition('/')[2]})."
    if file.bytes > most:
        return f"The file has {file.bytes / 1e6:.1f} MB, {label} takes {most / 1e6:.1f} MB."
    if limits.pixels and file.width * file.height > limits.pixels:
        return f"{file.width} × {file.height} is more than the {limits.pixels / 1e6:.0f} million pixels {label} takes."
    if number > limits.count:
        return f"{label} shows {limits.count} pictures at most. Take one away."
    if count > 1 and file.mime in limits.alone:
        return f"On {label} this stands alone. Take the others away, or this one."
    if not alt.strip():
        return "Say what it shows, for people who cannot see it."
    if limits.alt and len(alt) > limits.alt:
        return f"The alt text has {len(alt)} characters, {label} takes {limits.alt}."
    if file.asset.release == Asset.Release.MISSING:
        return "Somebody can be recognised, and their release is missing."
    return "The rights have ended." if file.asset.rights_ended else ""
