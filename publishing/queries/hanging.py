"""The pictures of a post, one by one, over all of its channels."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from channels_registry.models import Channel
from publishing.models import Asset, Rendition
from publishing.queries.drawing import Preview


@dataclass
class Hanging:
    """A picture of a post. `on` and `off` are channels that show it, and those that do not; `smaller` those for which
    it was made smaller; `wrong` (channel, sentence) what stands against it there.
    """

    asset: Asset
    file: Rendition
    alt: str
    on: list[Channel] = field(default_factory=list)
    off: list[Channel] = field(default_factory=list)
    smaller: list[tuple[Channel, Rendition]] = field(default_factory=list)
    wrong: list[tuple[Channel, str]] = field(default_factory=list)


def hangings(previews: Iterable[Preview]) -> list[Hanging]:
    """In the order of the first channel that shows them. No query."""
    previews = list(previews)
    found: dict[int, Hanging] = {}
    for preview in previews:
        for picture in preview.pictures:
            known = found.setdefault(picture.asset.pk, Hanging(picture.asset, picture.rendition, picture.alt))
            known.on.append(preview.channel)
            if picture.rendition.limit_bytes:
                known.smaller.append((preview.channel, picture.rendition))
            if picture.problem:
                known.wrong.append((preview.channel, picture.problem))
    for each in found.values():
        each.off = [preview.channel for preview in previews if preview.channel not in each.on]
    return list(found.values())
