"""The library: who may bring something in, what is kept of it, and what is refused."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, transaction
from django.utils import timezone

from publishing import storing
from publishing.models import Asset, Rendition
from publishing.permissions import visible_assets
from tests import factories, files
from tests.publishing.steps import trail


@pytest.fixture
def asset(alice):
    return storing.upload(alice, files.handed_in(files.from_a_phone(), "IMG_2031 (2).jpg"))


def test_a_picture_is_kept_clean_with_its_measures_and_what_its_bytes_say(alice, asset):
    assert (asset.title, asset.kind, asset.mime) == ("IMG 2031 (2)", "image", "image/jpeg")
    assert (asset.width, asset.height, asset.bytes) == (240, 320, asset.file.size)
    content = asset.file.read()
    assert b"Amadou" not in content
    assert sorted(asset.renditions.values_list("format", flat=True)) == ["original", "thumb"]
    original = asset.renditions.get(format="original")
    assert (original.sha256, original.file.name) == (asset.sha256, asset.file.name)
    assert trail(asset) == ["asset.uploaded"]


def test_the_name_and_the_content_type_are_not_believed(alice):
    asset = storing.upload(alice, files.handed_in(files.gif(3), "../../x.svg", "image/svg+xml"))
    assert (asset.kind, asset.mime, asset.seconds) == ("gif", "image/gif", 1.5)
    assert asset.file.name.startswith("assets/")
    assert asset.file.name.endswith(".gif")
    assert asset.title == "x"


def test_a_video_is_measured_and_has_a_picture_for_lists(alice):
    asset = storing.upload(alice, files.handed_in(files.video(), "clip.jpg", "image/jpeg"))
    assert (asset.kind, asset.mime, asset.codec, asset.width) == ("video", "video/mp4", "h264", 160)
    assert asset.seconds == pytest.approx(1.0, abs=0.1)
    assert asset.renditions.get(format="thumb").mime == "image/jpeg"
    assert asset.file.name.endswith(".mp4")


@pytest.mark.parametrize(
    "content", [b"<svg onload='alert(1)'/>", b"<html>", b"%PDF-1.7", files.gif_bomb(), files.jpeg()[:300], b"x"]
)
def test_what_is_no_picture_leaves_nothing_behind(alice, content, tmp_path):
    with pytest.raises(ValidationError) as caught:
        storing.upload(alice, files.handed_in(content, "photo.jpg", "image/jpeg"))
    assert set(caught.value.message_dict) == {"file"}
    assert not Asset.objects.exists()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_the_same_file_is_in_the_library_once(alice, asset):
    with pytest.raises(ValidationError, match="in the library already: “IMG 2031"):
        storing.upload(alice, files.handed_in(files.from_a_phone(), "again.jpg"))
    storing.archive(asset, alice)
    storing.upload(alice, files.handed_in(files.from_a_phone(), "again.jpg"))


def test_what_is_said_of_it_is_kept_in_one_form(alice, asset):
    ends = timezone.now() + timedelta(days=30)
    storing.describe(
        asset, alice, title="  Boots  on a step ", folder="/Shops / Lyon/", tags=["Winter", "boots ", "winter"],
        alt_text="Two boots.\r\nOne is wet.", expires_at=ends, release="on_file", credit="Sofia K.",
    )  # fmt: skip
    asset.refresh_from_db()
    assert (asset.title, asset.folder, asset.tags) == ("Boots on a step", "Shops/Lyon", ["boots", "winter"])
    assert (asset.alt_text, asset.expires_at, asset.release) == ("Two boots.\nOne is wet.", ends, "on_file")
    assert trail(asset)[-1] == "asset.described"


@pytest.mark.parametrize(
    ("about", "field"),
    [
        ({"title": " "}, "title"),
        ({"title": "x" * 141}, "title"),
        ({"alt_text": "x" * 2001}, "alt_text"),
        ({"tags": ["x" * 41]}, "tags"),
        ({"tags": [str(n) for n in range(21)]}, "tags"),
        ({"release": "perhaps"}, "release"),
        ({"expires_at": timezone.now().replace(tzinfo=None)}, "expires_at"),
        ({"expires_at": "soon"}, "expires_at"),
    ],
)
def test_what_cannot_be_kept_is_said_beside_its_field(alice, asset, about, field):
    with pytest.raises(ValidationError) as caught:
        storing.describe(asset, alice, **about)
    assert field in caught.value.message_dict


def test_saying_the_same_again_is_not_an_event(alice, asset):
    storing.describe(asset, alice, title=asset.title)
    assert trail(asset) == ["asset.uploaded"]


def test_an_archived_picture_can_come_back(alice, asset):
    assert storing.archive(asset, alice).archived_at
    assert storing.archive(asset, alice).archived_at
    assert storing.bring_back(asset, alice).archived_at is None
    assert trail(asset) == ["asset.uploaded", "asset.archived", "asset.brought_back"]


@pytest.mark.parametrize(
    "verb",
    [
        lambda asset, by: storing.upload(by, files.handed_in(files.gif())),
        lambda asset, by: storing.describe(asset, by, title="Mine"),
        lambda asset, by: storing.archive(asset, by),
        lambda asset, by: storing.bring_back(asset, by),
    ],
)
def test_charlie_may_do_nothing_in_the_library(asset, charlie, verb):
    with pytest.raises(PermissionDenied):
        verb(asset, charlie)


def test_who_writes_sees_everything_and_who_does_not_sees_nothing_that_no_post_shows(asset, alice, charlie):
    assert list(visible_assets(alice)) == [asset]
    assert list(visible_assets(charlie)) == []


def test_a_leaver_sees_nothing(asset, alice):
    factories.departed(alice)
    assert not visible_assets(alice).exists()
    with pytest.raises(PermissionDenied):
        storing.archive(asset, alice)


def test_a_file_that_was_made_is_never_changed(asset):
    for change in (lambda rows: rows.update(sha256="0" * 64), lambda rows: rows.delete()):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change(Rendition.objects.filter(asset=asset))
