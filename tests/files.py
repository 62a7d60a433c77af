"""Pictures as people hand them in, good and bad. Small, and the same each time."""

import struct
import zlib
from io import BytesIO

import av
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw

GPS = {1: "N", 2: (45.0, 45.0, 35.5), 3: "E", 4: (4.0, 50.0, 32.1)}  # a house in Lyon
ICC = b"a profile that only has to come through" + bytes(100)


def drawn(width: int = 320, height: int = 240, colour: str = "#c2410c", mode: str = "RGB") -> Image.Image:
    """One colour with a darker corner at the top left, so that one sees how it is turned and cut."""
    image = Image.new("RGB", (width, height), colour)
    ImageDraw.Draw(image).rectangle((0, 0, width // 4, height // 4), fill="#1e293b")
    return image.convert(mode)


def encoded(image: Image.Image, kind: str = "JPEG", **options) -> bytes:
    into = BytesIO()
    image.save(into, kind, **options)
    return into.getvalue()


def jpeg(**options) -> bytes:
    return encoded(drawn(), "JPEG", **options)


def from_a_phone() -> bytes:
    """Lying on its side, with the place, a name and a colour profile in it."""
    image = drawn()
    exif = image.getexif()
    exif[0x0112] = 6  # to be turned by a quarter
    exif[0x013B] = "Amadou Diallo"
    exif.get_ifd(0x8825).update(GPS)
    return encoded(image, "JPEG", exif=exif, icc_profile=ICC, comment=b"taken at home")


def gif(frames: int = 1, **options) -> bytes:
    first, *others = [drawn(64, 48, colour) for colour in ["#c2410c", "#0f766e", "#4338ca"][:frames]]
    if not others:
        return encoded(first, "GIF", **options)
    return encoded(first, "GIF", save_all=True, append_images=others, duration=500, loop=0, **options)


def gif_bomb() -> bytes:
    """60,000 x 60,000 in a few bytes."""
    return b"GIF89a" + struct.pack("<HH", 60_000, 60_000) + gif()[10:]


def png_bomb() -> bytes:
    """A head that declares 100,000 x 100,000, with a check sum that is right."""
    head = b"IHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(bytes(1000))
    chunks = (struct.pack(">I", len(each) - 4) + each + struct.pack(">I", zlib.crc32(each)) for each in (head, data))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def video(kind: str = "mp4", codec: str = "libx264", frames: int = 25, size: tuple[int, int] = (160, 120)) -> bytes:
    """A second of one colour, made at a place that is written into it."""
    into = BytesIO()
    with av.open(into, "w", format=kind) as target:
        target.metadata["comment"] = "taken by Amadou at +45.7597+004.8422/"
        stream = target.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for _ in range(frames):
            target.mux(stream.encode(av.VideoFrame.from_image(drawn(*size))))
        target.mux(stream.encode())
    return into.getvalue()


def handed_in(content: bytes, name: str = "picture.jpg", kind: str = "image/jpeg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type=kind)
