"""What webhooks may say of channels and of who has access to them, and whom they may say it to."""

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q

from accounts import calling
from accounts.announcing import PLACES, Subject, declare
from accounts.models import RoleAssignment
from channels_registry.models import (
    AccessGrant,
    Channel,
    ChannelProposal,
    Connection,
    Finding,
    MatrixView,
    Retirement,
    Revocation,
    SharedLogin,
    Tool,
)
from channels_registry.permissions import SEES_EVERYTHING, rights_rows, seen_by
from socialops.lib.delivery.lane import Refusal

declare(
    "channels",
    "Channels and access",
    (
        "channel",
        "connection",
        "access",
        "door",
        "identity",
        "revocation",
        "matrix_view",
        "shared_login",
        "tool",
        "finding",
        "channels",
        "channel_import",
        "proposal",
        "retirement",
        "impostor",
    ),
    [
        Subject(Channel, "pk"),
        Subject(Connection, "channel"),
        Subject(AccessGrant, "channel", ""),
        Subject(Revocation, "grant__channel", ""),
        Subject(MatrixView, label=""),
        Subject(SharedLogin, "reaches", ""),
        Subject(Tool, "reaches", ""),
        Subject(Finding, "channel", ""),
        Subject(ChannelProposal, "channel", ""),
        Subject(Retirement, "channel", ""),
    ],
)


def _unseen() -> Refusal:
    """The same as seen_by, for the rows of the lane: asked again in the statement that claims them."""
    person = OuterRef("endpoint__answerable")
    roles = RoleAssignment.objects.filter(person=person, role__in=SEES_EVERYTHING, ended_at=None)
    seen = rights_rows("see").filter(user__person=person).order_by().values("content_object")
    sees = Q(channels=[]) | Q(Exists(roles)) | Q(channels__contained_by=ArraySubquery(seen))
    return Refusal("blocked", calling.UNSEEN, ~sees)


PLACES.seen_by = seen_by
calling.REFUSALS.append(_unseen())
