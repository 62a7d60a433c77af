"""What two people wrote at once put together: three ways, from what both began with. Never where both say otherwise."""

from typing import Any

from publishing.models import Revision
from socialops.lib import words

Fields = dict[str, Any]
WORDS = ("variant", "thread", "comment")


class Overlap(Exception):
    """Both changed the same, each in another way."""


def merged(base: Revision, theirs: Revision, mine: Fields) -> dict[str, Any] | None:
    """The composer's fields with both in them; None where that cannot be. `mine`: the fields as `written_in` has them.

    Where links are added by a rule a revision has them in its texts, so words of channels are ours or theirs, whole.
    """
    before, now = written_in(base), written_in(theirs)
    if (base.content.get("links") or theirs.content.get("links")) and _of_channels(before) != _of_channels(now):
        return None
    channels = (before["channels"] & now["channels"] & mine["channels"]) | (now["channels"] - before["channels"])
    channels |= mine["channels"] - before["channels"]
    try:
        names = [name for name in before | now | mine if name != "channels"]
        kept = [name for name in names if not name[-1].isdecimal() or int(name.rpartition("_")[2]) in channels]
        return {"channels": channels, **{name: _three(name, before, now, mine) for name in kept}}
    except Overlap:
        return None


def written_in(revision: Revision) -> dict[str, Any]:
    """What the composer's fields would hold: "text", "title", "why_now", "channels" (ids), and of each channel by its
    id "variant_1", "thread_1", "comment_1", "placement_1".
    """
    said = revision.content
    found = {name: said.get(name, "") for name in ("text", "title", "why_now")}
    for each in said["variants"]:
        pk = each["channel"]
        found |= {f"variant_{pk}": each["text"] if each["own"] else "", f"placement_{pk}": each["placement"]}
        found |= {f"thread_{pk}": each.get("thread", []), f"comment_{pk}": each.get("first_comment", "")}
    return {**found, "channels": {each["channel"] for each in said["variants"]}}


def _of_channels(fields: Fields) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name.startswith(WORDS)}


def _three(name: str, base: Fields, theirs: Fields, mine: Fields) -> Any:
    empty: Any = [] if name.startswith("thread") else ""
    before = base.get(name, empty)
    now, own = theirs.get(name, before), mine.get(name, before)
    if own in (before, now):
        return now
    if now == before:
        return own
    together = words.together(before, now, own) if name.startswith(("text", *WORDS)) and empty == "" else None
    if together is None:
        raise Overlap
    return together
