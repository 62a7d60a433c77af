"""Which rules speak against a text. Words are compared one by one, so nothing that a person writes is ever a pattern.

A rule and a text are folded alike: one form and size of each letter, what cannot be seen taken out, and letters of
other alphabets that look like Latin ones read as those; so "gυaranteed" and a word cut by an invisible space are found.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone

from channels_registry.connector.text import LINK
from publishing.models import PhraseRule, Snippet, Variant

WORD = re.compile(r"\w+\*?")
LOOKALIKES = str.maketrans(
    "аеорсухіјѕһԁԛԝвкмнтгпαεορυκνιτχγηωβ" + "ı",
    "aeopcyxijshdqwbkmhtrnaeopukvitxynwb" + "i",
)  # Cyrillic, then Greek, as they look in small letters; and the dotless i


@dataclass(frozen=True)
class Hit:
    """A rule that speaks against a text. `where`: the channels, in words."""

    rule: PhraseRule
    where: list[str]


def folded(text: str) -> str:
    """As texts are compared. Letters keep their accents: they tell words apart."""
    seen = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) not in ("Cf", "Cc", "Mn"))
    return unicodedata.normalize("NFC", seen.casefold().translate(LOOKALIKES))


def words_of(text: str) -> list[str]:
    spaced = re.sub(r"[\n\t\r]", " ", text)
    return WORD.findall(folded(spaced).replace("_", " "))


def says(text: Sequence[str], phrase: Sequence[str]) -> bool:
    """Whether these words stand in the text one after the other."""
    last = len(text) - len(phrase)
    return bool(phrase) and any(all(map(_is, text[n:], phrase)) for n in range(last + 1))


def hits(variants: Iterable[Variant], rules: Sequence[PhraseRule] | None = None) -> list[Hit]:
    """What speaks against the texts of these variants, with where. One query, or none with `rules`."""
    rules = active_rules() if rules is None else rules
    found: dict[int, Hit] = {}
    for variant in variants:
        for rule in against([variant.final_text, *variant.following, *variant.described], rules):
            found.setdefault(rule.pk, Hit(rule, [])).where.append(variant.channel.name)
    return list(found.values())


def against(texts: Iterable[str], rules: Sequence[PhraseRule]) -> list[PhraseRule]:
    """The rules that speak against these texts, which go out together."""
    read = [(words_of(text), bool(LINK.search(text))) for text in texts]
    sourced = any(linked for _, linked in read)
    return [
        rule
        for rule in rules
        if not (sourced and rule.kind == PhraseRule.Kind.NEEDS_SOURCE)
        and any(says(words, words_of(rule.words)) for words, _ in read)
    ]


def active_rules() -> list[PhraseRule]:
    return list(PhraseRule.objects.filter(active=True).order_by("words"))


def _is(word: str, wanted: str) -> bool:
    return word.startswith(wanted[:-1]) if wanted.endswith("*") else word == wanted


def snippets() -> list[Snippet]:
    """What may be inserted today, by name."""
    today = Q(expires_on=None) | Q(expires_on__gte=timezone.localdate())
    return list(Snippet.objects.filter(today, removed_at=None).select_related("owner").order_by("name"))
