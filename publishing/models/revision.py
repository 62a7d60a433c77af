"""One saved state of a post, whole, and the hashes that an approval is bound to."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models

from publishing.models.campaign import linked, links_of

PARTS = {
    "text": "the text on each channel, with the posts of its thread, its first comment and the words of its link card",
    "media": "pictures and films, and the picture of a link card",
    "alt_text": "how pictures are described",
    "channels": "the channels",
    "placement": "the place on each channel, such as feed or story",
    "time": "the time: another window, or another rule to repeat by, than was asked about",
}
# The one table of which change voids which sign-off; a test holds the README to it.
REMITS: dict[str, tuple[str, ...]] = {
    "facts": ("text", "media", "alt_text", "channels", "time"),
    "legal": ("text", "media", "channels"),
    "brand": ("text", "media", "alt_text", "placement", "channels"),
}


@dataclass(frozen=True)
class Part:
    """One thing that is sent for a channel: 0 is the post itself, then each that `follows` another part of it."""

    number: int
    text: str
    follows: int | None = None
    is_comment: bool = False


class Revision(models.Model):
    """Append-only. `parts` maps a part of what will be published to its SHA-256; `hash` covers all parts.

    The title and the author's line to the approver are kept in `content` but are not part of the hash: they are never
    published, so changing them leaves an approval standing.
    """

    post = models.ForeignKey("publishing.Post", models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    content = models.JSONField()  # see content_of
    parts = models.JSONField(default=dict)
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["post", "number"], name="one_revision_a_number")]

    def __str__(self):
        return f"{self.content.get('title', '')}, revision {self.number}"

    def parts_on(self, channel_id: int) -> list[Part]:
        """What goes out on a channel, in order: the post, each post of its thread under the one before, and the first
        comment under the post. Empty if it does not go there."""
        said = next((v for v in self.content["variants"] if v["channel"] == channel_id), None)
        if said is None:
            return []
        texts, comment = [said["text"], *said.get("thread", [])], said.get("first_comment", "")
        parts = [Part(n, text, n - 1 if n else None) for n, text in enumerate(texts)]
        return [*parts, Part(len(parts), comment, 0, is_comment=True)] if comment else parts

    def card_for(self, channel_id: int) -> dict[str, Any]:
        """The link card that goes out on a channel; {} for none."""
        return next((v.get("card", {}) for v in self.content["variants"] if v["channel"] == channel_id), {})

    def media_for(self, channel_id: int) -> list[dict[str, Any]]:
        """What this revision shows on a channel, in order."""
        return next((v.get("media", []) for v in self.content["variants"] if v["channel"] == channel_id), [])


def content_of(post, variants, links: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """{"title", "why_now", "text", "variants": [{"channel": id, "placement", "text": final, "own": bool}]}

    and where there are any, for a variant "media": [{"asset": id, "rendition": id, "sha256": of the file, "alt":
    text}], else "card": {"page", "url": final, "title", "description", "sha256" of its picture}; "thread": [final text]
    and "first_comment": final text; and "links": what the campaign added to links (campaign.links_of). `links` stands
    in for what the post's campaign would add today.
    """
    links = links_of(post) if links is None else links

    def final(variant, text: str) -> str:
        return linked(text, links, variant.channel) if links else text

    return {
        **({"links": links} if links else {}),
        "title": post.title,
        "why_now": post.why_now,
        "text": post.text,
        "variants": [
            {
                "channel": v.channel_id,
                "placement": v.placement,
                "text": final(v, post.text if v.text is None else v.text),
                "own": v.text is not None,
                **({"media": v.media} if v.media else {}),
                **({"card": {**v.card, "url": final(v, v.card["url"])}} if v.card and not v.media else {}),
                **({"thread": [final(v, text) for text in v.thread]} if v.thread else {}),
                **({"first_comment": final(v, v.first_comment)} if v.first_comment else {}),
            }
            for v in sorted(variants, key=lambda v: (v.channel_id, v.placement))
        ],
    }


def texts_in(content: Mapping[str, Any]) -> list[str]:
    """Every text that would be sent, on every channel, and the words of each card."""
    variants = content["variants"]
    said = [t for v in variants for t in (v["text"], *v.get("thread", []), v.get("first_comment", "")) if t]
    return said + [v["card"][name] for v in variants if v.get("card") for name in ("title", "description")]


def _card_words(variant: Mapping[str, Any]) -> list[list[str]]:
    """Nothing where there is no card, so that a content from before there were cards keeps its hash."""
    card = variant.get("card")
    return [[card["url"], card["title"], card["description"]]] if card else []


def parts_of(content: dict[str, Any]) -> dict[str, str]:
    """The hash of each part: what is said where (with what follows it there), what is shown and how it is described,
    on which channels, in which placement. What a content does not name is empty.
    """

    variants = content["variants"]
    pictured = [v for v in variants if v.get("media")]
    carded = [["card", v["channel"], v["card"]["sha256"]] for v in variants if v.get("card")]
    return {
        "text": sha256(
            [
                [v["channel"], v["text"], v.get("thread", []), v.get("first_comment", ""), *_card_words(v)]
                for v in variants
            ]
        ),
        "media": sha256([*([v["channel"], [one["sha256"] for one in v["media"]]] for v in pictured), *carded]),
        "alt_text": sha256([[v["channel"], [one["alt"] for one in v["media"]]] for v in pictured]),
        "channels": sha256([v["channel"] for v in variants]),
        "placement": sha256([[v["channel"], v["placement"]] for v in variants]),
    }


def sha256(value: Any) -> str:
    """Of the value as canonical JSON: sorted keys, no spaces, UTF-8."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
