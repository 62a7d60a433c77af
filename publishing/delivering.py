"""The lane of publications: when one may go out, how it is sent and looked for, and what its end changes here."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q

from accounts import audit, notifying
from accounts.models import Person
from channels_registry import budgets
from channels_registry.connector.types import Continue, Published, Unsure
from channels_registry.delivering import ERRORS, learnt, looking, refusals, revive, stopped_by_connection, told
from channels_registry.queries import custody
from channels_registry.reaching import client
from channels_registry.warning import tell_stopped
from publishing import following, queries
from publishing.loading import Outgoing, Parcel, load
from publishing.models import Publication, PublicationAttempt
from socialops.lib.delivery.lane import Lane, Refusal, Settled
from socialops.lib.delivery.late import accepted_late

SLOTS = 2
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


def _publications(rows: Iterable[Settled]) -> Mapping[int, Publication | Outgoing]:
    """The rows' publications; those without a parcel (refused, or their worker gone) are read."""
    known: dict[int, Publication | Outgoing]
    known = {row.id: row.parcel.publication for row in rows if isinstance(row.parcel, Parcel)}
    missing = [row.id for row in rows if row.id not in known]
    return known | (Publication.objects.in_bulk(missing) if missing else {})


def _alert(rows: Sequence[Settled]) -> None:
    """One line a post to whoever answers for it; one line in all when many end the same way at once."""
    if not rows:
        return
    related = Publication.objects.select_related("answerable", "variant", "channel")
    publications = related.in_bulk([row.id for row in rows])
    rows = _but_incidents(rows, publications)
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


def _but_incidents(rows: Sequence[Settled], publications: Mapping[int, Publication]) -> list[Settled]:
    """Twenty posts that stop on one dead connection are one alert, and those are told of here."""
    stopped = [row for row in rows if stopped_by_connection(row)]
    lost = custody.lost_among({publications[row.id].channel_id for row in stopped}) if stopped else {}
    told_of = {row.id for row in stopped if publications[row.id].channel_id in lost}
    tell_stopped(((publications[pk].answerable, publications[pk].channel) for pk in told_of), lost)
    return [row for row in rows if row.id not in told_of]


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
