"""Pictures: what a file is by its bytes, made clean, cut, and made small enough. By Pillow.

What a file declares of its size is read before anything of it is decoded. A name or a Content-Type is never asked.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.JpegImagePlugin import get_sampling

MOST_BYTES = 30_000_000
MOST_PIXELS = 50_000_000
MOST_FRAMES = 1000
KINDS = {  # how a file of this format begins
    "JPEG": b"\xff\xd8\xff", "PNG": b"\x89PNG\r\n\x1a\n", "GIF": b"GIF8", "WEBP": b"RIFF",
}  # fmt: skip
THUMB = 640  # pixels of the longer side
STEPS = ((1.0, 88), (1.0, 78), (0.8, 82), (0.65, 80), (0.5, 80), (0.35, 75), (0.2, 70))  # (side, quality), in turn
Image.MAX_IMAGE_PIXELS = MOST_PIXELS


class Unfit(ValueError):
    """Words for whoever handed the file in: what is wrong with it, and what to do."""


@dataclass(frozen=True)
class Picture:
    """A clean file. `seconds` of an animation, 0 for one that stands still."""

    content: bytes
    mime: str
    width: int
    height: int
    seconds: float = 0.0


def format_of(head: bytes) -> str:
    """ "JPEG", "PNG", "GIF", "WEBP", or "" for anything else."""
    found = next((name for name, start in KINDS.items() if head.startswith(start)), "")
    return "" if found == "WEBP" and head[8:12] != b"WEBP" else found


def clean(file: BinaryIO) -> Picture:
    """The picture without what a camera or a program wrote into it (place, names, comments), turned upright.

    Raises Unfit.
    """
    content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise Unfit(f"The picture is larger than {MOST_BYTES // 1_000_000} MB. Save it smaller.")
    kind = format_of(content[:16])
    if kind == "GIF":
        return _clean_gif(content)
    return _clean_still(_opened(content, kind))


def cut(content: bytes, box: tuple[float, float, float, float], limit: int | None = None) -> Picture:
    """The part of a clean picture inside the box (x, y, width, height as fractions), in at most `limit` bytes."""
    with _decoded(content) as image:
        x, y, w, h = box
        left, top = round(x * image.width), round(y * image.height)
        edges = (left, top, left + round(w * image.width), top + round(h * image.height))
        part = image if edges == (0, 0, *image.size) else image.crop(edges)
        if min(part.size) < 1:
            raise Unfit("Nothing of the picture is left. Choose a larger part.")
        whole = _saved(part, image.format or "PNG")
        return whole if limit is None or len(whole.content) <= limit else _fitted(part, limit)


def thumbnail(content: bytes) -> Picture:
    """Small, for lists; the first frame of an animation."""
    with _decoded(content) as image:
        return encoded_small(image)


def encoded_small(image: Image.Image) -> Picture:
    flat = _plain(image)
    flat.thumbnail((THUMB, THUMB))
    return _saved(flat, "WEBP" if "A" in flat.getbands() else "JPEG", quality=82)


def _opened(content: bytes, kind: str) -> Image.Image:
    """Its head is read, its pixels are not."""
    if not kind:
        raise Unfit(
            "This is not a picture or a video. JPEG, PNG, WebP, GIF, MP4, MOV and WebM are taken; a name says nothing."
        )
    try:
        image = Image.open(BytesIO(content), formats=[kind])
    except Image.DecompressionBombError as error:
        raise _too_large() from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        raise Unfit(_BROKEN) from error
    if image.width * image.height > MOST_PIXELS:
        raise _too_large(image)
    if kind in ("PNG", "WEBP") and getattr(image, "n_frames", 1) > 1:
        raise Unfit("This picture moves. Save it as a GIF or as a video; those are taken.")
    return image


def _decoded(content: bytes) -> Image.Image:
    image = _opened(content, format_of(content[:16]))
    try:
        image.load()
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError) as error:
        raise Unfit(_BROKEN) from error
    return image


_BROKEN = "The file is broken: it cannot be read to its end. Save it anew and hand that in."


def _too_large(image: Image.Image | None = None) -> Unfit:
    size = f" It says that it is {image.width:,} × {image.height:,}." if image else ""
    return Unfit(f"The picture has more than {MOST_PIXELS // 1_000_000} million pixels.{size} Save it smaller.")


def _clean_still(image: Image.Image) -> Picture:
    kind = image.format if image.format in KINDS else "JPEG"  # a phone's MPO is a JPEG with more behind it
    try:
        image.load()
        options = _as_it_was(image)
        upright = ImageOps.exif_transpose(image)
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError) as error:
        raise Unfit(_BROKEN) from error
    return _saved(upright, kind, **options)


def _as_it_was(image: Image.Image) -> dict[str, Any]:
    """How to write it again with nothing lost that can be seen."""
    if image.format in ("JPEG", "MPO"):
        tables = getattr(image, "quantization", None)
        sampling = get_sampling(image)
        return {"qtables": tables, "subsampling": sampling if sampling >= 0 else 0} if tables else {"quality": 92}
    if image.format == "WEBP":
        return {"quality": 92}
    return {}


def _saved(image: Image.Image, kind: str, **options: Any) -> Picture:
    """Written anew from its pixels, its colour profile and nothing else."""
    profile = image.info.get("icc_profile")
    transparency = image.info.get("transparency") if kind == "PNG" else None
    bare = image.copy() if kind == "PNG" else _plain(image)
    if bare.mode != image.mode and image.mode == "CMYK":
        profile = None
    if kind == "JPEG" and bare.mode != "L":
        bare = bare.convert("RGB")
    bare.info = {"transparency": transparency} if transparency is not None else {}
    into = BytesIO()
    bare.save(into, kind, icc_profile=profile, **({"quality": 92} if kind != "PNG" and not options else options))
    return Picture(into.getvalue(), f"image/{kind.lower()}", bare.width, bare.height)


def _plain(image: Image.Image) -> Image.Image:
    """In the colours that every format knows."""
    if image.mode in ("RGB", "RGBA", "L"):
        return image.copy()
    return image.convert("RGBA" if "transparency" in image.info or image.mode in ("LA", "PA", "RGBa") else "RGB")


def _fitted(image: Image.Image, limit: int) -> Picture:
    flat = _plain(image)
    flat.info = {key: value for key, value in image.info.items() if key == "icc_profile"}
    kind = "WEBP" if "A" in flat.getbands() else "JPEG"
    for side, quality in STEPS:
        size = (max(1, round(flat.width * side)), max(1, round(flat.height * side)))
        made = _saved(flat if side == 1 else flat.resize(size, Image.Resampling.LANCZOS), kind, quality=quality)
        if len(made.content) <= limit:
            return made
    raise Unfit(f"This picture cannot be made as small as {limit:,} bytes.")


def _clean_gif(content: bytes) -> Picture:
    """Its pictures, block by block; comments, other programs' blocks and what stands behind its end are left out."""
    with _opened(content, "GIF") as image:
        width, height = image.size
    try:
        kept, frames, seconds = _gif_blocks(content)
    except IndexError as error:
        raise Unfit(_BROKEN) from error
    if frames == 0:
        raise Unfit(_BROKEN)
    with _decoded(kept):
        return Picture(kept, "image/gif", width, height, seconds if frames > 1 else 0.0)


