"""What has to be done before a channel is opened, and what still points at one that is to go."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.http import Http404
from django.urls import reverse

from accounts.models import Person, Role, User
from accounts.permissions import is_present, role_exists
from channels_registry.models import AccessGrant, Channel, ChannelProposal, Connection, OpeningAnswer, Retirement
from channels_registry.models.access_grant import Door
from channels_registry.permissions import may_see

DECIDERS = (Role.ADMIN, Role.SOCIAL_LEAD)


@dataclass(frozen=True)
class Line:
    """Of a list: what it asks, whether it is done, what is known, and where it is done. `item`: an answer will do."""

    label: str
    done: bool
    words: str
    url: str = ""
    action: str = ""
    item: str = ""


@dataclass(frozen=True)
class Pointing:
    """Something elsewhere that still needs the channel: `count` of `noun`, and the page of them."""

    noun: str
    count: int
    url: str


# Apps above add what they know of: posts that are scheduled, conversations that are open.
POINTERS: list[Callable[[Channel], Pointing]] = []


def proposal_for(user: User, pk: int) -> ChannelProposal:
    """Fetching is authorising: who proposed it, who is to answer for it, and who sees the channel."""
    rows = ChannelProposal.objects.select_related(
        "channel__owner", "channel__backup_owner", "proposed_by", "decided_by", "opened_by"
    )
    found, person = rows.filter(pk=pk).first(), user.person
    if found is not None:
        near = {found.proposed_by_id, found.channel.owner_id, found.channel.backup_owner_id}
        if (person.pk in near and is_present(person)) or may_see(person, found.channel):
            return found
    raise Http404("There is no such proposal, or it is not yours to see.")


def proposals_of(person: Person) -> QuerySet[ChannelProposal]:
    """Those that this person may see, the newest first. One query."""
    near = Q(proposed_by=person) | Q(channel__owner=person) | Q(channel__backup_owner=person)
    found = ChannelProposal.objects.filter(near | role_exists(person, *DECIDERS, Role.AUDITOR))
    return found.select_related("channel__owner", "proposed_by").order_by("-pk")


def opening_list(proposal: ChannelProposal) -> list[Line]:
    """Everything that has to be so before it is opened. Four queries."""
    channel = proposal.channel
    change = reverse("channel_change", args=[channel.pk])
    said = {each.item: each.answer for each in proposal.answers.all()}
    backup, item = channel.backup_owner, OpeningAnswer.Item
    recovery = AccessGrant.objects.standing().filter(channel=channel, door=Door.RECOVERY).count()
    connected = Connection.objects.filter(channel=channel, state="live").exists()
    connect = reverse("connection_new", args=[channel.pk])
    there = f"{recovery} on record" if recovery else ""
    return [
        Line("An owner who is here", is_present(channel.owner), channel.owner.name, change, "Choose another"),
        Line("A backup owner", is_present(backup), backup.name if backup else "nobody yet", change, "Choose a backup"),
        Line("How it is closed is written down", bool(channel.closing_procedure), "", change, "Write it down"),
        _answered("A recovery e-mail and phone on record, or why not", there, said, item.RECOVERY),
        _answered("A second factor on its login: which, and where the spare is", "", said, item.MFA),
        _answered(
            "Connected, or why not", "connected" if connected else "", said, item.CONNECTION, connect, "Connect it"
        ),
    ]


def retirement_of(channel: Channel) -> Retirement | None:
    """The one under way. One query."""
    return channel.retirements.filter(ended_at=None).select_related("by").first()


def pointing_at(channel: Channel) -> list[Pointing]:
    """What still needs it. A query each."""
    return [each for each in (ask(channel) for ask in POINTERS) if each.count]


def doors_still_open(channel: Channel) -> QuerySet[AccessGrant]:
    """Elsewhere: rights here end with the channel, and what Socialops itself uses with the connection."""
    return AccessGrant.objects.standing().filter(channel=channel, ours=False).exclude(door=Door.RIGHT)


def _answered(label: str, known: str, said: dict[str, str], item: str, url: str = "", action: str = "") -> Line:
    words = known or said.get(item, "")
    return Line(label, bool(words), words or "not said yet", url, action, item=item)
