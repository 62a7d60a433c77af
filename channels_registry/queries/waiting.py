"""What waits for somebody here, and what is broken, for Today and the rail."""

from dataclasses import replace
from datetime import timedelta

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from accounts.models import Person, Role
from accounts.permissions import role_exists
from channels_registry.health import SOON_DAYS, date_words, day_words, days_left
from channels_registry.models import Channel, ChannelProposal, Connection, ImpostorReport, Proof, Revocation
from channels_registry.permissions import channels_with
from channels_registry.queries.administrators import with_one_administrator
from channels_registry.queries.doors import asked_of, identities_waiting
from channels_registry.queries.impostors import OPEN, TRIAGES
from channels_registry.queries.lifecycle import DECIDERS
from socialops.lib.tags import network_name
from socialops.lib.waiting import Kind, Waiting

SHOWN = 50


def waiting_for(person: Person) -> list[Waiting]:
    """Doors to shut by hand, doors to confirm, accounts that imitate us, proposed channels. Three queries."""
    rows = Revocation.objects.filter(asked_of(person) | Q(pk__in=_to_confirm(person).values("pk")))
    doors = [
        _waiting(each, "Look as well", f"{each.attested_by} attests that it is shut.", "Confirm")
        if each.proof == Proof.ATTESTED
        else _waiting(each, "Shut by hand", each.reason or each.reason_for, "Take it")
        for each in _with_doors(rows)
    ]
    return [*doors, *_impostors(person), *_proposals(person)]


def trouble(person: Person) -> list[Waiting]:
    """Dead connections, ending tokens, single administrators, overdue records, on channels this person answers for, and
    ways in that are nobody's. Four queries.
    """
    mine = answered_for(person).exclude(state="archived")
    return [*_connections(mine), *_single_administrators(mine), *_reviews(mine), *_identities(person)]


def answered_for(person: Person) -> QuerySet[Channel]:
    """The channels whose trouble is this person's: owned, backed up, managed; all of them for administrators."""
    managed = channels_with(person, "manage").values("pk")
    own = Q(owner=person) | Q(backup_owner=person) | Q(pk__in=managed)
    return Channel.objects.filter(role_exists(person, Role.ADMIN) | own)


def _to_confirm(person: Person) -> QuerySet[Revocation]:
    attested = Revocation.objects.filter(stage="revoked", proof=Proof.ATTESTED)
    mine = Q(grant__channel__owner=person) | Q(grant__channel__backup_owner=person)
    mine |= Q(grant__channel__in=channels_with(person, "manage").values("pk"))
    return attested.filter(mine).exclude(attested_by=person).exclude(grant__person=person)


def _with_doors(rows: QuerySet[Revocation]) -> list[Revocation]:
    return list(rows.select_related("grant__channel", "grant__person", "attested_by").order_by("due_at")[:SHOWN])


def _waiting(revocation: Revocation, verb: str, detail: str, action: str) -> Waiting:
    grant = revocation.grant
    whose = f"{grant.person}’s " if grant.person else ""
    title = f"{verb}: {whose}{grant.get_door_display().lower()} on {grant.channel.name}"
    return Waiting(title, detail, reverse("revocation", args=[revocation.pk]), action, revocation.due_at)


def _identities(person: Person) -> list[Waiting]:
    count = identities_waiting(person).count()
    if not count:
        return []
    title = "1 way in is nobody’s yet" if count == 1 else f"{count} ways in are nobody’s yet"
    return [
        Waiting(title, "Say whose each is, so that it is shut when they leave.", reverse("identity_list"), "Say whose")
    ]


def _connections(mine: QuerySet[Channel]) -> list[Waiting]:
    soon = Q(expires_at__lte=Now() + timedelta(days=SOON_DAYS), proven_at__lt=F("expires_at") - timedelta(days=2))
    bad = Connection.objects.filter(Q(state="disconnected") | Q(soon, state="live"), channel__in=mine)
    rows = bad.select_related("channel").defer("sealed_secrets", "sealed_webhook_secret").order_by("expires_at")
    return [_connection(row) for row in rows[:SHOWN] if row.state == "disconnected" or row.trouble]


