"""How a request stands, in words for whoever asked."""

from dataclasses import dataclass, field
from datetime import datetime

from publishing.models import PostRequest, Publication


@dataclass(frozen=True)
class Standing:
    """`tone` as of a tag; `links`: (channel, address) of what is out; `at`: when it goes out."""

    tone: str
    words: str
    more: str = ""
    at: datetime | None = None
    links: list[tuple[str, str]] = field(default_factory=list)


def standing_of(request: PostRequest) -> Standing:
    if request.state == "refused":
        return Standing("risk", "Refused", f"{request.get_refusal_display()}. {request.note}".strip())
    if request.state != "accepted":
        return Standing("wait", "Received", "Nobody has decided about it yet.")
    there = Publication.objects.filter(variant__post=request.post_id, part=0).exclude(state="cancelled")
    found = list(there.select_related("channel").order_by("due_at"))
    if out := [p for p in found if p.state == "done"]:
        return Standing("ok", "Published", links=[(p.channel.name, p.remote_url) for p in out])
    if ahead := next((p for p in found if p.state in ("scheduled", "sending")), None):
        return Standing("sched", "Scheduled", at=ahead.due_at)
    return Standing("wait", "In work", "Somebody is writing it, or it is being agreed to.")
