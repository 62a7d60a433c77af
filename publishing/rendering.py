"""The files that are cut from an asset: one for each format, and smaller ones for networks that take no more."""

from django.core.exceptions import ValidationError

from channels_registry.connector.types import MediaLimits
from publishing.models import Asset, Rendition
from publishing.storing import keep
from socialops.lib import pictures
from socialops.lib.pictures import Unfit

RATIOS = {"1:1": 1.0, "4:5": 0.8, "9:16": 9 / 16, "16:9": 16 / 9}
FORMATS = ("original", *RATIOS)
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


def _smaller(rendition: Rendition, limit: int) -> Rendition:
    box = (rendition.crop_x, rendition.crop_y, rendition.crop_w, rendition.crop_h)
    x, y, w, h = box
    same = rendition.asset.renditions.filter(crop_x=x, crop_y=y, crop_w=w, crop_h=h, limit_bytes=limit)
    if known := same.filter(format=rendition.format).first():
        return known
    try:
        made = pictures.cut(rendition.asset.file.read(), box, limit=limit)
    except Unfit as error:
        raise ValidationError(str(error)) from error
    return keep(rendition.asset, rendition.format, made, box, limit=limit)
