"""What webhooks may say of publishing. Titles and names; never the text of a post, nor what somebody asked for."""

from django.db.models import Q

from accounts.announcing import Subject, declare
from publishing.models import Approval, Asset, Campaign, Import, Post, Publication, Slot

CURRENT = Q(variants__removed_at=None)

declare(
    "publishing",
    "Publishing",
    (
        "post", "comment", "approval", "publication", "hold", "blackout", "embargo", "campaign", "asset", "slot",
        "recurrence", "import", "posts", "request", "intake", "workflow", "external", "agreement", "phrase_rule",
        "snippet", "note", "view", "feed",
    ),
    [
        Subject(Post, "variants__channel", where=CURRENT),
        Subject(Approval, "post__variants__channel", where=Q(post__variants__removed_at=None)),
        Subject(Publication, "channel", "variant__post__title"),
        Subject(Slot, "channel", ""),
        Subject(Campaign),
        Subject(Asset),
        Subject(Import),
    ],
)  # fmt: skip
