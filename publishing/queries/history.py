"""What a post has said, revision by revision."""

from dataclasses import dataclass

from publishing.models import Post, Revision

SHOWN = 200
PARTS = {"text": "text", "media": "pictures", "alt_text": "alt text", "channels": "channels", "placement": "placement"}
NEVER_SENT = "title or note"


@dataclass(frozen=True)
class Step:
    """A revision and the parts in which it differs from the one before, in words."""

    revision: Revision
    changed: list[str]


def history(post: Post) -> list[Step]:
    """The latest first. One query."""
    rows = list(post.revisions.select_related("by").order_by("-number")[: SHOWN + 1])
    befores: list[Revision | None] = [*rows[1:], None]
    return [Step(row, _changed(row, before)) for row, before in zip(rows[:SHOWN], befores, strict=False)]


def _changed(now: Revision, before: Revision | None) -> list[str]:
    if before is None:
        return []
    names = [words for part, words in PARTS.items() if now.parts.get(part) != before.parts.get(part)]
    return names or [NEVER_SENT]
