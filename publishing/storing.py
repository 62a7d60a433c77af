"""Bringing pictures into the library, and what is said about them there: words, rights, folders.

Whoever may write on some channel may do all of this; the library is the whole company's.
"""

import hashlib
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, BinaryIO, cast

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.base import ContentFile, File
from django.db import transaction
from django.db.models import CharField
from django.db.models.functions import Now
from django.urls import reverse

from accounts import notifying
from accounts.audit import record, record_many, register
from accounts.models import Person
from publishing import queries
from publishing.models import Asset, Publication, PublicationAttempt, Rendition
from publishing.permissions import may_draft_somewhere
from publishing.scheduling import WAITING
from socialops.lib import pictures, videos
from socialops.lib.delivery.late import accepted_late
from socialops.lib.pictures import Picture, Unfit
from socialops.lib.videos import Video

register("asset.uploaded", "brought a picture into the library")
register("asset.described", "changed what is said of a picture")
register("asset.archived", "archived a picture")
register("asset.brought_back", "brought a picture back into the library")

LONGEST = {"alt_text": 2000}  # characters; the others as the table keeps them
WORDS = ("title", "folder", "alt_text", "licence", "credit", "release", "release_note", "territory")


@transaction.atomic
def upload(by: Person, file: File, **about: Any) -> Asset:
    """A file into the library, clean of what a camera wrote into it. `about` is what `describe` takes.

    What it is, is what its bytes say. ValidationError({"file": ...}) for what is no picture, too large or broken.
    """
    require_draft(by)
    try:
        made, small = _clean(cast(BinaryIO, file))
    except Unfit as error:
        raise ValidationError({"file": str(error)}) from error
    codec = made.codec if isinstance(made, Video) else ""
    kind = "video" if codec else "gif" if made.seconds else "image"
    asset = Asset(uploaded_by=by, kind=kind, seconds=made.seconds or None, codec=codec)
    _measure(asset, made)
    _refuse_known(asset)
    _say(asset, {**about, "title": about.get("title") or _title_of(file.name or "")})
    asset.file.save("", ContentFile(made.content), save=False)
    asset.save()
    keep(asset, "original", made, name=asset.file.name or "")
    keep(asset, "thumb", small)
    record(by, "asset.uploaded", asset, sha256=asset.sha256, bytes=asset.bytes, kind=asset.kind)
    return asset


@transaction.atomic
def describe(asset: Asset, by: Person, **about: Any) -> Asset:
    """Say something else about it: any of WORDS, `tags` (an iterable), `expires_at` (aware, or None: does not end).

    What is scheduled for later than its rights now reach goes back, and whoever answers for it is told.
    """
    require_draft(by)
    asset = Asset.objects.select_for_update().get(pk=asset.pk)
    before = {name: getattr(asset, name) for name in about}
    _say(asset, about)
    changed = [name for name, was in before.items() if getattr(asset, name) != was]
    if changed:
        asset.save(update_fields=changed)
        record(by, "asset.described", asset, changed=changed)
    if "expires_at" in changed:
        _take_back(asset, by)
    return asset


@transaction.atomic
def archive(asset: Asset, by: Person) -> Asset:
    """It is not offered any more. Posts that show it keep it."""
    return _archived(asset, by, True, "asset.archived")


@transaction.atomic
def bring_back(asset: Asset, by: Person) -> Asset:
    return _archived(asset, by, False, "asset.brought_back")


def require_draft(by: Person) -> None:
    if not may_draft_somewhere(by):
        raise PermissionDenied("Only people who may write on a channel work with the library. Ask who manages one.")


def keep(
    asset: Asset, format: str, made: Picture, box: tuple[float, float, float, float] = (0, 0, 1, 1), *,
    limit: int | None = None, name: str = "",
) -> Rendition:  # fmt: skip
    """The rendition's row and its file; with a `name`, of a file that is kept already."""
    x, y, w, h = box
    rendition = Rendition(
        asset=asset, format=format, crop_x=x, crop_y=y, crop_w=w, crop_h=h, limit_bytes=limit, file=name
    )
    _measure(rendition, made)
    if not name:
        rendition.file.save("", ContentFile(made.content), save=False)
    rendition.save()
    return rendition


