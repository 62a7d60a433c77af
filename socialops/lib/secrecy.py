"""Whether somebody is about to write a secret where everybody reads. A guess, on the careful side; pure."""

import re
from itertools import pairwise

SAID = re.compile(
    r"(?i)\b(pass(word|wort|code|phrase)?|pwd|mot de passe|contraseña|pin|secret|token|api[ _-]?key)\s*[:=]\s*\S"
)
CARRIED = re.compile(r"(?i)(://[^/\s:@]+:[^/\s@]+@|otpauth://|-----BEGIN|[?&](token|key|secret|password)=)")
KNOWN = re.compile(r"\b(gh[pousr]_|xox[abprs]-|AKIA|sk[-_](live|test)_|eyJ[\w-]{10,}\.)\w*")
PLACE = re.compile(r"(?i)^([a-z][\w+.-]*://|[\w.+-]+@[\w-]+(\.[\w-]+)+$)")  # an address of something, or of somebody
MARKS = set('!#$%^&*+=?<>~|{}[]\\;"`')
SHORTEST = 8


def looks_secret(text: str) -> bool:
    """“Vault: Social / Acme” is none, “Sommer2024!” and “password: x” are."""
    if SAID.search(text) or CARRIED.search(text) or KNOWN.search(text):
        return True
    return any(_chosen(word) for word in text.split() if not PLACE.match(word))


def _chosen(word: str) -> bool:
    """A word as it is made for a lock: marks among letters and digits, or kinds that keep changing."""
    word = word.strip("“”‘’'\"(),.:;")
    kinds = {_kind(letter) for letter in word}
    if len(word) < SHORTEST:
        return False
    if {"digit", "mark"} <= kinds and kinds & {"lower", "upper"}:
        return True
    changes = sum(_kind(a) != _kind(b) for a, b in pairwise(word))
    return kinds == {"lower", "upper", "digit"} and changes >= len(word) // 3


def _kind(letter: str) -> str:
    if letter in MARKS:
        return "mark"
    if letter.isdigit():
        return "digit"
    if letter.isalpha():
        return "upper" if letter.isupper() else "lower"
    return ""
