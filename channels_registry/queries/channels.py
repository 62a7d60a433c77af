"""Lists of channels and connections, and what networks and connections can do."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import Person
from channels_registry import networks
from channels_registry.connector.capabilities import CAPABILITIES, SAME_POST_TWICE, Network, claims
from channels_registry.health import SOON_DAYS
from channels_registry.models import AccessGrant, Channel, Connection
from channels_registry.models.access_grant import Door
from channels_registry.permissions import seen_by
from channels_registry.queries.administrators import with_one_administrator
from channels_registry.queries.waiting import answered_for
from socialops.lib.counting import count_of
from socialops.lib.numbers import number

PAGE = 100
CURRENT = ("live", "disconnected", "pending")
HEALTHS = {
    "ok": "Connected",
    "trouble": "In trouble",
    "none": "Not connected",
}
ADMINS = {"one": "A single administrator"}
WHOSE = {"mine": "Those I answer for"}
STATES = {"": "All but archived", **dict(Channel.State.choices)}
REVIEWS = {"overdue": "Review overdue", "soon": "Review due in 30 days"}
BACKUPS = {"none": "No backup owner"}


@dataclass(frozen=True)
class ChannelFilter:
    """What the address of the list says. `after` is the last channel of the page before."""

    words: str = ""
    network: str = ""
    risk: str = ""
    health: str = ""
    admins: str = ""
    whose: str = ""
    state: str = ""
    review: str = ""
    backup: str = ""
    brand: str = ""
    region: str = ""
    entity: str = ""
    after: str = ""


@dataclass
class ChannelsPage:
    """`next` is the `after` of the page that follows, or ""."""

    channels: Sequence[Channel]
    total: int
    next: str


def channels_page(person: Person, chosen: ChannelFilter) -> ChannelsPage:
    """One page of the channels this person may see, by name, each with `current` connections. Four queries."""
    found = chosen_channels(person, chosen)
    total = found.count()
    there = AccessGrant.objects.filter(channel=OuterRef("pk"), revoked_at=None).exclude(door=Door.RIGHT)
    found = found.select_related("owner", "backup_owner").order_by("name", "pk").annotate(doors=count_of(there))
    name, _, last_pk = chosen.after.rpartition("|")
    if (pk := number(last_pk)) is not None:
        found = found.filter(Q(name__gt=name) | Q(name=name, pk__gt=pk))
    current = Connection.objects.filter(state__in=CURRENT).defer("sealed_secrets", "sealed_webhook_secret")
    rows = list(found.prefetch_related(Prefetch("connections", current, to_attr="current"))[: PAGE + 1])
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    return ChannelsPage(rows[:PAGE], total, f"{last.name}|{last.pk}" if last else "")


def chosen_channels(person: Person, chosen: ChannelFilter) -> QuerySet[Channel]:
    """What of those that this person may see the filters let through, in no order."""
    seen = seen_by(person)
    found = _narrowed(seen.filter(state=chosen.state) if chosen.state else seen.exclude(state="archived"), chosen)
    return found.filter(pk__in=answered_for(person).values("pk")) if chosen.whose == "mine" else found


def said_of_channels(person: Person) -> dict[str, list[str]]:
    """The brands, regions and legal entities there are, for filters. One query."""
    said = (
        seen_by(person).exclude(state="archived").order_by().values_list("brand", "region", "legal_entity").distinct()
    )
    columns = list(zip(*said, strict=True)) or [(), (), ()]
    return {
        name: sorted({each for each in column if each}, key=str.casefold)
        for name, column in zip(("brand", "region", "entity"), columns, strict=True)
    }


def connections_of(channel: Channel) -> tuple[Connection | None, Connection | None]:
    """(the one that counts: pending before live before disconnected; a newer one that was refused). One query."""
    rows = list(
        Connection.objects.filter(channel=channel, state__in=[*CURRENT, "refused"])
        .defer("sealed_secrets", "sealed_webhook_secret")
        .select_related("authorised_by", "next_authoriser")
        .order_by("-pk")[:20]
    )
    for row in rows:
        row.channel = channel
    by_state = {row.state: row for row in reversed(rows)}
    current = next((by_state[state] for state in ("live", "pending", "disconnected") if state in by_state), None)
    refused = by_state.get("refused")
    newer = refused is not None and (current is None or refused.pk > current.pk)
    return current, refused if newer else None


def last_ended(channel: Channel) -> Connection | None:
    """The connection that a person took away last. One query."""
    ended = Connection.objects.filter(channel=channel, state="ended").exclude(given_back="").order_by("-pk")
    return ended.defer("sealed_secrets", "sealed_webhook_secret").first()


def capability_table() -> list[dict]:
    """For each network what its class can do, and on how many live connections, with the reasons why not. One query."""
    rows = Connection.objects.filter(state="live").values_list("channel__network", "facts", "scopes")
    live: dict[str, list[tuple[dict, list]]] = {}
    for slug, facts, scopes in rows:
        live.setdefault(slug, []).append((facts, scopes))
    return [_capabilities(networks.network(slug), live.get(slug, [])) for slug in networks.slugs()]


def _capabilities(network: Network, live: list[tuple[dict, list]]) -> dict:
    lacking: dict[type, Counter] = {capability: Counter() for capability in CAPABILITIES}
    for facts, scopes in live:
        for capability, reason in network.lacks(facts, frozenset(scopes)).items():
            lacking[capability][reason] += 1
    said = claims(network)
    cells = [
        {
            "label": label,
            "able": isinstance(network, capability),
            "said": said[capability],
            "on": len(live) - sum(lacking[capability].values()),
            "reasons": [reason for reason, _ in lacking[capability].most_common(3)],
        }
        for capability, label in CAPABILITIES.items()
    ]
    twice = SAME_POST_TWICE[network.idempotency]
    return {"network": network, "connections": len(live), "cells": cells, "twice": twice}


def _narrowed(found: QuerySet[Channel], chosen: ChannelFilter) -> QuerySet[Channel]:
    if chosen.words:
        words = Q(name__icontains=chosen.words) | Q(handle__icontains=chosen.words) | Q(brand__icontains=chosen.words)
        found = found.filter(words)
    if chosen.network:
        found = found.filter(network=chosen.network)
    if chosen.risk:
        found = found.filter(risk_tier=chosen.risk)
    said = {"brand": chosen.brand, "region": chosen.region, "legal_entity": chosen.entity}
    found = found.filter(**{name: word for name, word in said.items() if word})
    if chosen.backup == "none":
        found = found.filter(backup_owner=None)
    if chosen.review:
        ahead = timedelta(days=30 if chosen.review == "soon" else 0)
        found = found.filter(review_due__lt=timezone.localdate() + ahead)
    if chosen.admins == "one":
        found = with_one_administrator(found)
    live = Connection.objects.filter(channel=OuterRef("pk"), state="live")
    if chosen.health == "ok":
        found = found.filter(Exists(live.filter(trouble="")))
    elif chosen.health == "trouble":
        soon = Q(expires_at__lte=Now() + timedelta(days=SOON_DAYS), proven_at__lt=F("expires_at") - timedelta(days=2))
        dead = Connection.objects.filter(channel=OuterRef("pk"), state="disconnected")
        found = found.filter(Exists(live.filter(soon | ~Q(trouble=""))) | Exists(dead))
    elif chosen.health == "none":
        found = found.filter(~Exists(Connection.objects.filter(channel=OuterRef("pk"), state__in=CURRENT)))
    return found
