"""Channels, for people's own tools: read only. Who may do what there is given on pages."""

from datetime import date, datetime
from enum import StrEnum

import ninja
from django.http import HttpRequest

from accounts.api import LARGEST, Limit, Page, Router
from accounts.models import Scope
from channels_registry.models import Channel
from channels_registry.permissions import access_channel, channels_with, seen_by
from channels_registry.queries.lifecycle import proposal_for, proposals_of

router = Router(tags=["Channels"])


class Right(StrEnum):
    DRAFT = "draft"
    APPROVE = "approve"
    PUBLISH = "publish"
    ANSWER = "answer"
    MANAGE = "manage"


class ChannelRef(ninja.Schema):
    id: int
    network: str
    name: str
    handle: str


class ChannelOut(ChannelRef):
    url: str
    state: str
    risk_tier: str
    language: str
    time_zone: str
    purpose: str
    kind: str
    brand: str
    region: str
    legal_entity: str
    regulated: bool
    crisis_voice: bool
    runs_ads: bool
    audience_size: int | None
    verification: str
    verified_since: date | None
    owner_id: int
    backup_owner_id: int | None
    review_due: date
    closing_procedure: str


class ProposalOut(ninja.Schema):
    id: int
    channel: ChannelRef
    state: str
    why: str
    audience: str
    proposed_by_id: int
    at: datetime
    decided_by_id: int | None
    note: str


@router.reads("channels", Scope.CHANNELS_READ, Page[ChannelOut], "api_channels")
def channels(
    request: HttpRequest, right: Right | None = None, cursor: int = ninja.Query(0, ge=0, le=LARGEST), limit: Limit = 50
) -> Page[ChannelOut]:
    """Those that you may see, or on which you have a right."""
    person = request.user.person
    found = seen_by(person).exclude(state=Channel.State.ARCHIVED).filter(pk__gt=cursor)
    found = found.filter(pk__in=channels_with(person, right).values("pk")) if right else found
    rows = list(found.order_by("pk")[: limit + 1])
    after = str(rows[limit - 1].pk) if len(rows) > limit else None
    return Page(items=[ChannelOut.from_orm(each) for each in rows[:limit]], next=after)


@router.reads("channels/{int:pk}", Scope.CHANNELS_READ, ChannelOut, "api_channel")
def channel(request: HttpRequest, pk: int) -> ChannelOut:
    """One channel."""
    return ChannelOut.from_orm(access_channel(request.user, pk))


@router.reads("channel-proposals", Scope.CHANNELS_READ, Page[ProposalOut], "api_channel_proposals")
def proposals(
    request: HttpRequest, cursor: int = ninja.Query(0, ge=0, le=LARGEST), limit: Limit = 50
) -> Page[ProposalOut]:
    """Proposed channels that you may see, the oldest first. They are decided on on pages."""
    rows = list(proposals_of(request.user.person).filter(pk__gt=cursor).order_by("pk")[: limit + 1])
    after = str(rows[limit - 1].pk) if len(rows) > limit else None
    return Page(items=[ProposalOut.from_orm(each) for each in rows[:limit]], next=after)


@router.reads("channel-proposals/{int:pk}", Scope.CHANNELS_READ, ProposalOut, "api_channel_proposal")
def proposal(request: HttpRequest, pk: int) -> ProposalOut:
    """One proposed channel."""
    return ProposalOut.from_orm(proposal_for(request.user, pk))
