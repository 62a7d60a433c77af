"""Whose is it? Rules that say which person stands behind a name on a network. Pure: no query, no write.

A rule decides only if it is sure and alone: the same e-mail address, or the whole name or handle being that of exactly
one person. What merely contains a name ("dana's phone") is a suggestion, and a person decides.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from channels_registry.connector.types import RemoteDoor

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


@dataclass(frozen=True)
class Known:
    """A person as far as the rules go; `handles` are handles over there that are known to be theirs."""

    pk: int
    name: str
    email: str
    handles: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Match:
    """`person` is set when a rule decided; otherwise `candidates` may be worth a look."""

    person: int | None = None
    why: str = ""
    candidates: tuple[int, ...] = ()


def match(door: RemoteDoor, people: Iterable[Known]) -> Match:
    """Who this door belongs to, by the strongest rule that knows anybody."""
    people = list(people)
    told = [each for each in (door.holder_handle, door.holder_name, door.label) if each]
    for words, rule in RULES:
        found = tuple(sorted(each.pk for each in people if rule(told, each)))
        if len(found) == 1:
            return Match(found[0], words)
        if found:
            return Match(candidates=found)
    return Match(candidates=tuple(sorted(each.pk for each in people if _contains(told, each)))[:10])


def plain(text: str) -> str:
    """Letters and digits only, without accents and case: “Zoë  O’Neil” is “zoeoneil”."""
    flat = unicodedata.normalize("NFKD", text).casefold()
    return "".join(each for each in flat if each.isalnum())


def _same_email(told: list[str], person: Known) -> bool:
    return any(person.email.casefold() == found.casefold() for text in told for found in EMAIL.findall(text))


def _known_handle(told: list[str], person: Known) -> bool:
    return any(text.removeprefix("@").casefold() in person.handles for text in told)


def _same_name(told: list[str], person: Known) -> bool:
    names = {plain(person.name), plain(person.email.partition("@")[0])} - {""}
    return any(plain(text) in names or plain(_bare(text)) in names for text in told)


def _contains(told: list[str], person: Known) -> bool:
    """Every part of the name, or the whole local part of the address, stands in it as a word."""
    words = {plain(word) for text in told for word in re.split(r"[\s._@'’/()-]+", text)}
    name = {plain(word) for word in person.name.split()}
    local = plain(person.email.partition("@")[0])
    return bool(name) and (name <= words or local in words)


def _bare(handle: str) -> str:
    """“@dana@example.social” and “dana.example.social” without the server."""
    return re.split(r"[@.]", handle.removeprefix("@"), maxsplit=1)[0] if handle.startswith("@") else handle


RULES = (
    ("the same e-mail address", _same_email),
    ("a handle that is known to be theirs", _known_handle),
    ("named after them", _same_name),
)
