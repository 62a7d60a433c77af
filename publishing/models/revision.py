"""One saved state of a post, whole, and the hashes that an approval is bound to."""

import hashlib
import json
from typing import Any

from django.db import models

PARTS = {
    "text": "the text on each channel, with the posts of its thread and its first comment",
    "media": "pictures and films",
    "alt_text": "how pictures are described",
    "channels": "the channels",
    "placement": "the place on each channel, such as feed or story",
    "time": "the time: another window than the one that was asked about",
}
# The one table of which change voids which sign-off; a test holds the README to it.
REMITS: dict[str, tuple[str, ...]] = {
    "facts": ("text", "media", "alt_text", "channels", "time"),
    "legal": ("text", "media", "channels"),
    "brand": ("text", "media", "alt_text", "placement", "channels"),
}


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

    def text_for(self, channel_id: int) -> str | None:
        """What this revision says on a channel; None if it does not go there."""
        found = (v["text"] for v in self.content["variants"] if v["channel"] == channel_id)
        return next(found, None)

    def media_for(self, channel_id: int) -> list[dict[str, Any]]:
        """What this revision shows on a channel, in order."""
        return next((v.get("media", []) for v in self.content["variants"] if v["channel"] == channel_id), [])


def content_of(post, variants) -> dict[str, Any]:
    """{"title", "why_now", "text", "variants": [{"channel": id, "placement", "text": final, "own": bool}]}

    and for a variant with pictures "media": [{"asset": id, "rendition": id, "sha256": of the file, "alt": text}].
    """
    return {
        "title": post.title,
        "why_now": post.why_now,
        "text": post.text,
        "variants": [
            {
                "channel": v.channel_id,
                "placement": v.placement,
                "text": post.text if v.text is None else v.text,
                "own": v.text is not None,
                **({"media": v.media} if v.media else {}),
            }
            for v in sorted(variants, key=lambda v: (v.channel_id, v.placement))
        ],
    }


def parts_of(content: dict[str, Any]) -> dict[str, str]:
    """The hash of each part: what is said where (with what follows it there), what is shown and how it is described,
    on which channels, in which placement. What a content does not name is empty.
    """

    variants = content["variants"]
    pictured = [v for v in variants if v.get("media")]
    return {
        "text": sha256(
            [[v["channel"], v["text"], v.get("thread", []), v.get("first_comment", "")] for v in variants],
        ),
        "media": sha256([[v["channel"], [one["sha256"] for one in v["media"]]] for v in pictured]),
        "alt_text": sha256([[v["channel"], [one["alt"] for one in v["media"]]] for v in pictured]),
        "channels": sha256([v["channel"] for v in variants]),
        "placement": sha256([[v["channel"], v["placement"]] for v in variants]),
    }


def sha256(value: Any) -> str:
    """Of the value as canonical JSON: sorted keys, no spaces, UTF-8."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
