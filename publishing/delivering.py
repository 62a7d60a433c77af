"""The lane of publications: when one may go out, how it is sent and looked for, and what its end changes here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q

from accounts import audit, notifying
from accounts.models import Person
from channels_registry import budgets
from channels_registry.connector.capabilities import Publishes
from channels_registry.connector.errors import NetworkError, Refused, TryLater
from channels_registry.connector.types import Card, Continue, Draft, Media, Published, Unsure
from channels_registry.delivering import ERRORS, learnt, looking, refusals, revive, told
from channels_registry.reaching import Reach, Reached, client
from publishing import following, queries
from publishing.models import LinkCard, Publication, PublicationAttempt, Rendition
from publishing.queries import cards
from socialops.lib.delivery.lane import Lane, Refusal, Settled
from socialops.lib.delivery.late import accepted_late

SLOTS = 2
NEEDED = {
    "id",
    "text",
    "media",
    "card",
    "key",
    "handle",
    "due_at",
    "channel_id",
    "follows_id",
}  # what sending needs of a publication
OWN = [field.attname for field in Publication._meta.concrete_fields if field.attname in NEEDED]
TELLS = {  # states that are events, with the words of the trail
    "done": ("publication.published", "published a post"),
    "failed": ("publication.failed", "could not publish a post"),
    "unknown": ("publication.unknown", "does not know whether a post is out"),
    "needs_human": ("publication.needs_human", "asked a person whether a post is out"),
    "held": ("publication.held", "held a post that was due"),
    "blocked": ("publication.blocked", "stopped a post that may not go out as it is"),
    "missed": ("publication.missed", "missed the time of a post"),
}
ALERTS = {
    "failed": "was not published",
    "needs_human": "may be out: somebody has to look",
    "blocked": "was stopped",
    "missed": "missed its time",
}
OVERTAKEN = "By a late answer its cancelled sending is out. Cancel this one, then say at that one that it is out."
for _action, _words in TELLS.values():
    audit.register(_action, _words)


@dataclass(frozen=True, slots=True)
class Parcel:
    publication: Publication
    reached: Reached
    draft: Draft
    marker: str


def load(ids: Sequence[int], reach: Reach) -> dict[int, Parcel | NetworkError]:
    wanted = Publication.objects.filter(pk__in=ids)
    rows = list(wanted.values_list(*OWN, "variant__placement", "channel__language"))
    channels, follows = OWN.index("channel_id"), OWN.index("follows_id")
    followers = {row[OWN.index("id")]: row[follows] for row in rows if row[follows]}
    places = following.places(followers) if followers else {}
    reached = reach.to(row[channels] for row in rows)
    shown, carded = OWN.index("media"), OWN.index("card")
    files = queries.renditions_in(row[shown] for row in rows)
    pages = cards.readings(row[carded] for row in rows)
    parcels = {}
    for *own, placement, language in rows:
        publication = Publication.from_db("default", OWN, own)
        parcel = _parcel(publication, placement, language, reached[publication.channel_id], files, pages)
        parcels[publication.pk] = _placed(parcel, places) if publication.follows_id else parcel
    return parcels


async def send(parcel: Parcel) -> Continue | Published:
    network, access = parcel.reached.network, parcel.reached.access
    return await network.advance(access, parcel.draft, parcel.marker, parcel.publication.handle)


async def look(parcel: Parcel) -> Published | Unsure | None:
    network, access = parcel.reached.network, parcel.reached.access
    return await network.find_published(access, parcel.draft, parcel.marker, parcel.publication.handle)


def settled(rows: Sequence[Settled]) -> None:
    """The trail, who has to know, and what was learnt about each connection."""
    events = [row for row in rows if row.state in TELLS]
    publications = _publications(events)
    audit.record_many((None, TELLS[row.state][0], publications[row.id], told(row, fence=row.fence)) for row in events)
    _alert([row for row in events if row.state in ALERTS])
    if out := [row.id for row in rows if row.state == "done"]:
        following.release(out)
    learnt(rows)


def _parcel(
    publication: Publication, placement: str, language: str, reached: Reached | NetworkError,
    files: Mapping[int, Rendition], pages: Mapping[int, LinkCard],
) -> Parcel | NetworkError:  # fmt: skip
    if isinstance(reached, NetworkError):
        return reached
    if refused := reached.lacks(Publishes):
        return refused
    media = tuple(_media(files[each["rendition"]], each) for each in publication.media)
    card = _card(pages[publication.card["page"]], publication.card) if publication.card else None
    draft = Draft(publication.text, placement, language, publication.due_at, media=media, card=card)
    return Parcel(publication, reached, draft, reached.network.marker(str(publication.key)))


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


def _refusals() -> list[Refusal]:
    approved = Q(approval__state="approved", approval__revision=F("revision"), revision__hash=F("content_hash"))
    anytime = Q(approval__window_from=None)
    timely = anytime | Q(approval__window_from__lte=F("due_at"), approval__window_until__gte=F("due_at"))
    same = {name: OuterRef(name) for name in ("variant", "occurrence", "part")}
    cancelled = Publication.objects.filter(**same, state="cancelled")
    overtaken = Exists(cancelled.filter(accepted_late(PublicationAttempt)))
    return [
        Refusal("held", "A hold stands over it.", queries.is_held(), stops=True),
        Refusal("blocked", OVERTAKEN, overtaken),
        *refusals("publish"),
        Refusal("blocked", "It is not what was approved. Have it approved again.", ~approved),
        following.LANE_REFUSAL,
        Refusal("blocked", "It was approved for another time. Ask again for this one, or move it back.", ~timely),
    ]


def _publications(rows: Iterable[Settled]) -> Mapping[int, Publication]:
    """The rows' publications; those without a parcel (refused, or their worker gone) are read."""
    known = {row.id: row.parcel.publication for row in rows if isinstance(row.parcel, Parcel)}
    missing = [row.id for row in rows if row.id not in known]
    return known | (Publication.objects.in_bulk(missing) if missing else {})


def _alert(rows: Sequence[Settled]) -> None:
    """One line a post to whoever answers for it; one line in all when many end the same way at once."""
    if not rows:
        return
    publications = Publication.objects.select_related("answerable", "variant").in_bulk([row.id for row in rows])
    groups: dict[tuple[Person, str], list[Settled]] = {}
    for row in rows:
        groups.setdefault((publications[row.id].answerable, row.state), []).append(row)
    for (person, state), group in groups.items():
        if len(group) > 5:
            notifying.notify(person, f"publication.{state}", f"{len(group)} posts: {ALERTS[state]}.", "/", mail=True)
            continue
        for row in group:
            publication = publications[row.id]
            text = f"“{str(publication)[:80]}” {ALERTS[state]}. {row.reason}"[:300]
            notifying.notify(person, f"publication.{state}", text, f"/posts/{publication.variant.post_id}/", mail=True)


LANE = Lane(
    name="publish",
    model=Publication,
    attempts=PublicationAttempt,
    slots=SLOTS,
    places=settings.PUBLISH_PLACES,
    refusals=_refusals(),
    waits=[following.LANE_WAIT, *budgets.waits("channel")],
    client=client(settings.PUBLISH_PLACES),
    load=load,
    send=send,
    errors=ERRORS,
    revive=revive,
    look=look,
    looking=partial(looking, by_handle=True),
    settled=settled,
)
