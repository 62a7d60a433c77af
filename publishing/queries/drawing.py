"""Posts as their networks draw them, before they are there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from channels_registry.models import Channel
from publishing.models import Revision, Variant
from publishing.queries.checking import Measure, Picture, connector_of, live_facts, measure, pictures, renditions_in
from socialops.lib import words

OWN_FIELDS = ("variant", "thread", "comment", "placement")


@dataclass(frozen=True)
class Following:
    """A further post of the thread, or the first comment."""

    text: str
    measure: Measure
    comment: bool = False


@dataclass(frozen=True)
class Preview:
    """`drift` is the difference to the master where it has drifted. `following`: what goes out under it, in order.

    `fields` are the form's fields for what this channel has of its own, by their kind: those of OWN_FIELDS it can have.
    """

    channel: Channel
    text: str
    measure: Measure
    drifted: bool = False
    placement: str = ""
    variant: Variant | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    drift: list[words.Piece] = field(default_factory=list)
    following: list[Following] = field(default_factory=list)
    pictures: tuple[Picture, ...] = ()

    @property
    def wrong(self) -> bool:
        """Whether one of its own fields was not accepted, so that it is shown open."""
        return any(field.errors for field in self.fields.values())


def previews(variants: Iterable[Variant], form: Any = None) -> list[Preview]:
    there = form.fields if form is not None else {}

    def fields(channel_id: int) -> dict[str, Any]:
        names = {kind: f"{kind}_{channel_id}" for kind in OWN_FIELDS}
        return {kind: form[name] for kind, name in names.items() if name in there}

    variants = list(variants)
    files = renditions_in(v.media for v in variants)
    return [
        Preview(
            v.channel, v.final_text, measure(v.channel, v.final_text), v.drifted, _place(v), v if v.pk else None,
            fields(v.channel_id), words.compare(v.post.text, v.text) if v.drifted and v.text else [],
            _following(v.channel, v.following, bool(v.first_comment)),
            tuple(pictures(v.channel, v.media, files)),
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
    drawn, files = [], renditions_in(each.get("media", []) for each in revision.content["variants"])
    for each in revision.content["variants"]:
        known = channels.get(each["channel"])
        channel = known.channel if known else others[each["channel"]]
        drifted = each["own"] and each["text"] != revision.content["text"]
        shown = tuple(pictures(channel, each.get("media", []), files))
        under = [part.text for part in revision.parts_on(channel.pk)[1:]]
        drawn.append(
            Preview(
                channel, each["text"], measure(channel, each["text"]), drifted, _label(channel, each),
                following=_following(channel, under, bool(each.get("first_comment"))), pictures=shown,
            )
        )  # fmt: skip
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
        pair = (_said(before, pk), _said(now, pk))
        if pair[0] != pair[1]:
            groups.setdefault(pair, []).append(names.get(pk, "a channel it left"))
    return [Difference(channels, words.compare(*pair)) for pair, channels in groups.items()]


def _said(revision: Revision, channel_id: int) -> str:
    """The texts, and a line for each picture: which file it is, and its alt text."""
    shown = [f"Picture {each['sha256'][:6]}: {each['alt']}" for each in revision.media_for(channel_id)]
    return "\n\n".join([*(part.text for part in revision.parts_on(channel_id)), *shown])


def connected(channels) -> list[Channel]:
    """The channels by name, each with `live_facts`. One query, or two for a query set."""
    found = Channel.objects.filter(pk__in=[c.pk for c in channels]).annotate(live_facts=live_facts("pk"))
    return list(found.order_by("name"))


def _following(channel: Channel, texts: list[str], commented: bool) -> list[Following]:
    last = len(texts) - 1
    return [Following(text, measure(channel, text), commented and n == last) for n, text in enumerate(texts)]


def _place(variant: Variant) -> str:
    """The placement in the network's word, where it offers more than one."""
    return _label(variant.channel, {"placement": variant.placement})


def _label(channel: Channel, content: Mapping[str, Any]) -> str:
    connector, slug = connector_of(channel), content["placement"]
    places = {p.slug: p.label for p in connector.placements} if connector else {}
    return places.get(slug, slug) if len(places) > 1 else ""
