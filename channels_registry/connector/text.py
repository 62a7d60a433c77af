"""Counting and comparing text the way networks do."""

import unicodedata

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
LINK_WEIGHT = 23
LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))


def length(text: str, counts_by: str) -> int:
    """How long the text is in the unit of a network's `Limits.counts_by`. Raises KeyError for an unknown unit."""
    return {
        "graphemes": lambda: sum(1 for _ in GRAPHEME.finditer(text)),
        "characters": lambda: len(unicodedata.normalize("NFC", text)),
        "utf16": lambda: len(text.encode("utf-16-le", "surrogatepass")) // 2,
        "weighted": lambda: _weighted(text),
        "bytes": lambda: len(text.encode("utf-8", "surrogatepass")),
    }[counts_by]()


def too_long(text: str, limits: Limits) -> str:
    """What is wrong with the length of this text, in a sentence for its author; empty if nothing is."""
    counted = text if limits.link_counts is None else LINK.sub("x" * limits.link_counts, text)
    size = length(counted, limits.counts_by)
    if size > limits.text:
        unit = UNITS[limits.counts_by]
        return f"The text is {size} {unit} long, {limits.text} are allowed. Shorten it by {size - limits.text}."
    size = length(text, "bytes")
    if limits.text_bytes is not None and size > limits.text_bytes:
        return f"The text is {size} bytes long, {limits.text_bytes} are allowed. Shorten it, or use fewer emoji."
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
