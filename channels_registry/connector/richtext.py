"""What is more than letters in a text: links, tags and mentions, found in ours and taken out of theirs."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from html.parser import HTMLParser

import regex

from channels_registry.connector.text import LINK

MENTION = regex.compile(r"(?<=^|[\s(])@((?:[a-zA-Z0-9-]+\.)+[a-zA-Z][a-zA-Z0-9-]*)")
TAG = regex.compile(r"(?<=^|\s)[#＃]([\p{L}\p{M}\p{N}_]{1,64})(?![\p{L}\p{M}\p{N}_])")


@dataclass(frozen=True)
class Mark:
    """A stretch of the text, in code points: kind "link", "tag" or "mention", and what it stands for."""

    start: int
    end: int
    kind: str
    value: str

    def in_bytes(self, text: str) -> tuple[int, int]:
        """The same stretch counted in bytes of UTF-8, as some networks do."""
        start = len(text[: self.start].encode())
        return start, start + len(text[self.start : self.end].encode())


def marks(text: str) -> Iterator[Mark]:
    """Links, #tags that are not just numbers, and @mentions by domain name, in the order of their kind."""
    for match in LINK.finditer(text):
        yield Mark(match.start(), match.end(), "link", match[0])
    for match in TAG.finditer(text):
        if not match[1].isdecimal():
            yield Mark(match.start(), match.end(), "tag", match[1])
    for match in MENTION.finditer(text):
        yield Mark(match.start(), match.end(), "mention", match[1])


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br" or (tag == "p" and self.parts):
            self.parts.append("\n" if tag == "br" else "\n\n")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def plain(html: str) -> str:
    """The words of an HTML post: paragraphs and line breaks kept, everything else dropped."""
    reader = _Text()
    with suppress(AssertionError):  # how the standard library's parser gives up on what is no HTML
        reader.feed(html)
        reader.close()
    return "".join(reader.parts).strip()
