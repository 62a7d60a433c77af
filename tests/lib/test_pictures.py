"""Pictures are what their bytes say, come out clean, and no bomb is ever decoded."""

import time
import tracemalloc
from io import BytesIO

import pytest
from PIL import Image

from socialops.lib import pictures
from socialops.lib.pictures import Unfit, clean, cut, thumbnail
from tests import files


def opened(picture) -> Image.Image:
    return Image.open(BytesIO(picture.content))


def test_place_name_and_comment_are_gone_and_the_picture_stands_upright():
    before = files.from_a_phone()
    assert Image.open(BytesIO(before)).getexif().get_ifd(0x8825)[2] == files.GPS[2]
    made = clean(BytesIO(before))
    after = opened(made)
    assert not after.getexif()
    assert not {"comment", "exif", "xmp"} & after.info.keys()
    for trace in (b"Amadou", b"taken at home", b"Exif", b"GPS"):
        assert trace not in made.content
    assert (made.width, made.height) == after.size == (240, 320)
    assert max(after.getpixel((230, 10))) < 80, "the dark corner is at the top right, once it is turned"


def test_colours_keep_their_profile():
    assert opened(clean(BytesIO(files.from_a_phone()))).info["icc_profile"] == files.ICC


@pytest.mark.parametrize(("kind", "mime"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")])
def test_each_kind_stays_what_it_is(kind, mime):
    made = clean(BytesIO(files.encoded(files.drawn(), kind)))
    assert (made.mime, made.width, made.height, made.seconds) == (mime, 320, 240, 0.0)
    assert opened(made).format == kind


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "1", "I;16"])
def test_a_png_of_any_colours_comes_through(mode):
    image = files.drawn().convert("L").convert("I;16") if mode == "I;16" else files.drawn(mode=mode)
    made = opened(clean(BytesIO(files.encoded(image, "PNG"))))
    assert made.mode == image.mode
    thumbnail(clean(BytesIO(files.encoded(image, "PNG"))).content)


def test_what_is_transparent_stays_so():
    image = files.drawn().convert("P")
    made = opened(clean(BytesIO(files.encoded(image, "PNG", transparency=0))))
    assert made.info["transparency"] == 0


def test_print_colours_become_those_of_a_screen():
    assert opened(clean(BytesIO(files.encoded(files.drawn(mode="CMYK"))))).mode == "RGB"


def test_an_animation_keeps_its_pictures_and_loses_its_words():
    made = clean(BytesIO(files.gif(3, comment=b"by Amadou") + b"<script>alert(1)</script>"))
    after = opened(made)
    assert (after.n_frames, made.seconds, after.info["loop"]) == (3, 1.5, 0)
    assert b"Amadou" not in made.content
    assert made.content.endswith(b"\x3b")


@pytest.mark.parametrize("bomb", [files.gif_bomb, files.png_bomb])
def test_a_bomb_is_refused_by_what_it_declares_and_never_decoded(bomb):
    tracemalloc.start()
    began = time.monotonic()
    with pytest.raises(Unfit, match="million pixels"):
        clean(BytesIO(bomb()))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.monotonic() - began < 1
    assert most < 5_000_000


def test_an_endless_animation_is_refused(monkeypatch):
    monkeypatch.setattr(pictures, "MOST_FRAMES", 2)
    with pytest.raises(Unfit, match="more than 2 pictures"):
        clean(BytesIO(files.gif(3)))


def test_a_file_that_is_too_large_is_not_opened(monkeypatch):
    monkeypatch.setattr(pictures, "MOST_BYTES", 100)
    with pytest.raises(Unfit, match="larger than"):
        clean(BytesIO(files.jpeg()))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!doctype html><script>alert(1)</script>",
        b"%PDF-1.7\n",
        b"RIFF\x00\x00\x00\x00WAVEfmt ",
        b"BM" + bytes(60),
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
    ],
)
def test_what_is_no_picture_is_refused(content):
    with pytest.raises(Unfit, match="This is not a picture"):
        clean(BytesIO(content))


@pytest.mark.parametrize(
    "content", [files.jpeg()[:400], files.encoded(files.drawn(), "PNG")[:80], files.gif(2)[:60], b"GIF89a"]
)
def test_half_a_file_is_refused_in_plain_words(content):
    with pytest.raises(Unfit, match="broken"):
        clean(BytesIO(content))


def test_a_picture_with_a_page_behind_it_leaves_the_page_behind():
    made = clean(BytesIO(files.jpeg() + b"<script>alert(1)</script>"))
    assert b"script" not in made.content


def test_a_picture_that_moves_has_to_be_a_gif_or_a_video():
    moving = files.encoded(files.drawn(), "WEBP", save_all=True, append_images=[files.drawn(colour="#0f766e")])
    with pytest.raises(Unfit, match="moves"):
        clean(BytesIO(moving))


def test_a_crop_is_the_part_that_was_asked_for():
    made = cut(files.encoded(files.drawn(), "PNG"), (0, 0, 0.25, 0.25))
    assert (made.width, made.height) == (80, 60)
    assert opened(made).getpixel((40, 30)) == (30, 41, 59)


def test_a_file_is_made_as_small_as_a_network_wants():
    noise = Image.effect_noise((1200, 900), 80).convert("RGB")
    large = files.encoded(noise, "PNG")
    made = cut(large, (0, 0, 1, 1), limit=150_000)
    assert len(made.content) <= 150_000 < len(large)
    assert made.mime == "image/jpeg"


def test_one_that_is_small_enough_stays_as_it_is():
    small = files.encoded(files.drawn(), "PNG")
    assert cut(small, (0, 0, 1, 1), limit=1_000_000).mime == "image/png"


def test_a_thumbnail_is_small_and_of_the_first_frame():
    assert max(opened(thumbnail(files.gif(3))).size) == 64
    assert max(opened(thumbnail(files.encoded(files.drawn(2000, 1000), "PNG"))).size) == pictures.THUMB
