"""Videos are measured by what they hold, lose what a camera wrote, and fetch nothing."""

from io import BytesIO

import pytest

from socialops.lib import videos
from socialops.lib.pictures import Unfit
from socialops.lib.videos import clean
from tests import files


@pytest.mark.parametrize(
    ("kind", "codec", "mime", "name"),
    [("mp4", "libx264", "video/mp4", "h264"), ("mov", "libx264", "video/mp4", "h264"),
     ("webm", "libvpx-vp9", "video/webm", "vp9")],
)  # fmt: skip
def test_length_size_and_codec_are_what_it_holds_and_the_place_is_gone(kind, codec, mime, name):
    before = files.video(kind, codec)
    assert b"Amadou" in before
    made = clean(BytesIO(before))
    assert (made.mime, made.codec, made.width, made.height) == (mime, name, 160, 120)
    assert made.seconds == pytest.approx(1.0, abs=0.1)
    assert b"Amadou" not in made.content
    assert (made.small.mime, made.small.width) == ("image/jpeg", 160)
    assert clean(BytesIO(made.content)).seconds == pytest.approx(made.seconds, abs=0.05)


def test_one_that_is_too_long_is_refused_by_what_it_really_holds(monkeypatch):
    monkeypatch.setattr(videos, "MOST_SECONDS", 0.5)
    with pytest.raises(Unfit, match="longer than"):
        clean(BytesIO(files.video()))


def test_one_that_is_too_large_is_not_opened(monkeypatch):
    monkeypatch.setattr(videos, "MOST_BYTES", 100)
    with pytest.raises(Unfit, match="larger than"):
        clean(BytesIO(files.video()))


def test_too_many_pixels_are_refused_before_anything_is_decoded(monkeypatch):
    monkeypatch.setattr(videos, "MOST_PIXELS", 100)
    with pytest.raises(Unfit, match="160 × 120"):
        clean(BytesIO(files.video()))


@pytest.mark.parametrize(
    "content", [files.video()[:900], b"\x00\x00\x00\x18ftypmp42" + bytes(200), b"\x1a\x45\xdf\xa3junk"]
)
def test_half_a_video_is_refused_in_plain_words(content):
    with pytest.raises(Unfit, match=r"broken|no pictures"):
        clean(BytesIO(content))


def test_another_codec_is_named():
    with pytest.raises(Unfit, match="mpeg4"):
        clean(BytesIO(files.video("mp4", "mpeg4")))


@pytest.mark.parametrize(
    "head", [b"#EXTM3U\nhttp://127.0.0.1/x.ts", b"ffconcat version 1.0", b"<svg/>", b"RIFFxxxxAVI LIST"]
)
def test_a_playlist_is_no_video(head):
    assert videos.format_of(head) == ""
