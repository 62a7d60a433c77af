"""Names that look the same and are not. Pure Python.

key       the same name written in two ways: case, width, invisible signs, composed letters
letters   what a reader takes the letters for: “аcme” with a Cyrillic а is acme
skeleton  more: digits read as letters, rn as m, without dots, dashes and underscores: “4cme_o-fficiaI” is acmeofficial
The pairs are those of Unicode's table of confusables (UTS 39) that stand for Latin letters and are seen in the wild.
"""

import unicodedata
from functools import lru_cache

_LETTERS = {
    "a": "аɑαаạ", "b": "ЬƄ", "c": "сϲⅽᴄ", "d": "ԁⅾɗ", "e": "еҽєε℮", "f": "ƒꞙ", "g": "ɡց", "h": "һհ", "i": "іıɩιӏ",
    "j": "јϳ", "k": "кκ", "l": "ⅼǀ", "m": "мⅿ", "n": "ոɴп", "o": "оοօσ०๐", "p": "рρ", "q": "ԛգ", "r": "гᴦ",
    "s": "ѕꜱ", "t": "тτ", "u": "υսʋц", "v": "ѵνᴠⅴ", "w": "ԝшωᴡ", "x": "хχ×ⅹ", "y": "уүγʏ", "z": "ᴢʐ",
}  # fmt: skip
_TO_LATIN = {ord(sign): latin for latin, signs in _LETTERS.items() for sign in signs}
_DIGITS = str.maketrans({"0": "o", "1": "l", "i": "l", "|": "l", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b"})
# what impostors put around a name, and servers behind it
_ADDED = ("official", "support", "help", "team", "hq", "real", "the", "bskysocial", "com", "org")
SHORTEST = 4  # letters of a name that is still one


@lru_cache(maxsize=32_768)
def key(text: str) -> str:
    """One name or address however it is written. Other letters stay other letters."""
    seen = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")
    folded = unicodedata.normalize("NFKC", seen).casefold()
    return unicodedata.normalize("NFKC", folded).strip()


@lru_cache(maxsize=32_768)
def letters(text: str) -> str:
    """Small Latin letters wherever it looks so, without accents and invisible signs."""
    flat = unicodedata.normalize("NFKD", text.strip().lstrip("@").casefold())
    kept = "".join(sign for sign in flat if unicodedata.category(sign) not in ("Mn", "Cf"))
    return kept.translate(_TO_LATIN)


@lru_cache(maxsize=32_768)
def skeleton(text: str) -> str:
    """Of a handle, without the server that it is on."""
    name = letters(text).partition("@")[0]
    bare = "".join(sign for sign in name if sign.isalnum()).translate(_DIGITS).replace("rn", "m").replace("vv", "w")
    for word in sorted((word.translate(_DIGITS) for word in _ADDED), key=len, reverse=True):
        for shorten in (str.removeprefix, str.removesuffix):
            shorter = shorten(bare, word)
            bare = shorter if len(shorter) >= SHORTEST else bare
    return bare


def same_key(handle: str) -> str:
    """What two spellings of one handle have in common: no @ before it, small letters."""
    return handle.strip().lstrip("@").lower()


def in_disguise(text: str) -> bool:
    """Whether letters of another alphabet stand where Latin ones are read: “аcme”. A name wholly of its own is none."""
    scripts = {unicodedata.name(sign, "").partition(" ")[0] for sign in text if sign.isalpha()}
    return "LATIN" in scripts and bool(scripts & {"CYRILLIC", "GREEK", "ARMENIAN", "LISU", "CHEROKEE"})
