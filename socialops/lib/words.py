"""What changed between two texts, word by word."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

MOST = 4_000  # tokens; beyond that the comparison would take seconds, so old and new are shown whole


@dataclass(frozen=True)
class Piece:
    """`kind` is "same", "gone" or "new"."""

    kind: str
    text: str


def compare(before: str, after: str) -> list[Piece]:
    """The pieces of both texts in reading order. Joining same and new gives `after`, same and gone gives `before`."""
    old, new = re.findall(r"\s+|\w+|[^\w\s]", before), re.findall(r"\s+|\w+|[^\w\s]", after)
    if before == after:
        return [Piece("same", after)] if after else []
    if len(old) + len(new) > MOST:
        return [Piece("gone", before), Piece("new", after)]
    pieces = []
    for how, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if how == "equal":
            pieces.append(Piece("same", "".join(old[i:j])))
            continue
        pieces += [Piece(kind, "".join(text)) for kind, text in (("gone", old[i:j]), ("new", new[k:m])) if text]
    return pieces
