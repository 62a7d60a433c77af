"""The lane of publications: when one may go out, how it is sent and looked for, and what its end changes here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q

from accounts import audit, notifying
from accounts.models import Person
from channels_registry import budgets, refreshing
from channels_registry.connector.capabilities import Network, Publishes
from channels_registry.connector.errors import Disconnected, NetworkError, Refused, TryLater
from channels_registry.connector.types import Access, Continue, Draft, Published, Unsure
from channels_registry.models import AccessGrant, Channel, Connection
from channels_registry.models.access_grant import RIGHTS, Door
from channels_registry.reaching import Reach, Reached, client
from publishing.models import Hold, Publication, PublicationAttempt
from socialops.lib.delivery.lane import Errors, Lane, Looking, Refusal, Settled

ERRORS = Errors(refused=(Refused,), later=(TryLater,), dead=(Disconnected,))
SLOTS = 2
NEEDED = {"id", "text", "key", "handle", "due_at", "channel_id"}  # what sending needs of a publication
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
for _action, _words in TELLS.values():
    audit.register(_action, _words)


@dataclass(frozen=True, slots=True)
class Parcel:
    publication: Publication
    network: Network
    access: Access
    connection_id: int
    secret_version: int
    draft: Draft
    marker: str


def load(ids: Sequence[int], reach: Reach) -> dict[int, Parcel | NetworkError]:
    wanted = Publication.objects.filter(pk__in=ids)
    rows = list(wanted.values_list(*OWN, "variant__placement", "channel__language"))
    channels = OWN.index("channel_id")
    reached = reach.to(row[channels] for row in rows)
    parcels = {}
    for *own, placement, language in rows:
        publication = Publication.from_db("default", OWN, own)
        parcels[publication.pk] = _parcel(publication, placement, language, reached[publication.channel_id])
    return parcels


async def send(parcel: Parcel) -> Continue | Published:
    return await parcel.network.advance(parcel.access, parcel.draft, parcel.marker, parcel.publication.handle)


async def look(parcel: Parcel) -> Published | Unsure | None:
    return await parcel.network.find_published(parcel.access, parcel.draft, parcel.marker, parcel.publication.handle)


async def revive(parcel: Parcel) -> bool:
    return await refreshing.revive(parcel.connection_id, parcel.secret_version)


def looking(parcel: Parcel) -> Looking | None:
    """A key or a handle proves absence at the first look; a list that is matched by text only after three."""
    if parcel.network.idempotency == "N":
        return None
    sure = parcel.network.idempotency == "C" or parcel.network.resend_is_safe(parcel.access)
    return Looking(absences=1 if sure else 3, settle=parcel.network.settle_seconds * settings.PACE)


def settled(rows: Sequence[Settled]) -> None:
    """The trail, who has to know, and what was learnt about each connection."""
    told = [row for row in rows if row.state in TELLS]
    publications = _publications(told)
    audit.record_many((None, TELLS[row.state][0], publications[row.id], _data(row)) for row in told)
    _alert([row for row in told if row.state in ALERTS])
    _note_health([row for row in rows if row.parcel is not None and not isinstance(row.parcel, BaseException)])


def _parcel(
    publication: Publication, placement: str, language: str, reached: Reached | NetworkError
) -> Parcel | NetworkError:
    if isinstance(reached, NetworkError):
        return reached
    if refused := reached.lacks(Publishes):
        return refused
    draft = Draft(publication.text, placement, language, publication.due_at)
    marker = reached.network.marker(str(publication.key))
    return Parcel(
        publication, reached.network, reached.access, *(reached.connection_id, reached.secret_version), draft, marker
    )


def _refusals() -> list[Refusal]:
    standing = Hold.objects.filter(lifted_at=None)
    networks = standing.exclude(network="").values("network")
    held = (
        Q(Exists(standing.filter(network="", channel=None)))
        | Q(channel__in=standing.exclude(channel=None).values("channel"))
        | Q(channel__in=Channel.objects.filter(network__in=networks).values("pk"))
    )
    departed = Q(answerable__in=Person.objects.departed().values("pk"))
    may = [level for level, rights in RIGHTS.items() if "publish" in rights]
    grants = AccessGrant.objects.standing().filter(door=Door.RIGHT, entitlement__in=may)
    right = Exists(grants.filter(channel=OuterRef("channel"), person=OuterRef("answerable")))
    connected = Q(channel__in=Connection.objects.filter(state=Connection.State.LIVE).values("channel"))
    approved = Q(approval__state="approved", approval__revision=F("revision"), revision__hash=F("content_hash"))
    return [
        Refusal("held", "A hold stands over this channel.", held, stops=True),
        Refusal("blocked", "The person who answers for it has left. Somebody else has to take it over.", departed),
        Refusal("blocked", "The person who answers for it may no longer publish on this channel.", ~right),
        Refusal("blocked", "The channel is not connected. Connect it again.", ~connected),
        Refusal("blocked", "It is not what was approved. Have it approved again.", ~approved),
    ]


def _publications(rows: Iterable[Settled]) -> Mapping[int, Publication]:
    """The rows' publications; those without a parcel (refused, or their worker gone) are read."""
    known = {row.id: row.parcel.publication for row in rows if isinstance(row.parcel, Parcel)}
    missing = [row.id for row in rows if row.id not in known]
    return known | (Publication.objects.in_bulk(missing) if missing else {})


def _data(row: Settled) -> dict[str, Any]:
    data = {"fence": row.fence, "reason": row.reason, "remote_id": row.remote_id, "url": row.remote_url}
    return {name: value for name, value in data.items() if value}


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


def _note_health(rows: Sequence[Settled]) -> None:
    well = {row.parcel.connection_id for row in rows if row.infra is False}
    unwell = [row.parcel.connection_id for row in rows if row.infra]
    silence = {row.parcel.connection_id: row.after for row in rows if row.after}
    if well or unwell or silence:
        budgets.note(well, unwell, silence)


LANE = Lane(
    name="publish",
    model=Publication,
    attempts=PublicationAttempt,
    slots=SLOTS,
    places=settings.PUBLISH_PLACES,
    refusals=_refusals(),
    waits=budgets.waits("channel"),
    client=client(settings.PUBLISH_PLACES),
    load=load,
    send=send,
    errors=ERRORS,
    revive=revive,
    look=look,
    looking=looking,
    settled=settled,
)
