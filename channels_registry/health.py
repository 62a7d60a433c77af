"""How a channel is: one word for a list, and what is wrong with the button that mends it, worst first."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.urls import reverse
from django.utils import formats, timezone

from channels_registry.models import AccessGrant, Channel, Connection

SOON_DAYS = 30


@dataclass(frozen=True)
class Health:
    """`tone` and `words` for a tag."""

    tone: str
    words: str
    icon: str


@dataclass(frozen=True)
class Concern:
    """Something that needs somebody, and what mends it. `url` may be a page of the network."""

    tone: str
    title: str
    detail: str
    action: str = ""
    url: str = ""


def days_left(connection: Connection) -> int | None:
    """Whole days until the connection ends by itself, or None: it does not, or it is renewed without anybody."""
    if connection.expires_at is None or connection.state != Connection.State.LIVE:
        return None
    if connection.proven_at and connection.expires_at - connection.proven_at < timedelta(days=2):
        return None  # a short-lived token, renewed all the time
    return max((connection.expires_at - timezone.now()).days, 0)


def health(connection: Connection | None) -> Health:
    """From the channel's newest connection that is live, disconnected or pending."""
    if connection is None:
        return Health("plain", "Not connected", "unplug")
    if connection.state == Connection.State.PENDING:
        return Health("wait", "Connecting", "loader-circle")
    if connection.state == Connection.State.DISCONNECTED:
        return Health("risk", "Disconnected", "unplug")
    left = days_left(connection)
    if left is not None and left <= SOON_DAYS and connection.trouble:
        return Health("risk" if left <= 7 else "wait", f"Ends in {day_words(left)}", "key-round")
    if connection.trouble:
        return Health("wait", "Connected, with trouble", "triangle-alert")
    return Health("ok", "Connected", "plug")


def warnings(
    channel: Channel,
    connection: Connection | None,
    refused: Connection | None,
    administrators: int | None,
    managers: int,
    unknown: int,
) -> list[Concern]:
    """What stands on top of the channel's page. `administrators` None: the network tells nothing about them; `unknown`:
    doors of which nobody has said whose they are.
    """
    connect = reverse("connection_new", args=[channel.pk])
    found = []
    if refused is not None:
        found.append(Concern("risk", "The newest keys were refused", refused.trouble, "Connect again", connect))
    found += _connection_warnings(connection, connect)
    if administrators is not None and administrators <= 1:
        proven = connection if connection and connection.proven_at else None  # else it leads wherever somebody typed
        page = channel.connector.people_page_url(proven.fields, proven.handle) if proven else ""
        told = "Only one administrator over there" if administrators else "No known administrator over there"
        detail = "When they leave, nobody can get in. Make somebody else an administrator on the network."
        found.append(Concern("risk", told, detail, "Open the network’s page" if page else "", page))
    if not managers:
        detail = "Nobody but administrators can connect it or give access to it."
        grants = reverse("grant_new", args=[channel.pk])
        found.append(Concern("wait", "Nobody manages this channel", detail, "Give access", grants))
    if unknown:
        doors_words = "1 door is" if unknown == 1 else f"{unknown} doors are"
        detail = "Say whose they are, so that they are shut when that person leaves."
        url = f"{reverse('identity_list')}?channel={channel.pk}"
        found.append(Concern("wait", f"{doors_words} nobody’s yet", detail, "Say whose", url))
    return found


def record_warnings(channel: Channel) -> list[Concern]:
    """What the register itself lacks: somebody who steps in, a look at the record, a way in."""
    change = reverse("channel_change", args=[channel.pk])
    found = []
    if channel.state == Channel.State.LOST:
        detail = "We cannot get in. Nothing goes out, and who has access over there is not known."
        found.append(Concern("risk", "This channel is lost", detail))
    if channel.state == Channel.State.IMPOSTOR:
        detail = "It speaks as if it were ours, and is not. Nothing goes out there."
        found.append(Concern("risk", "This is an impostor", detail))
    if channel.backup_owner_id is None:
        detail = f"When {channel.owner} is away or leaves, nobody answers for it."
        found.append(Concern("wait", "It has no backup owner", detail, "Choose a backup", change))
    if channel.review_is_due:
        detail = f"Somebody had to look at what stands here by {date_words(channel.review_due)}."
        url = reverse("channel_review", args=[channel.pk])
        found.append(Concern("wait", "Its review is overdue", detail, "Review it", url))
    return found


def date_words(day: date) -> str:
    """20 November 2026."""
    return formats.date_format(day, "j F Y")


def left_over_there(channel: Channel, ended: Connection | None) -> list[Concern]:
    """What our token may still open on the network, after a person has disconnected the channel."""
    if ended is None or ended.given_back == Connection.GivenBack.REVOKED:
        return []
    if ended.given_back == Connection.GivenBack.ASKED:
        return [Concern("wait", "Our token is being given back", f"A worker asks {channel.connector.label} to end it.")]
    page = channel.connector.people_page_url(ended.fields, ended.handle)
    verb = "Open the network’s page" if page else ""
    return [Concern("wait", "Our token may still work over there", ended.trouble, verb, page)]


def day_words(days: int) -> str:
    return "less than a day" if days == 0 else "1 day" if days == 1 else f"{days} days"


def _connection_warnings(connection: Connection | None, connect: str) -> list[Concern]:
    if connection is None:
        detail = "Nothing can go out or come in, and nobody can see who has access over there."
        return [Concern("risk", "This channel is not connected", detail, "Connect it", connect)]
    if connection.state == Connection.State.PENDING:
        url = reverse("connection", args=[connection.pk])
        return [Concern("wait", "Connecting", connection.trouble or "The network is being asked.", "Watch", url)]
    if connection.state == Connection.State.DISCONNECTED:
        return [Concern("risk", "The connection is dead", connection.trouble, "Connect again", connect)]
    left = days_left(connection)
    if left is not None and left <= SOON_DAYS and connection.trouble:
        tone = "risk" if left <= 7 else "wait"
        return [Concern(tone, f"The token dies in {day_words(left)}", connection.trouble, "Connect again", connect)]
    return [Concern("wait", "Something is wrong", connection.trouble)] if connection.trouble else []


def how_it_is_shut(door: AccessGrant, by_api: bool) -> str:
    """`by_api`: whether the network of its channel shuts doors by API now."""
    if door.ours:
        return "Not to be shut: Socialops works with it"
    if door.door == "right":
        return "Here, at once"
    return "By the network’s API" if by_api and door.remote_id else "By hand, with evidence"
