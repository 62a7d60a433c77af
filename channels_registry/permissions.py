"""What a person may do on a channel: a standing grant, with guardian's row for the right, held by somebody present.

Everything here asks the grant and the departure at this moment, so a right ends at its minute with nothing running.
Rights: see, draft, approve, publish, answer, manage.
"""

from dataclasses import dataclass

from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import PermissionDenied
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet
from django.http import Http404

from accounts.models import Person, Role, User
from accounts.permissions import has_role, role_exists
from channels_registry.models import (
    AccessGrant,
    Channel,
    ChannelImport,
    ChannelRow,
    ChannelUserPermission,
    Connection,
    MatrixView,
    SharedLogin,
    Tool,
)
from channels_registry.models.access_grant import Door
from socialops.lib.prepared import among, prepared

OUT_OF_USE = ("archived", "impostor")  # nobody here answers for who reaches these
SEES_EVERYTHING = (Role.ADMIN, Role.SOCIAL_LEAD, Role.AUDITOR)
WORDS = {
    "see": "see this channel",
    "draft": "write for this channel",
    "approve": "approve posts on this channel",
    "publish": "publish on this channel",
    "answer": "answer messages on this channel",
    "manage": "manage this channel",
}


def may(person: Person | None, right: str, channel: Channel | int) -> bool:
    """Whether this person has this right now. One query. Roles never count: they see, only grants let act."""
    if person is None:
        return False
    return rights_rows(right).filter(user__person=person, content_object=channel).exists()


def require(person: Person | None, right: str, channel: Channel) -> None:
    """Raises PermissionDenied with words for the person who reads it."""
    if not may(person, right, channel):
        raise PermissionDenied(f"You may not {WORDS[right]}. Ask somebody who manages {channel.name}.")


def may_administer(person: Person | None, channel: Channel) -> bool:
    """Whether they may connect it and decide who has access: its managers, and administrators."""
    return may(person, "manage", channel) or has_role(person, Role.ADMIN)


def require_administer(person: Person | None, channel: Channel) -> None:
    _require_administered(channel, may_administer(person, channel))


def _require_administered(channel: Channel, administered: bool) -> None:
    if not administered:
        raise PermissionDenied(f"Only somebody who manages {channel.name}, or an administrator, may do this.")


def may_administer_any(person: Person | None) -> bool:
    """Whether there is a channel of which they may put doors on record."""
    return has_role(person, Role.ADMIN) or channels_with(person, "manage").exists()


def _administers(person: Person) -> ExpressionWrapper:
    """may_administer as a condition on the rows of channels."""
    manages = rights_rows("manage").filter(user__person=person, content_object=OuterRef("pk"))
    return ExpressionWrapper(Q(Exists(manages)) | Q(role_exists(person, Role.ADMIN)), output_field=BooleanField())


def may_see(person: Person | None, channel: Channel) -> bool:
    return has_role(person, *SEES_EVERYTHING) or may(person, "see", channel)


def rights_rows(right: str) -> QuerySet[ChannelUserPermission]:
    """Guardian's rows for this right that count now: of standing grants, of people who have not left."""
    return ChannelUserPermission.objects.filter(
        permission__codename=right,
        permission__content_type__app_label="channels_registry",
        grant__in=AccessGrant.objects.standing().filter(door=Door.RIGHT),
    ).exclude(user__person__in=Person.objects.departed())


def channels_with(person: Person | None, right: str) -> QuerySet[Channel]:
    """The channels on which this person has this right now, as a subquery-friendly set."""
    if person is None:
        return Channel.objects.none()
    return Channel.objects.filter(pk__in=rights_rows(right).filter(user__person=person).values("content_object"))


def seen_by(person: Person | None) -> QuerySet[Channel]:
    """The channels this person may look at. No query of its own: the role is asked for in the same one."""
    if person is None:
        return Channel.objects.none()
    own = rights_rows("see").filter(user__person=person).values("content_object")
    return Channel.objects.filter(role_exists(person, *SEES_EVERYTHING) | Q(pk__in=own))


@dataclass(frozen=True)
class Oversight:
    """Of which channels somebody sees everybody's doors at once: all of them, or those with these ids."""

    everything: bool
    managed: list[int]

    def channels(self) -> QuerySet[Channel]:
        found = Channel.objects.exclude(state__in=OUT_OF_USE)
        return found if self.everything else found.filter(among("pk", self.managed))


