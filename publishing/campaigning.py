"""What posts are for: campaigns, and the tags they are found by."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F, Func, Value
from django.db.models.functions import Now

from accounts.audit import record, record_many, register
from accounts.models import Person
from accounts.permissions import has_role, is_present, require_role
from channels_registry import permissions as channel_permissions
from publishing.models import Campaign, Hold, Post
from publishing.models.campaign import problems_of_rule
from publishing.permissions import LEADS

FIELDS = ("name", "goal", "audience", "starts_on", "ends_on", "budget_code", "link_rule", "owner")
LONGEST_TAG = 40

register("campaign.created", "started a campaign")
register("campaign.changed", "changed a campaign")
register("campaign.archived", "put a campaign away")
register("campaign.restored", "took a campaign up again")
register("post.tag_renamed", "renamed a tag of a post")


@transaction.atomic
def create(by: Person, name: str, **fields: Any) -> Campaign:
    """A campaign that `by` owns. `fields`: those of FIELDS."""
    if not may_create(by):
        raise PermissionDenied(
            "Only a social lead, an administrator or somebody who may write posts starts a campaign."
        )
    campaign = Campaign(owner=by)
    _set(campaign, {"name": name, **fields})
    _save(campaign)
    record(by, "campaign.created", campaign)
    return campaign


@transaction.atomic
def change(campaign: Campaign, by: Person, **fields: Any) -> Campaign:
    """What is given; the rest stays. Links of posts that are approved stay as they were approved."""
    campaign = _locked(campaign, by)
    before = {name: getattr(campaign, name) for name in FIELDS}
    _set(campaign, fields)
    changed = [name for name in FIELDS if getattr(campaign, name) != before[name]]
    if changed:
        _save(campaign)
        record(by, "campaign.changed", campaign, changed=changed)
    return campaign


@transaction.atomic
def archive(campaign: Campaign, by: Person) -> Campaign:
    """It is offered no more. Its posts stay, and go out as they are planned."""
    campaign = _locked(campaign, by)
    if campaign.archived_at:
        raise ValidationError("It is put away already.")
    Campaign.objects.filter(pk=campaign.pk).update(archived_at=Now())
    record(by, "campaign.archived", campaign)
    campaign.refresh_from_db()
    return campaign


@transaction.atomic
def restore(campaign: Campaign, by: Person) -> Campaign:
    campaign = _locked(campaign, by)
    if not campaign.archived_at:
        raise ValidationError("It is not put away.")
    campaign.archived_at = None
    _save(campaign)
    record(by, "campaign.restored", campaign)
    return campaign


@transaction.atomic
def rename_tag(by: Person, tag: str, to: str) -> int:
    """On every post that has it. A name that is in use already takes it over: the two become one. How many posts."""
    require_role(by, *LEADS)
    tag, to = tag.strip().lower(), " ".join(to.split()).lower().lstrip("#")
    if not to or len(to) > LONGEST_TAG or "," in to:
        raise ValidationError({"to": f"Write a tag of up to {LONGEST_TAG} characters, without a comma."})
    posts = list(Post.objects.select_for_update().filter(tags__contains=[tag]).order_by("pk"))
    if not posts:
        raise ValidationError({"tag": f"No post has the tag “{tag}”."})
    if to == tag:
        raise ValidationError({"to": "It is called that already."})
    if Hold.objects.standing().filter(tag=tag).exists():
        raise ValidationError({"tag": f"What is tagged “{tag}” is held. Lift that hold first."})
    pks = [post.pk for post in posts]
    having, rest = Post.objects.filter(pk__in=pks), {post.pk for post in posts if to in post.tags}
    having.filter(pk__in=rest).update(tags=Func(F("tags"), Value(tag), function="array_remove"))
    having.exclude(pk__in=rest).update(tags=Func(F("tags"), Value(tag), Value(to), function="array_replace"))
    record_many([(by, "post.tag_renamed", post, {"was": tag, "now": to}) for post in posts])
    return len(posts)


def may_create(person: Person) -> bool:
    return has_role(person, *LEADS) or channel_permissions.channels_with(person, "draft").exists()


def may_change(person: Person, campaign: Campaign) -> bool:
    return has_role(person, *LEADS) or (campaign.owner_id == person.pk and is_present(person))


def _locked(campaign: Campaign, by: Person) -> Campaign:
    campaign = Campaign.objects.select_for_update(of=("self",)).select_related("owner").get(pk=campaign.pk)
    if not may_change(by, campaign):
        raise PermissionDenied(f"{campaign.owner} or a social lead may change this campaign.")
    return campaign


def _set(campaign: Campaign, fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        if name not in FIELDS:
            raise TypeError(f"a campaign has no {name} to set")
        setattr(campaign, name, value.strip() if isinstance(value, str) else value)
    if not campaign.name:
        raise ValidationError({"name": "Give it a name."})
    if campaign.starts_on and campaign.ends_on and campaign.ends_on < campaign.starts_on:
        raise ValidationError({"ends_on": "It ends before it starts. Choose a later day."})
    if not is_present(campaign.owner):
        raise ValidationError({"owner": f"{campaign.owner} has left. Choose somebody who works here."})
    if wrong := problems_of_rule(campaign.link_rule):
        raise ValidationError({"link_rule": list(wrong.values())})


def _save(campaign: Campaign) -> None:
    try:
        with transaction.atomic():
            campaign.save()
    except IntegrityError as error:
        words = f"Another campaign is called “{campaign.name}”. Choose another name."
        raise ValidationError({"name": words}) from error