def _connection(row: Connection) -> Waiting:
    name, connect, left = row.channel.name, reverse("connection_new", args=[row.channel_id]), days_left(row)
    dead = Waiting(
        f"{name} is disconnected", row.trouble, connect, "Connect again", tone="risk", channel=row.channel_id
    )
    if left is None:
        return dead
    tone = "risk" if left <= 7 else "wait"
    return replace(dead, title=f"{name}: the token ends", due_at=row.expires_at, tone=tone, word=day_words(left))


def _single_administrators(mine: QuerySet[Channel]) -> list[Waiting]:
    alone = with_one_administrator(mine).order_by("name")
    channels = list(alone[:SHOWN])
    kind = Kind(
        "channels have a single administrator",
        "When that person leaves, nobody can get in.",
        "See the channels",
        f"{reverse('channel_list')}?admins=one&whose=mine",
        alone.count() - SHOWN if len(channels) == SHOWN else 0,
    )
    return [
        Waiting(
            channel.name,
            f"There is one administrator at {channel.handle}. When they leave, nobody can get in.",
            reverse("channel", args=[channel.pk]),
            "Open the channel",
            tone="risk",
            word="One admin",
            kind=kind,
        )
        for channel in channels
    ]


def _reviews(mine: QuerySet[Channel]) -> list[Waiting]:
    """Records at which somebody had to look by now."""
    overdue = list(mine.filter(review_due__lt=timezone.localdate()).order_by("review_due", "pk")[: SHOWN + 1])
    kind = Kind(
        "records of channels are overdue for review",
        "Look whether what stands in the register is still right.",
        "See the channels",
        f"{reverse('channel_list')}?review=overdue&whose=mine",
        mine.filter(review_due__lt=timezone.localdate()).count() - SHOWN if len(overdue) > SHOWN else 0,
    )
    return [
        Waiting(
            f"{channel.name}: the record is overdue for review",
            f"Somebody had to look whether it is still right by {date_words(channel.review_due)}.",
            reverse("channel_review", args=[channel.pk]),
            "Review it",
            word="Overdue",
            kind=kind,
        )
        for channel in overdue[:SHOWN]
    ]


def _impostors(person: Person) -> list[Waiting]:
    """Those that were given to this person, and those that nobody has, where they decide on them by role."""
    mine = Q(owner=person) | Q(role_exists(person, *TRIAGES), owner=None)
    found = ImpostorReport.objects.filter(mine, state__in=OPEN).order_by("due_at", "pk")[:SHOWN]
    verbs = {"reported": "Look at it", "impostor": "Have it taken down", "rogue": "Adopt it or close it"}
    return [
        Waiting(
            f"{verbs[each.state]}: {each.handle} on {network_name(each.network)}",
            each.seen,
            reverse("impostor", args=[each.pk]),
            "Open it",
            each.due_at,
        )
        for each in found
    ]


def _proposals(person: Person) -> list[Waiting]:
    """Channels that wait for this person's decision, or to be opened by them."""
    ask = Q(role_exists(person, *DECIDERS), state="asked") & ~Q(proposed_by=person)
    found = ChannelProposal.objects.filter(ask | Q(role_exists(person, Role.ADMIN), state="approved"))
    rows = found.select_related("channel", "proposed_by").order_by("pk")[:SHOWN]
    return [
        Waiting(
            f"{'Decide on' if each.state == 'asked' else 'Open'} a channel: {each.channel.name}",
            f"{each.proposed_by} proposed it: {each.why}",
            reverse("channel_proposal", args=[each.pk]),
            "Decide" if each.state == "asked" else "Open it",
        )
        for each in rows
    ]
