"""Campaigns: the list, one campaign, writing it down; and the tags of posts."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views import View

from accounts.models import Person
from accounts.permissions import has_role
from publishing import campaigning, queries
from publishing.forms.campaigns import CampaignForm, TagForm
from publishing.models import Campaign
from publishing.models.campaign import with_rule
from publishing.permissions import LEADS, access_campaign, visible_posts
from socialops.lib.refusals import add_refusal

EXAMPLE = "https://www.example.com/offer"
PAGE = 20


class CampaignListView(View):
    """?stage= one of queries.STAGES."""

    def get(self, request: HttpRequest) -> HttpResponse:
        person, stage = request.user.person, request.GET.get("stage", "")
        stage = stage if stage in queries.STAGES else "running"
        context = {
            "rows": queries.campaign_rows(stage, visible_posts(person), person), "stage": stage,
            "stages": [(name, words) for name, (words, _) in queries.STAGES.items()],
            "may_create": campaigning.may_create(person),
        }  # fmt: skip
        return render(request, "publishing/campaign_list.html", context)


class CampaignView(View):
    """?state= narrows its posts; ?before= the cursor of the page before."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign, person = access_campaign(request.user, pk), request.user.person
        posts, state = visible_posts(person).filter(campaign=campaign), request.GET.get("state", "")
        states = queries.posts_by_state(posts)
        if state not in [name for name, *_ in states]:
            state = ""
        page, following = queries.post_page(
            posts.filter(state=state) if state else posts, request.GET.get("before", ""), PAGE
        )
        context = {
            "campaign": campaign, "posts": page, "states": states, "state": state,
            "total": sum(count for name, _, count in states if name == state or not state),
            "next": f"?state={state}&before={following}" if following else "",
            "ahead": queries.next_out(campaign, person), "example": _example(campaign.link_rule, campaign.name),
            "may_change": campaigning.may_change(person, campaign),
        }  # fmt: skip
        return render(request, "publishing/campaign_detail.html", context)


class CampaignNewView(View):
    """GET asks, and with fields in the address shows what the link rule makes of a link; POST starts it."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if not campaigning.may_create(request.user.person):
            raise PermissionDenied("Only somebody who may write posts, a social lead or an administrator may do this.")
        return _page(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = CampaignForm(request.POST, person=request.user.person)
        if form.is_valid():
            try:
                campaign = campaigning.create(request.user.person, **form.given())
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, "The campaign is there. Posts can belong to it now.")
                return redirect("campaign", campaign.pk)
        return _page(request, form=form, status=422)


class CampaignChangeView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _page(request, _own(request, pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = _own(request, pk)
        form = CampaignForm(request.POST, campaign=campaign, person=request.user.person)
        if form.is_valid():
            try:
                campaigning.change(campaign, request.user.person, **form.given())
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, "Saved.")
                return redirect("campaign", pk)
        return _page(request, campaign, form, status=422)


class CampaignShelfView(View):
    """POST puts it away, or takes it up again. urls.py names which."""

    archived = True

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        verb: Callable[[Campaign, Person], Campaign] = campaigning.archive if self.archived else campaigning.restore
        try:
            campaign = verb(access_campaign(request.user, pk), request.user.person)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("campaign", pk)
        if self.archived:
            undo = f"undo:{reverse('campaign_restoring', args=[pk])}"
            messages.success(request, f"{campaign} is put away.", extra_tags=undo)
        else:
            messages.success(request, f"{campaign} runs again.")
        return redirect("campaign", pk)


class TagListView(View):
    """GET lists the tags in use; POST renames one everywhere, or merges it into another."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return _tags(request, TagForm(initial={"tag": request.GET.get("tag", "")[:40]}))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = TagForm(request.POST)
        if form.is_valid():
            said = form.cleaned_data
            try:
                count = campaigning.rename_tag(request.user.person, said["tag"], said["to"])
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, f"Renamed on {count} post{'s' * (count != 1)}.")
                return redirect("tag_list")
        return _tags(request, form, status=422)


def _own(request: HttpRequest, pk: int) -> Campaign:
    campaign = access_campaign(request.user, pk)
    if not campaigning.may_change(request.user.person, campaign):
        raise PermissionDenied(f"{campaign.owner} or a social lead may change this campaign.")
    return campaign


def _page(
    request: HttpRequest, campaign: Campaign | None = None, form: CampaignForm | None = None, status: int = 200
) -> HttpResponse:
    if form is None:
        typed = request.GET if "name" in request.GET else None
        form = CampaignForm(typed, campaign=campaign, person=request.user.person)
        if typed is not None:
            form.is_valid()
    name = (form.cleaned_data.get("name") if form.is_bound else "") or (campaign.name if campaign else "Spring sale")
    context = {"form": form, "campaign": campaign, "example": _example(form.link_rule, name)}
    return render(request, "publishing/campaign_form.html", context, status=status)


def _example(rule: dict[str, str], name: str) -> str:
    return with_rule(EXAMPLE, rule, network="network", channel="channel", campaign=name)


def _tags(request: HttpRequest, form: TagForm, status: int = 200) -> HttpResponse:
    person = request.user.person
    context = {
        "tags": queries.tags_in_use(visible_posts(person)), "form": form,
        "chosen": form["tag"].value() or "", "may_rename": has_role(person, *LEADS),
    }  # fmt: skip
    return render(request, "publishing/tag_list.html", context, status=status)
