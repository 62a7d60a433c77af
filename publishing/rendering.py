"""The files that are cut from an asset: one for each format, and smaller ones for networks that take no more."""

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.audit import record, register
from accounts.models import Person
from channels_registry.connector.types import MediaLimits
from publishing.models import Asset, Rendition
from publishing.storing import keep, require_draft
from socialops.lib import pictures
from socialops.lib.pictures import Unfit

register("asset.cropped", "chose another part of a picture")

RATIOS = {"1:1": 1.0, "4:5": 0.8, "9:16": 9 / 16, "16:9": 16 / 9}
FORMATS = ("original", *RATIOS)
SLACK = 1.001  # for what is lost by rounding
Box = tuple[float, float, float, float]


def latest(asset: Asset, format: str) -> Rendition:
    """The file of this format as it was cut last; cut from the middle where nobody has said what to keep."""
    if format not in FORMATS:
        raise ValidationError({"format": "Choose one of the formats."})
    made = asset.renditions.filter(format=format, limit_bytes=None).order_by("-pk").first()
    return made or cut(asset, format, middle(asset, RATIOS[format]))


def cut(asset: Asset, format: str, box: Box) -> Rendition:
    """A new file with the part of the original inside the box. ValidationError for what moves: it is not cut."""
    if asset.kind != Asset.Kind.IMAGE:
        raise ValidationError({"format": "Only pictures that stand still can be cut."})
    try:
        return keep(asset, format, pictures.cut(asset.file.read(), box), box)
    except Unfit as error:
        raise ValidationError({"format": str(error)}) from error


@transaction.atomic
def crop(asset: Asset, format: str, by: Person, *, x: float, y: float, width: float) -> Rendition:
    """Keep another part in this format from now on; the height follows from the ratio. All are fractions.

    Posts go on showing what they show: their file is the one that was approved.
    """
    require_draft(by)
    asset = Asset.objects.select_for_update().get(pk=asset.pk)
    if format not in RATIOS:
        raise ValidationError({"format": "Choose one of the formats."})
    height = width * asset.width / asset.height / RATIOS[format]
    if not (width >= 0.02 and x >= 0 and y >= 0 and x + width <= SLACK and y + height <= SLACK):
        raise ValidationError({"width": "This part reaches beyond the picture. Move it, or make it smaller."})
    made = cut(asset, format, (x, y, min(width, 1 - x), min(height, 1 - y)))
    record(by, "asset.cropped", asset, format=format, x=x, y=y, width=width)
    return made


def fitting(rendition: Rendition, limits: MediaLimits) -> Rendition | None:
    """The same picture in a file that a network with these limits takes; None where it takes nothing of the kind."""
    most = limits.bytes.get(rendition.mime)
    small = not limits.pixels or rendition.width * rendition.height <= limits.pixels
    if most and rendition.bytes <= most and small:
        return rendition
    if rendition.asset.kind != Asset.Kind.IMAGE or "image/jpeg" not in limits.bytes:
        return None
    return _smaller(
        rendition, min(limits.bytes["image/jpeg"], limits.bytes.get("image/webp", limits.bytes["image/jpeg"]))
    )


def middle(asset: Asset, ratio: float) -> Box:
    """The largest part of this ratio (width to height) around the middle."""
    wide = asset.width / asset.height / ratio
    width, height = (1 / wide, 1.0) if wide > 1 else (1.0, wide)
    return ((1 - width) / 2, (1 - height) / 2, width, height)


def box_of(rendition: Rendition) -> Box:
    return (rendition.crop_x, rendition.crop_y, rendition.crop_w, rendition.crop_h)


def _smaller(rendition: Rendition, limit: int) -> Rendition:
    box = box_of(rendition)
    x, y, w, h = box
    same = rendition.asset.renditions.filter(crop_x=x, crop_y=y, crop_w=w, crop_h=h, limit_bytes=limit)
    if known := same.filter(format=rendition.format).first():
        return known
    try:
        made = pictures.cut(rendition.asset.file.read(), box, limit=limit)
    except Unfit as error:
        raise ValidationError(str(error)) from error
    return keep(rendition.asset, rendition.format, made, box, limit=limit)