def oversight(person: Person | None) -> Oversight:
    """Everything for administrators and auditors, else what they manage. PermissionDenied for whoever manages nothing.
    One query.
    """
    everything, managed = _oversight(pk=person.pk)[0] if person else (False, [])
    if not everything and not managed:
        raise PermissionDenied(
            "Only administrators, auditors and those who manage a channel see this. Ask one of them."
        )
    return Oversight(everything, managed)


@prepared
def _oversight(pk: int) -> QuerySet:
    person = Person(pk=pk)
    managed = ArraySubquery(rights_rows("manage").filter(user__person=person).values("content_object"))
    everything = role_exists(person, Role.ADMIN, Role.AUDITOR)
    return Person.objects.filter(pk=pk).values_list(everything, managed)


def people_with(channel: Channel | int, right: str) -> QuerySet[Person]:
    """Who has this right on this channel now, by name."""
    rows = rights_rows(right).filter(content_object=channel, user__person=OuterRef("pk"))
    return Person.objects.filter(Exists(rows)).order_by("name", "pk")


def access_channel(user: User, pk: int, right: str = "see") -> Channel:
    """Fetching is authorising. Http404 for what they may not see, PermissionDenied for what they may not do.

    `right` may also be "administer": manage, or the administrator's role. One query, or two for another right. The
    channel says in `administered` whether this person may do that.
    """
    person = getattr(user, "person", None)
    found = seen_by(person).select_related("owner").filter(pk=pk)
    channel = found.annotate(administered=_administers(person)).first() if person else None
    if channel is None:
        raise Http404("There is no such channel, or it is not yours to see.")
    if right == "administer":
        _require_administered(channel, channel.administered)
    elif right != "see":
        require(person, right, channel)
    return channel


def access_connection(user: User, pk: int) -> Connection:
    """A connection, without its secrets, for somebody who administers its channel."""
    found = Connection.objects.filter(pk=pk).defer("sealed_secrets", "sealed_webhook_secret").first()
    if found is None:
        raise Http404("There is no such connection, or it is not yours to see.")
    found.channel = access_channel(user, found.channel_id, "administer")
    return found


def access_grant(user: User, pk: int) -> AccessGrant:
    """A door of a channel that they may look at, or of their own."""
    grant = AccessGrant.objects.select_related("channel", "person", "identity").filter(pk=pk).first()
    if grant is None or not (grant.person_id == user.person.pk or may_see(user.person, grant.channel)):
        raise Http404("There is no such door, or it is not yours to see.")
    return grant


def access_matrix_view(user: User, pk: int) -> MatrixView:
    """One's own, or one that is shared, for those who may open the matrix."""
    oversight(user.person)
    found = MatrixView.objects.select_related("person").filter(Q(person=user.person) | Q(shared=True), pk=pk).first()
    if found is None:
        raise Http404("There is no such view, or it is not yours to see.")
    return found


def access_login(user: User, pk: int) -> SharedLogin:
    """A shared login that opens a channel which they may look at, or that they own."""
    return _kept(user, SharedLogin, pk)


def access_tool(user: User, pk: int) -> Tool:
    """A tool that reaches a channel which they may look at, or that they own."""
    return _kept(user, Tool, pk)


def _kept(user: User, model, pk: int):
    found = model.objects.select_related("owner").filter(pk=pk, retired_at=None).first()
    seen = found and (
        found.owner_id == user.person.pk
        or has_role(user.person, *SEES_EVERYTHING)
        or found.reaches.filter(pk__in=seen_by(user.person).values("pk")).exists()
    )
    if not seen:
        raise Http404("There is no such thing, or it is not yours to see.")
    return found


def access_channel_import(user: User, pk: int) -> ChannelImport:
    """A file of channels, for whoever brought it and is still an administrator. The verbs lock it themselves."""
    found = ChannelImport.objects.filter(role_exists(user.person, Role.ADMIN), by=user.person, pk=pk)
    if (one := found.select_related("by").first()) is None:
        raise Http404("There is no such import, or it is not yours to see.")
    return one


def access_channel_row(user: User, pk: int, number: int) -> ChannelRow:
    rows = ChannelRow.objects.filter(role_exists(user.person, Role.ADMIN), of__by=user.person, of=pk, number=number)
    if (row := rows.select_related("of__by", "channel").first()) is None:
        raise Http404("There is no such row, or it is not yours to see.")
    return row
