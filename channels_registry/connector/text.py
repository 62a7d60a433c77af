"""Counting and comparing text the way networks do."""

import unicodedata
from collections.abc import Callable, Mapping

import regex

from channels_registry.connector.errors import Refused
from channels_registry.connector.types import Limits

UNITS = {
    "graphemes": "characters",
    "characters": "characters",
    "utf16": "characters",
    "weighted": "characters",
    "bytes": "bytes",
}
GRAPHEME = regex.compile(r"\X")
LINK = regex.compile(r"https?://[^\s<>\"]*[^\s<>\".,:;!?()\[\]'…]")
REMOTE_MENTION = regex.compile(r"(@[\p{L}\p{N}_]+)@[\p{L}\p{N}.-]+\p{L}")
LINK_WEIGHT = 23
LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))


def length(text: str, counts_by: str) -> int:
    """How long the text is in the unit of a network's `Limits.counts_by`. Raises KeyError for an unknown unit."""
    return COUNTED[counts_by](text)


def size(text: str, limits: Limits) -> int:
    """How long the text is as this network counts it, in the unit of `limits.counts_by`."""
    if limits.local_mentions:
        text = REMOTE_MENTION.sub(r"\1", text)
    if limits.link_counts is not None:
        text = LINK.sub("x" * limits.link_counts, text)
    return length(text, limits.counts_by)


def rule(limits: Limits) -> str:
    """The rule that a text is counted by, in words."""
    counted = {"weighted": ", where emoji and most letters that are not Latin count 2 and every link 23"}
    more = [counted.get(limits.counts_by, "")]
    more += [f", {limits.text_bytes:,} bytes"] if limits.text_bytes else []
    more += [f", where every link counts {limits.link_counts}"] if limits.link_counts is not None else []
    more += [" and of @name@server only @name"] if limits.local_mentions else []
    return f"At most {limits.text:,} {UNITS[limits.counts_by]}{''.join(more)}."


def too_long(text: str, limits: Limits) -> str:
    """What is wrong with the length of this text, in a sentence for its author; empty if nothing is."""
    long = size(text, limits)
    if long > limits.text:
        unit = UNITS[limits.counts_by]
        return f"The text is {long} {unit} long, {limits.text} are allowed. Shorten it by {long - limits.text}."
    weight = length(text, "bytes")
    if limits.text_bytes is not None and weight > limits.text_bytes:
        return f"The text is {weight} bytes long, {limits.text_bytes} are allowed. Shorten it, or use fewer emoji."
    return ""


def check(text: str, limits: Limits) -> None:
    """Raises Refused, before anything is sent, for a text that the network would refuse."""
    if not text.strip():
        raise Refused("The text is empty.", detail="empty text")
    if problem := too_long(text, limits):
        raise Refused(problem, detail="over the limit")


def normalised(text: str) -> str:
    """The text as it is compared: one form of each letter, one space between words, no end-of-line styles."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def same(one: str, other: str) -> bool:
    return normalised(one) == normalised(other)


def _weighted(text: str) -> int:
    """Links count 23, an emoji 2, letters of the light ranges 1, everything else 2 (the counting of X)."""
    links = LINK.findall(text)
    rest = unicodedata.normalize("NFC", LINK.sub("", text))
    return LINK_WEIGHT * len(links) + sum(_weight(each) for each in GRAPHEME.findall(rest))


def _weight(grapheme: str) -> int:
    if len(grapheme) > 1 and regex.search(r"[\p{Extended_Pictographic}\p{Regional_Indicator}]", grapheme):
        return 2
    return sum(1 if any(low <= ord(c) <= high for low, high in LIGHT) else 2 for c in grapheme)


COUNTED: Mapping[str, Callable[[str], int]] = {
    "graphemes": lambda text: sum(1 for _ in GRAPHEME.finditer(text)),
    "characters": lambda text: len(unicodedata.normalize("NFC", text)),
    "utf16": lambda text: len(text.encode("utf-16-le", "surrogatepass")) // 2,
    "weighted": _weighted,
    "bytes": lambda text: len(text.encode("utf-8", "surrogatepass")),
}
