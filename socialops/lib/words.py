"""What changed between two texts, word by word."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

MOST = 4_000  # tokens; beyond that the comparison would take seconds, so old and new are shown whole
ALIKE = 0.4  # below this share of common words it is another text, and pieces in common are chance


@dataclass(frozen=True)
class Piece:
    """`kind` is "same", "gone" or "new"."""

    kind: str
    text: str


def compare(before: str, after: str) -> list[Piece]:
    """The pieces of both texts in reading order. Joining same and new gives `after`, same and gone gives `before`."""
    if before == after:
        return _pieces([("same", after)])
    old, new = re.findall(r"\s+|\w+|[^\w\s]", before), re.findall(r"\s+|\w+|[^\w\s]", after)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    if len(old) + len(new) > MOST or matcher.ratio() < ALIKE:
        return _pieces([("gone", before), ("new", after)])
    pieces: list[tuple[str, str]] = []
    gone = came = ""
    codes = matcher.get_opcodes()
    for how, i, j, k, m in codes:
        same = "".join(old[i:j]) if how == "equal" else ""
        if same and not (re.fullmatch(r"\W{1,2}", same) and (gone or came) and j < len(old) and m < len(new)):
            pieces += [("gone", gone), ("new", came), ("same", same)]
            gone = came = ""
        else:  # a change, or no more than a space between two changes
            gone, came = gone + "".join(old[i:j]), came + "".join(new[k:m])
    return _pieces([*pieces, ("gone", gone), ("new", came)])


def _pieces(found: list[tuple[str, str]]) -> list[Piece]:
    return [Piece(kind, text) for kind, text in found if text]


def together(base: str, one: str, other: str) -> str | None:
    """Both changes of a text in one, line by line; None where they meet: in a line, or in two that touch."""
    old, changes = base.split("\n"), []
    for text in (one, other):
        new = text.split("\n")
        codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if len(old) + len(new) <= MOST else None
        if codes is None:
            return None
        changes.append([(i, j, new[k:m]) for how, i, j, k, m in codes if how != "equal"])
    theirs, mine = changes
    mine = [change for change in mine if change not in theirs]
    if any(i <= b and a <= j for i, j, _ in mine for a, b, _ in theirs):
        return None
    for i, j, lines in sorted([*theirs, *mine], key=lambda change: change[:2], reverse=True):
        old[i:j] = lines
    return "\n".join(old)
