"""Posts as their networks draw them, before they are there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from channels_registry.models import Channel
from publishing.models import Revision, Variant
from publishing.queries.checking import Measure, connector_of, live_facts, measure
from socialops.lib import words


@dataclass(frozen=True)
class Preview:
    """`field` and `place_field` are the form's fields for a text and a placement of its own, where there are any."""

    channel: Channel
    text: str
    measure: Measure
    drifted: bool = False
    placement: str = ""
    variant: Variant | None = None
    field: Any = None
    place_field: Any = None

    @property
    def near(self) -> bool:
        """Less than a tenth is left."""
        return not self.measure.problem and self.measure.left * 10 < self.measure.limit


def previews(variants: Iterable[Variant], form: Any = None) -> list[Preview]:
    def asked(name: str) -> Any:
        return form[name] if form is not None and name in form.fields else None

    return [
        Preview(
            v.channel, v.final_text, measure(v.channel, v.final_text), v.drifted, _place(v), v if v.pk else None,
            asked(f"variant_{v.channel_id}"), asked(f"placement_{v.channel_id}"),
        )
        for v in variants
    ]  # fmt: skip


def preview_of(variant: Variant, text: str) -> Preview:
    return Preview(variant.channel, text, measure(variant.channel, text), False, _place(variant), variant)


def as_asked(revision: Revision, variants: Iterable[Variant]) -> list[Preview]:
    """What the revision says on each of its channels, whatever the post says by now."""
    channels = {v.channel_id: v for v in variants}
    gone = [each["channel"] for each in revision.content["variants"] if each["channel"] not in channels]
    others = {c.pk: c for c in connected(Channel.objects.filter(pk__in=gone))} if gone else {}
    drawn = []
    for each in revision.content["variants"]:
        known = channels.get(each["channel"])
        channel = known.channel if known else others[each["channel"]]
        drifted = each["own"] and each["text"] != revision.content["text"]
        drawn.append(Preview(channel, each["text"], measure(channel, each["text"]), drifted, _label(channel, each)))
    return drawn


@dataclass(frozen=True)
class Difference:
    """What changed on some channels, alike on all of them."""

    channels: list[str]
    pieces: list[words.Piece]


def differences(before: Revision, now: Revision, names: Mapping[int, str]) -> list[Difference]:
    """Between two revisions as they would appear, grouped where channels differ alike. Empty: nothing changed."""
    ids = sorted({v["channel"] for revision in (before, now) for v in revision.content["variants"]})
    groups: dict[tuple[str, str], list[str]] = {}
    for pk in ids:
        pair = (before.text_for(pk) or "", now.text_for(pk) or "")
        if pair[0] != pair[1]:
            groups.setdefault(pair, []).append(names.get(pk, "a channel it left"))
    return [Difference(channels, words.compare(*pair)) for pair, channels in groups.items()]


def connected(channels) -> list[Channel]:
    """The channels by name, each with `live_facts`. One query, or two for a query set."""
    found = Channel.objects.filter(pk__in=[c.pk for c in channels]).annotate(live_facts=live_facts("pk"))
    return list(found.order_by("name"))


def _place(variant: Variant) -> str:
    """The placement in the network's word, where it offers more than one."""
    return _label(variant.channel, {"placement": variant.placement})


def _label(channel: Channel, content: Mapping[str, Any]) -> str:
    connector, slug = connector_of(channel), content["placement"]
    places = {p.slug: p.label for p in connector.placements} if connector else {}
    return places.get(slug, slug) if len(places) > 1 else ""
