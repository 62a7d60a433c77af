"""What a tool sends of a post, read by the composer's own form, so that it is refused in the same words."""

from collections.abc import Iterable
from typing import Annotated, Any

from django.core.exceptions import ValidationError
from django.http import QueryDict
from pydantic import Field

from accounts.api import Id, Said
from accounts.models import Person
from publishing.forms.posts import PostForm
from publishing.models import Post, Variant

Tag = Annotated[str, Field(pattern="^[^,]+$", max_length=40)]
RevisionNumber = Annotated[
    int,
    Field(
        strict=True, ge=0, le=2**31 - 1,
        description="The one your change was made on. If it is no longer the latest, nothing is changed (409).",
    ),
]  # fmt: skip
OWN = {"text": "variant", "placement": "placement", "thread": "thread", "first_comment": "comment"}  # in the form


class VariantIn(Said):
    """What a channel has of its own. `text` null inherits the post's."""

    channel: Id
    text: str | None = None
    placement: str = ""
    thread: list[str] = Field([], description="Posts that follow, each under the one before.")
    first_comment: str = ""


class PostIn(Said):
    text: str
    title: str = Field("", description="For finding it here. It is never published.")
    why_now: str = Field("", description="One sentence for the person who approves it.")
    channels: list[Id] = Field([], max_length=500)
    variants: list[VariantIn] = Field([], max_length=500)
    campaign: Id | None = None
    tags: list[Tag] = Field([], max_length=100)


class PostEdit(PostIn):
    """Only what is sent is changed."""

    revision: RevisionNumber
    text: str = ""


def form_of(person: Person, said: PostIn, post: Post | None = None, standing: Iterable[Variant] = ()) -> PostForm:
    """The composer as it would stand with this in it. Raises ValidationError by the names a tool knows."""
    standing = list(standing)
    data = _fields(said, post, standing)
    form = PostForm(data, person=person, chosen=[v.channel for v in standing])
    errors: dict[str, list[str]] = {name: list(words) for name, words in form.errors.items()}
    if {str(v.channel) for v in said.variants} - set(data.getlist("channels")):
        errors["variants"] = ["A text was sent for a channel that this post does not go to."]
    errors |= {name: ["This network has no such part of a post."] for name in _unknown(form, said) - errors.keys()}
    if errors:
        raise ValidationError({_named(name): words for name, words in errors.items()})
    return form


def _unknown(form: PostForm, said: PostIn) -> set[str]:
    """What was sent for a channel whose network has no field for it; a network with one place needs none."""
    places = {c.pk: c.connector.placements[0].slug for c in form.offered}
    sent = {
        f"{OWN[part]}_{v.channel}": part == "placement" and places.get(v.channel) == v.placement
        for v in said.variants for part in v.model_fields_set & OWN.keys() if getattr(v, part)
    }  # fmt: skip
    return {name for name, is_its_only in sent.items() if name not in form.fields and not is_its_only}


def given(form: PostForm, said: PostIn) -> dict[str, Any]:
    """Of the form, as the verbs take it, what was sent."""
    sent = said.model_fields_set
    found = {name: form.cleaned_data[name] for name in WHOLE if name in sent}
    for name, (part, values) in _own(form).items():
        pks = [v.channel for v in said.variants if part in v.model_fields_set and v.channel in values]
        found |= {name: {pk: values[pk] for pk in pks}} if pks else {}
    return found


WHOLE = ("text", "title", "why_now", "channels", "campaign", "tags")


def _own(form: PostForm) -> dict[str, tuple[str, dict[int, Any]]]:
    """By the verbs' names: the part of a variant, and what stands there by channel id."""
    own = form.own
    parts = {"placements": "placement", "threads": "thread", "first_comments": "first_comment"}
    return {"variants": ("text", form.own_texts), **{name: (part, own[name]) for name, part in parts.items()}}


def _fields(said: PostIn, post: Post | None, standing: list[Variant]) -> QueryDict:
    """What stands, with what was sent over it, under the composer's names."""
    sent = said.model_fields_set
    whole = {"text": "", "title": "", "why_now": "", "campaign": None, "tags": []}
    if post:
        whole = {name: getattr(post, name) for name in whole if name != "campaign"} | {"campaign": post.campaign_id}
    whole |= {name: getattr(said, name) for name in whole.keys() & sent}
    data = QueryDict(mutable=True)
    data["tags"], data["campaign"] = ", ".join(whole.pop("tags")), str(whole.pop("campaign") or "")
    data.update(whole)
    ticked = said.channels if "channels" in sent else [v.channel_id for v in standing]
    data.setlist("channels", [str(pk) for pk in ticked])
    for variant in standing:
        _write_own(data, variant.channel_id, {part: getattr(variant, part) for part in OWN})
    for each in said.variants:
        _write_own(data, each.channel, {part: getattr(each, part) for part in OWN if part in each.model_fields_set})
    return data


def _write_own(data: QueryDict, channel: int, parts: dict[str, Any]) -> None:
    if str(channel) not in data.getlist("channels"):
        return
    for part, value in parts.items():
        data.setlist(f"{OWN[part]}_{channel}", value if isinstance(value, list) else [value or ""])


def _named(name: str) -> str:
    """variant_12 is variants.12.text to a tool."""
    kind, _, channel = name.partition("_")
    part = next((part for part, field in OWN.items() if field == kind), "")
    return f"variants.{channel}.{part}" if part and channel.isdecimal() else name
