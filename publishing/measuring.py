"""Asking networks what came of posts, an hour, a day, a week and a month after they went out, and who follows us.

A read changes nothing over there, so it needs no attempts: a channel's turn is leased in its row, and comes again. It
goes last: where something is about to be sent or shut on the connection, or it has to be silent, its turn waits.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from channels_registry import budgets, refreshing
from channels_registry.connecting import ask
from channels_registry.connector.capabilities import ListsPosts, Measures
from channels_registry.connector.errors import Disconnected, NetworkError, TryLater
from channels_registry.connector.http import Http
from channels_registry.connector.types import Access, Figures, Following
from channels_registry.measuring import keep_following
from channels_registry.models import Connection, ConnectionBudget, Revocation
from channels_registry.observing import can
from channels_registry.reaching import opened
from publishing import noticing
from publishing.models import COUNTS, MeasuringTurn, PostMeasurement, Publication
from socialops.lib import turns

HOURS, DAYS = timedelta(hours=1), timedelta(days=1)
WHEN = {  # from which age to which; what was not counted in time is not counted as if it had been
    "hour": (HOURS, 6 * HOURS),
    "day": (DAYS, 3 * DAYS),
    "week": (7 * DAYS, 14 * DAYS),
    "month": (30 * DAYS, 60 * DAYS),
}
EVERY = timedelta(minutes=10)  # all pauses here are multiplied by settings.PACE
LEASE = timedelta(minutes=3)  # longer than a conversation with a network may take
SOON = timedelta(minutes=1)  # what goes out within it comes first
FOLLOWERS_EVERY = timedelta(hours=20)
LONGEST_PAUSE = timedelta(hours=6)


def measure_due() -> int:
    """Ask about the channels whose turn it is. Returns how many were asked about."""
    _begin()
    return turns.in_turn("measure", _next, _measure)


def due_posts(channel_id: int) -> dict[str, list[Publication]]:
    """By age, the posts that went out there so long ago and are not counted at that age yet."""
    gone = PostMeasurement.objects.filter(publication=OuterRef("pk"), gone=True)
    out = Publication.objects.filter(~Exists(gone), channel=channel_id, state="done", part=0).exclude(remote_id="")
    return {age: rows for age in WHEN if (rows := list(_at_age(out, age)))}


def _begin() -> None:
    """A row for every connected channel."""
    live = Connection.objects.filter(state=Connection.State.LIVE, channel__measuring_turn=None)
    new = [MeasuringTurn(channel_id=pk, next_at=Now()) for pk in live.values_list("channel", flat=True)]
    if new:
        MeasuringTurn.objects.bulk_create(new, ignore_conflicts=True)


def _next() -> MeasuringTurn | None:
    mine = {"connection__channel": OuterRef("channel"), "connection__state": Connection.State.LIVE}
    silent = ConnectionBudget.objects.filter(Q(cooldown_until__gt=Now()) | Q(breaker_until__gt=Now()), **mine)
    live = Connection.objects.filter(channel=OuterRef("channel"), state=Connection.State.LIVE)
    due = MeasuringTurn.objects.filter(
        Exists(live), ~Exists(silent), ~Exists(_first(Publication.objects.all(), "channel")),
        ~Exists(_first(Revocation.objects.all(), "grant__channel")), next_at__lte=Now(),
    )  # fmt: skip
    with transaction.atomic():
        rows = due.select_for_update(of=("self",), skip_locked=True).select_related("channel")
        if taken := rows.order_by("next_at", "pk").first():
            _again(taken, max(LEASE * settings.PACE, LEASE / 4))
    return taken


def _first(deliveries: QuerySet, channel: str) -> QuerySet:
    """What is sent on the channel now, or about to be."""
    soon = Q(state="sending") | Q(state="scheduled", next_attempt_at__lte=Now() + SOON * settings.PACE)
    return deliveries.filter(soon, **{channel: OuterRef("channel")})


def _measure(turn: MeasuringTurn) -> None:
    connection = Connection.objects.select_related("channel").filter(channel=turn.channel_id, state="live").first()
    if connection is None or not can(connection, Measures):
        return _again(turn, EVERY * settings.PACE)
    due = due_posts(turn.channel_id)
    ids = [each.remote_id for rows in due.values() for each in rows][: connection.channel.connector.most_posts]
    follows = _wants_followers(turn)
    since = noticing.due_since(turn) if can(connection, ListsPosts) else None
    if not ids and not follows and since is None:
        return _again(turn, EVERY * settings.PACE)
    try:
        figures, following, seen = ask(connection, lambda http: _read(connection, http, ids, follows, since))
    except NetworkError as error:
        return _failed(turn, connection, error)
    listed = None if isinstance(seen, NetworkError) else seen
    _keep(turn, due, figures, following, listed)
    if isinstance(seen, NetworkError):
        return _failed(turn, connection, seen)
    more = sum(map(len, due.values())) > len(ids)
    return _again(turn, SOON * settings.PACE if more else EVERY * settings.PACE)


async def _read(
    connection: Connection, http: Http, ids: list[str], follows: bool, since: datetime | None
) -> tuple[dict[str, Figures | None], Following | None, noticing.Seen | NetworkError | None]:
    network, access = connection.channel.connector, opened(connection, http)
    figures = await network.post_metrics(access, ids) if ids else {}
    following = await network.channel_metrics(access) if follows else None
    return figures, following, await _listed(network, access, since) if since else None


async def _listed(network: ListsPosts, access: Access, since: datetime) -> noticing.Seen | NetworkError:
    """What was counted is kept although the list cannot be had."""
    try:
        return await noticing.seen_since(network, access, since)
    except NetworkError as error:
        return error


@transaction.atomic
def _keep(
    turn: MeasuringTurn, due: dict[str, list[Publication]], figures: dict[str, Figures | None],
    following: Following | None, seen: noticing.Seen | None,
) -> None:  # fmt: skip
    """What the network said nothing of is asked again at the next turn."""
    rows = [
        _row(publication, age, figures[publication.remote_id])
        for age, publications in due.items() for publication in publications if publication.remote_id in figures
    ]  # fmt: skip
    PostMeasurement.objects.bulk_create(rows, ignore_conflicts=True)
    if following is not None:
        keep_following(turn.channel, following)
        MeasuringTurn.objects.filter(pk=turn.pk).update(followed_at=Now())
    if seen is not None:
        noticing.keep(turn, *seen)
    MeasuringTurn.objects.filter(pk=turn.pk).update(failures=0, trouble="")


def _row(publication: Publication, age: str, told: Figures | None) -> PostMeasurement:
    counts = {name: getattr(told, name) for name in COUNTS} if told else {}
    return PostMeasurement(publication=publication, age=age, gone=told is None, **counts)


def _failed(turn: MeasuringTurn, connection: Connection, error: NetworkError) -> None:
    """A wish for silence holds for everything on the connection. A credential that is not accepted is renewed, once."""
    if isinstance(error, Disconnected):
        refreshing.refresh(connection, refused_us=True)
    wish = error.after if isinstance(error, TryLater) else None
    if wish is not None:
        budgets.note((), (), {connection.pk: wish})
    MeasuringTurn.objects.filter(pk=turn.pk).update(failures=F("failures") + 1, trouble=error.reason[:300])
    pause = min(EVERY * 2 ** min(turn.failures, 6), LONGEST_PAUSE) * settings.PACE
    _again(turn, max(pause, timedelta(seconds=wish or 0.0)))


def _again(turn: MeasuringTurn, pause: timedelta) -> None:
    MeasuringTurn.objects.filter(pk=turn.pk).update(next_at=Now() + pause)


def _wants_followers(turn: MeasuringTurn) -> bool:
    stale = Q(followed_at=None) | Q(followed_at__lte=Now() - FOLLOWERS_EVERY)
    return MeasuringTurn.objects.filter(stale, pk=turn.pk).exists()


def _at_age(out: QuerySet[Publication], age: str) -> QuerySet[Publication]:
    """`due_at` narrows it by its index; what counts is when it was out."""
    youngest, oldest = WHEN[age]
    counted = PostMeasurement.objects.filter(publication=OuterRef("pk"), age=age)
    return out.filter(
        ~Exists(counted), due_at__gt=Now() - oldest - 7 * DAYS, due_at__lte=Now() - youngest,
        settled_at__gt=Now() - oldest, settled_at__lte=Now() - youngest,
    ).order_by("settled_at", "pk")[:100]  # fmt: skip
