"""Posts as their networks draw them, before they are there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from channels_registry.connector.richtext import marks
from channels_registry.connector.text import REMOTE_MENTION
from channels_registry.models import Channel
from publishing.models import PhraseRule, Revision, Variant
from publishing.queries import cards
from publishing.queries.checking import Measure, Picture, connector_of, live_facts, measure, pictures, renditions_in
from publishing.queries.phrases import against
from socialops.lib import words

OWN_FIELDS = ("variant", "thread", "comment", "placement")


@dataclass(frozen=True)
class Following:
    """A further post of the thread, or the first comment."""

    text: str
    measure: Measure
    comment: bool = False

    @property
    def drawn(self) -> SafeString:
        return marked(self.text)


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
    against: list[PhraseRule] = field(default_factory=list)
    card: cards.CardView | None = None

    @property
    def drawn(self) -> SafeString:
        return marked(self.text)

    @property
    def wrong(self) -> bool:
        """Whether one of its own fields was not accepted, so that it is shown open."""
        return any(field.errors for field in self.fields.values())


def previews(
    variants: Iterable[Variant], form: Any = None, rules: Sequence[PhraseRule] = (),
    known: Mapping[str, cards.Page] | None = None,
) -> list[Preview]:  # fmt: skip
    """`rules`: those about words that are to be heeded. `known`: what is known of the pages that are linked to."""
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
            pictures=tuple(pictures(v.channel, v.media, files)),
            against=against([v.final_text, *v.following, *v.described], rules) if rules else [],
            card=cards.drawn(v, known),
        )
        for v in variants
    ]  # fmt: skip


def preview_of(variant: Variant, text: str, card: Mapping[str, Any] | None = None) -> Preview:
    """What goes out as one publication."""
    drawn = cards.as_sent(card) if card else None
    return Preview(variant.channel, text, measure(variant.channel, text), False, _place(variant), variant, card=drawn)


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
                card=cards.as_asked(channel, each),
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
        files = dict.fromkeys(each["sha256"] for revision in (before, now) for each in revision.media_for(pk))
        numbers = {sha256: number for number, sha256 in enumerate(files, start=1)}
        pair = (_said(before, pk, numbers), _said(now, pk, numbers))
        if pair[0] != pair[1]:
            groups.setdefault(pair, []).append(names.get(pk, "a channel it left"))
    return [Difference(channels, words.compare(*pair)) for pair, channels in groups.items()]


def theirs_and_mine(theirs: Revision, mine: Iterable[Preview]) -> list[Difference]:
    """The words that the reader wants to save against those that somebody else has saved. Pictures are saved apart."""
    groups: dict[tuple[str, str], list[str]] = {}
    for each in mine:
        said = "\n\n".join([each.text, *(under.text for under in each.following)])
        if said != (saved := _words(theirs, each.channel.pk)):
            groups.setdefault((saved, said), []).append(each.channel.name)
    return [Difference(channels, words.compare(*pair)) for pair, channels in groups.items()]


def _said(revision: Revision, channel_id: int, numbers: Mapping[str, int]) -> str:
    """The texts, and a line for each picture: the number of its file, and its alt text; or the words of the card."""
    shown = [f"Picture {numbers[each['sha256']]}: {each['alt']}" for each in revision.media_for(channel_id)]
    shown += [cards.in_words(card)] if (card := revision.card_for(channel_id)) else []
    return "\n\n".join([_words(revision, channel_id), *shown])


def _words(revision: Revision, channel_id: int) -> str:
    return "\n\n".join(part.text for part in revision.parts_on(channel_id))


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


def marked(text: str) -> SafeString:
    """The text with its links, tags and mentions drawn as such."""
    found = sorted(
        [(mark.start, mark.end) for mark in marks(text)] + [match.span() for match in REMOTE_MENTION.finditer(text)]
    )
    pieces, at = [], 0
    for start, end in found:
        if start >= at:
            pieces += [escape(text[at:start]), format_html('<span class="link">{}</span>', text[start:end])]
            at = end
    return mark_safe("".join([*pieces, escape(text[at:])]))  # noqa: S308 (each piece is escaped)
