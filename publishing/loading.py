"""What sending a publication takes, read for a whole claim at once.

A claim has hundreds of rows, and what is computed for them holds up the requests of the same process: so the rows are
read by one statement, and none becomes a model.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db import connection

from channels_registry.connector.capabilities import Publishes
from channels_registry.connector.errors import NetworkError, Refused, TryLater
from channels_registry.connector.types import Card, Draft, Media
from channels_registry.reaching import Reach, Reached
from publishing import following, queries
from publishing.models import LinkCard, Publication, Rendition
from publishing.queries import cards


@dataclass(slots=True)
class Outgoing:
    """What sending needs of a publication. The trail takes it for one."""

    pk: int
    key: UUID
    text: str
    due_at: datetime
    channel_id: int
    follows_id: int | None
    handle: dict[str, Any]
    media: list[dict[str, Any]]
    card: dict[str, Any]
    placement: str
    language: str

    _meta: ClassVar = Publication._meta

    def __str__(self) -> str:
        return Publication.__str__(self)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Parcel:
    publication: Outgoing
    reached: Reached
    draft: Draft
    marker: str


def load(ids: Sequence[int], reach: Reach) -> dict[int, Parcel | NetworkError]:
    rows = _rows(ids)
    followers = {row.pk: row.follows_id for row in rows if row.follows_id}
    places = following.places(followers) if followers else {}
    reached = reach.to(row.channel_id for row in rows)
    files = queries.renditions_in(row.media for row in rows)
    pages = cards.readings(row.card for row in rows)
    parcels = {}
    for row in rows:
        parcel = _parcel(row, reached[row.channel_id], files, pages)
        parcels[row.pk] = _placed(parcel, places) if row.follows_id else parcel
    return parcels


def _rows(ids: Sequence[int]) -> list[Outgoing]:
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [list(ids)])
        return [Outgoing(*row[:6], *map(_parsed, row[6:9]), *row[9:]) for row in cursor.fetchall()]


def _parsed(text: str) -> Any:
    """Most are empty, and for those the parser is not worth its time."""
    if len(text) == len("{}"):
        return [] if text == "[]" else {}
    return json.loads(text)


_ROWS = """
SELECT row.id, row.key, row.text, row.due_at, row.channel_id, row.follows_id,
    row.handle::text, row.media::text, row.card::text, variant.placement, channel.language
FROM publishing_publication AS row
JOIN publishing_variant AS variant ON variant.id = row.variant_id
JOIN channels_registry_channel AS channel ON channel.id = row.channel_id
WHERE row.id = ANY(%s)
"""


def _parcel(
    row: Outgoing, reached: Reached | NetworkError, files: Mapping[int, Rendition], pages: Mapping[int, LinkCard]
) -> Parcel | NetworkError:
    if isinstance(reached, NetworkError):
        return reached
    if refused := reached.lacks(Publishes):
        return refused
    media = tuple(_media(files[each["rendition"]], each) for each in row.media)
    card = _card(pages[row.card["page"]], row.card) if row.card else None
    draft = Draft(row.text, row.placement, row.language, row.due_at, media=media, card=card)
    return Parcel(row, reached, draft, reached.network.marker(str(row.key)))


def _placed(parcel: Parcel | NetworkError, places: Mapping[int, dict]) -> Parcel | NetworkError:
    """Under the post that it follows."""
    if isinstance(parcel, NetworkError):
        return parcel
    if parcel.publication.pk not in places:
        return TryLater("What it follows is not out yet.")
    return replace(parcel, draft=replace(parcel.draft, reply_to=places[parcel.publication.pk]))


def _card(page: LinkCard, shown: Mapping[str, str]) -> Card:
    picture = _media(page, {"alt": "", "sha256": shown["sha256"]}) if shown["sha256"] else None
    return Card(shown["url"], shown["title"], shown["description"], picture)


def _media(file: Rendition | LinkCard, shown: Mapping[str, str]) -> Media:
    """What a connector may show: read only when it is asked for, in a thread, from wherever files are kept."""

    def load() -> bytes:
        try:
            with file.file.open("rb") as opened:
                return opened.read()
        except FileNotFoundError as error:
            raise Refused("A picture of it is not where it was kept.", detail=str(error)) from error
        except Exception as error:
            raise TryLater("A picture of it cannot be read now.", detail=repr(error)) from error

    return Media(load, file.mime, shown["alt"], file.width, file.height, shown["sha256"])
