"""What became of a channel's connections, who may connect it again, and what a token was given."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from accounts.models import Person, Role, RoleAssignment
from channels_registry.connector.capabilities import CAPABILITIES
from channels_registry.models import Channel, Connection, ConnectionChange, Rehearsal
from channels_registry.permissions import rights_rows

STORY = 30
SHORT = timedelta(days=2)  # of life: such a token is renewed all the time


@dataclass(frozen=True)
class Scope:
    """A scope of a token: what it is for ("": we never asked for it), and whether it was given."""

    name: str
    purpose: str
    given: bool


def next_authoriser(channel: Channel) -> Person | None:
    """Who was named to connect the channel again, by whichever of its connections was proven last. One query."""
    named = Connection.objects.filter(channel=channel).exclude(next_authoriser=None)
    last = named.select_related("next_authoriser").order_by("-proven_at", "-pk").first()
    return last.next_authoriser if last else None


def who_may_authorise(channel: Channel) -> QuerySet[Person]:
    """Present people who manage the channel, and administrators, by name."""
    managing = rights_rows("manage").filter(content_object=channel, user__person=OuterRef("pk"))
    roles = RoleAssignment.objects.filter(person=OuterRef("pk"), role=Role.ADMIN, ended_at=None)
    return Person.objects.present().filter(Exists(managing) | Exists(roles)).order_by("name", "pk")


def story_of(channel: Channel) -> list[ConnectionChange]:
    """What became of the channel's connections, newest first. One query."""
    changes = ConnectionChange.objects.filter(connection__channel=channel)
    changes = changes.select_related("connection__authorised_by", "connection__ended_by")
    return list(
        changes.defer("connection__sealed_secrets", "connection__sealed_webhook_secret").order_by("-at", "-pk")[:STORY]
    )


def rehearsals_of(channel: Channel) -> list[Rehearsal]:
    """The last tries of the channel's token, newest first. One query."""
    tried = Rehearsal.objects.filter(connection__channel=channel).select_related("asked_by")
    return list(tried.order_by("-pk")[:5])


def lost_among(channels: Collection[int]) -> dict[int, datetime]:
    """Of these channels those without a connection because it died, each with when. One query."""
    live = Connection.objects.filter(channel=OuterRef("connection__channel"), state="live")
    lost = ConnectionChange.objects.filter(
        ~Exists(live), connection__channel__in=channels, connection__state="disconnected", kind="disconnected"
    )
    return dict(lost.order_by("at").values_list("connection__channel", "at"))


def scopes_of(connection: Connection) -> list[Scope]:
    """Asked for and given, in the order of asking; then what was given beyond it. No query."""
    network, given = connection.channel.connector, frozenset(connection.scopes)
    wanted = {**dict.fromkeys(connection.scopes_asked, "Asked for when it was connected"), **network.asks}
    asked = [Scope(name, purpose, network.covers(given, name)) for name, purpose in wanted.items()]
    return asked + [Scope(name, "", True) for name in sorted(given - wanted.keys())]


def cannot(connection: Connection) -> list[tuple[str, str]]:
    """What the network offers and this connection may not do, each with the reason. No query."""
    lacking = connection.channel.connector.lacks(connection.facts, frozenset(connection.scopes))
    return [(CAPABILITIES[each], reason) for each, reason in lacking.items() if each in CAPABILITIES]


def ending(within: timedelta) -> QuerySet[Connection]:
    """Live connections that end so soon; those with short tokens, renewed all the time, are not among them."""
    long_lived = Q(proven_at=None) | Q(proven_at__lt=F("expires_at") - SHORT)
    return (
        Connection.objects.filter(long_lived, state="live", expires_at__lte=Now() + within)
        .select_related("channel__owner", "channel__backup_owner", "authorised_by", "next_authoriser")
        .defer("sealed_secrets", "sealed_webhook_secret")
        .order_by("expires_at", "pk")
    )