def _gif_blocks(content: bytes) -> tuple[bytes, int, float]:
    """(only what draws it, how many pictures, how many seconds). Raises IndexError where the file is cut off."""
    start = 13 + _table(content[10])
    kept, frames, hundredths, at = [content[:start]], 0, 0, start
    for begin, end in _walk(content, at):
        label = content[begin : begin + 2]
        if label[0] == 0x2C:
            frames += 1
            if frames > MOST_FRAMES:
                raise Unfit(f"This animation has more than {MOST_FRAMES:,} pictures. Make it shorter, or save a video.")
        elif label == b"\x21\xf9":
            hundredths += int.from_bytes(content[begin + 4 : begin + 6], "little")
        elif not (label == b"\x21\xff" and content[begin + 3 : begin + 14] == b"NETSCAPE2.0"):
            continue
        kept.append(content[begin:end])
    return b"".join(kept) + b"\x3b", frames, hundredths / 100


def _walk(content: bytes, at: int) -> Iterator[tuple[int, int]]:
    """Where each block of a GIF begins and ends, up to its trailer."""
    while content[at] != 0x3B:
        begin = at
        if content[at] == 0x21:
            at += 2
        elif content[at] == 0x2C:
            at += 11 + _table(content[at + 9])
        else:
            raise IndexError
        while content[at]:
            at += 1 + content[at]
        at += 1
        yield begin, at


def _table(flags: int) -> int:
    """How many bytes a table of colours takes, by the flags that announce it."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0
