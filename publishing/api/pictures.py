"""The library, and its pictures on posts."""

from datetime import datetime
from typing import Annotated

import ninja
from django.http import HttpRequest
from pydantic import Field

from accounts.api import Id, Limit, OneOf, Page, Router, Said
from accounts.models import Scope
from publishing import attaching, drafting, queries
from publishing.api.composing import RevisionNumber
from publishing.api.posts import Conflict, PostOut, moved, whole
from publishing.models import Asset, Rendition
from publishing.permissions import access_asset, access_post, visible_assets

router = Router(tags=["Pictures"])
Kind = Annotated[str, OneOf(Asset.Kind.values)]
Format = Annotated[str, OneOf([each for each in Rendition.Format.values if each != Rendition.Format.THUMBNAIL])]


class AssetOut(ninja.Schema):
    id: int
    title: str
    kind: Kind
    folder: str
    tags: list[str]
    alt_text: str
    mime: str
    bytes: int
    width: int
    height: int
    seconds: float | None
    credit: str
    licence: str
    release: str
    territory: str
    expires_at: datetime | None = Field(description="When the rights end. Nothing shows it from then on.")
    rights_ended: bool
    archived_at: datetime | None


class PictureIn(Said):
    """Again for one that stands there already, it gives it this format and this text."""

    asset: Id
    revision: RevisionNumber
    alt: str | None = Field(None, description="By default the library's.")
    format: Format = "original"
    channels: list[Id] | None = Field(None, max_length=500, description="By default all that take it.")


class PictureRemovalIn(Said):
    asset: Id
    revision: RevisionNumber
    channels: list[Id] | None = Field(None, max_length=500, description="By default all that show it.")


@router.reads("assets", Scope.POSTS_READ, Page[AssetOut], "api_assets")
def assets(
    request: HttpRequest, q: str = "", folder: str = "", tag: str = "", kind: Kind | None = None, cursor: str = "",
    limit: Limit = 50,
) -> Page[AssetOut]:  # fmt: skip
    """What is in the library for you, the newest first; `q` are words of its title, alt text, credit or tags."""
    asked = {"q": q, "folder": folder, "tag": tag, "kind": kind or "", "before": cursor}
    rows, following, _ = queries.asset_page(visible_assets(request.user.person), asked, limit)
    return Page(items=[AssetOut.from_orm(each) for each in rows], next=following or None)


@router.reads("assets/{int:pk}", Scope.POSTS_READ, AssetOut, "api_asset")
def asset(request: HttpRequest, pk: int) -> AssetOut:
    """What is known of one picture or video."""
    return AssetOut.from_orm(access_asset(request.user, pk))


@router.does("posts/{int:pk}/pictures", Scope.POSTS_WRITE, PostOut, "api_pictures", status=201, conflict=Conflict)
def attach_picture(request: HttpRequest, pk: int, said: PictureIn) -> PostOut:
    """Show it, as the last one, made to fit each network. Agreements to the pictures end."""
    post, picture, person = access_post(request.user, pk), access_asset(request.user, said.asset), request.user.person
    try:
        attaching.attach(
            post, picture, person, expected_revision=said.revision, format=said.format, alt=said.alt,
            channels=said.channels,
        )  # fmt: skip
    except drafting.Conflict as conflict:
        raise moved(conflict.theirs, said.revision, said) from conflict
    return whole(access_post(request.user, pk))


@router.does("posts/{int:pk}/pictures/removal", Scope.POSTS_WRITE, PostOut, "api_picture_removal", conflict=Conflict)
def remove_picture(request: HttpRequest, pk: int, said: PictureRemovalIn) -> PostOut:
    """Show it no more. It stays in the library."""
    post, person = access_post(request.user, pk), request.user.person
    try:
        attaching.detach(post, said.asset, person, expected_revision=said.revision, channels=said.channels)
    except drafting.Conflict as conflict:
        raise moved(conflict.theirs, said.revision, said) from conflict
    return whole(access_post(request.user, pk))
