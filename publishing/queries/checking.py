"""How long a text is, as its network counts, and what is wrong with it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import OuterRef, Subquery

from channels_registry import networks
from channels_registry.connector import text as counting
from channels_registry.connector.capabilities import Network
from channels_registry.connector.types import Limits
from channels_registry.models import Channel, Connection
from publishing.models import Post, Variant


@dataclass(frozen=True)
class Measure:
    """`size` of `limit` in `unit`, as the network counts. `problem` is a sentence for the author; empty if it fits."""

    size: int
    limit: int
    unit: str
    problem: str
    source: str

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
    if hasattr(channel, "live_facts"):
        facts = channel.live_facts
    else:
        facts = channel.connections.filter(state="live").values_list("facts", flat=True).first()
    return connector.limits if facts is None else connector.limits_for(facts)


def measure(channel: Channel, text: str) -> Measure:
    limits = limits_of(channel)
    if limits is None:
        return Measure(len(text), 0, "characters", f"Socialops does not know {channel.network} any more.", "")
    problem = "The text is empty." if not text.strip() else counting.too_long(text, limits)
    return Measure(
        counting.length(text, limits.counts_by), limits.text, counting.UNITS[limits.counts_by], problem, limits.source
    )


def problems(variants: Iterable[Variant]) -> dict[int, str]:
    """What keeps these variants from being sent, by variant id. Empty if nothing does."""
    found = {v.pk: _problem(v) for v in variants}
    return {pk: words for pk, words in found.items() if words}


def _problem(variant: Variant) -> str:
    said = (measure(variant.channel, text).problem for text in (variant.final_text, *variant.following))
    return next(filter(None, (*said, _too_many(variant))), "")


def _too_many(variant: Variant) -> str:
    limits, thread = limits_of(variant.channel), len(variant.thread)
    if limits is None or (thread <= limits.thread and (limits.first_comment or not variant.first_comment)):
        return ""
    if thread > limits.thread:
        most = f"{limits.thread} more posts may follow it" if limits.thread else "it cannot be continued by a thread"
        return f"The thread is too long: on {variant.channel} {most}."
    return f"A post on {variant.channel} cannot carry a first comment."