def _take_back(asset: Asset, by: Person) -> None:
    late = queries.too_late_for(asset).select_for_update(of=("self",)).select_related("answerable", "variant")
    returned = list(late.exclude(accepted_late(PublicationAttempt)).order_by("id"))
    ends = f"The rights to “{asset.title}” end before its time."
    # A row that a worker claimed meanwhile is not matched again: it is on its way.
    rows = Publication.objects.filter(pk__in=[p.pk for p in returned], state__in=WAITING)
    rows.update(state="cancelled", reason=f"{ends} Give it an earlier one, or change the post.")
    record_many([(by, "publication.returned", p, {"was": p.state, "asset": asset.pk}) for p in returned])
    for each in returned:
        words, url = f"“{str(each)[:80]}” does not go out. {ends}"[:300], reverse("post", args=[each.variant.post_id])
        notifying.notify(each.answerable, "publication.returned", words, url, mail=True)


def _archived(asset: Asset, by: Person, gone: bool, action: str) -> Asset:
    require_draft(by)
    asset = Asset.objects.select_for_update().get(pk=asset.pk)
    if bool(asset.archived_at) != gone:
        asset.archived_at = Now() if gone else None
        asset.save(update_fields=["archived_at"])
        asset.refresh_from_db(fields=["archived_at"])
        record(by, action, asset)
    return asset


def _clean(file: BinaryIO) -> tuple[Picture, Picture]:
    """(the file made clean, a small picture of it), by what its bytes are."""
    head = file.read(16)
    file.seek(0)
    if videos.format_of(head):
        video = videos.clean(file)
        return video, cast(Picture, video.small)
    made = pictures.clean(file)
    return made, pictures.thumbnail(made.content)


def _measure(row: Asset | Rendition, made: Picture) -> None:
    row.mime, row.width, row.height = made.mime, made.width, made.height
    row.bytes, row.sha256 = len(made.content), hashlib.sha256(made.content).hexdigest()


def _refuse_known(asset: Asset) -> None:
    known = Asset.objects.filter(sha256=asset.sha256, archived_at=None).first()
    if known:
        raise ValidationError({"file": f"This file is in the library already: “{known.title}”."})


def _say(asset: Asset, about: Mapping[str, Any]) -> None:
    for name, said in about.items():
        if name in WORDS:
            setattr(asset, name, _words(name, str(said)))
        elif name == "tags":
            asset.tags = _tags(said)
        elif name == "expires_at":
            asset.expires_at = _moment(said)
        else:
            raise TypeError(f"nothing is called {name!r} here")
    if not asset.title:
        raise ValidationError({"title": "Give it a title, to find it by."})
    if asset.release not in Asset.Release.values:
        raise ValidationError({"release": "Choose whether the people in it have agreed."})


def _words(name: str, said: str) -> str:
    said = said.replace("\r\n", "\n").strip() if name == "alt_text" else " ".join(said.split())
    if name == "folder":
        said = "/".join(part for each in said.split("/") if (part := each.strip()))
    longest = LONGEST.get(name, 0) or cast(CharField, Asset._meta.get_field(name)).max_length or 0
    if len(said) > longest:
        raise ValidationError({name: f"This is {len(said)} characters long, {longest} are kept at most."})
    return said


def _tags(said: Any) -> list[str]:
    tags = sorted({" ".join(str(each).lower().split()) for each in said} - {""})
    if any(len(tag) > 40 for tag in tags) or len(tags) > 20:
        raise ValidationError({"tags": "At most 20 tags, of at most 40 characters each."})
    return tags


def _moment(said: Any) -> datetime | None:
    if said is not None and (not isinstance(said, datetime) or said.tzinfo is None):
        raise ValidationError({"expires_at": "Write the day and the time at which the rights end."})
    return said


def _title_of(name: str) -> str:
    """A title from the name of the file, which is only words: "IMG_2031 (2).jpg" is "IMG 2031 (2)"."""
    stem = name.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return " ".join(stem.replace("_", " ").split())[:140] or f"Picture {uuid.uuid4().hex[:6]}"
