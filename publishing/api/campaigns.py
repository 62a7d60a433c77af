"""Campaigns: read only."""

from datetime import date

import ninja
from django.http import HttpRequest

from accounts.api import LARGEST, Limit, Page, Router, Somebody
from accounts.models import Scope
from publishing.models import Campaign
from publishing.permissions import access_campaign, visible_campaigns

router = Router(tags=["Campaigns"])


class CampaignOut(ninja.Schema):
    id: int
    name: str
    goal: str
    audience: str
    starts_on: date | None
    ends_on: date | None
    owner: Somebody
    archived: bool

    @staticmethod
    def resolve_archived(campaign: Campaign) -> bool:
        return campaign.archived_at is not None


@router.reads("campaigns", Scope.POSTS_READ, Page[CampaignOut], "api_campaigns")
def campaigns(
    request: HttpRequest, archived: bool = False, cursor: int = ninja.Query(0, ge=0, le=LARGEST), limit: Limit = 50
) -> Page[CampaignOut]:
    """Those that are running, or those that were put away."""
    found = visible_campaigns(request.user.person).filter(archived_at__isnull=not archived, pk__gt=cursor)
    rows = list(found.select_related("owner").order_by("pk")[: limit + 1])
    after = str(rows[limit - 1].pk) if len(rows) > limit else None
    return Page(items=[CampaignOut.from_orm(each) for each in rows[:limit]], next=after)


@router.reads("campaigns/{int:pk}", Scope.POSTS_READ, CampaignOut, "api_campaign")
def campaign(request: HttpRequest, pk: int) -> CampaignOut:
    """One campaign."""
    return CampaignOut.from_orm(access_campaign(request.user, pk))
