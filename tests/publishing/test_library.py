"""The pages of the library, and its files: asked for anew at each fetch, and never run by a browser."""

import pytest
from django.urls import reverse

from publishing import storing
from publishing.models import Asset
from tests import factories, files
from tests.publishing.steps import page


@pytest.fixture
def asset(alice):
    return storing.upload(
        alice, files.handed_in(files.jpeg()), title="Boots on a step", folder="Shops/Lyon", tags=["winter"],
        alt_text="Two boots on a wet step.",
    )  # fmt: skip


@pytest.fixture
def file(asset):
    return reverse("rendition_file", args=[asset.renditions.get(format="original").pk])


def test_a_picture_is_added_and_described_in_one_form(writer):
    answer = writer.post("/library/new/", {"file": files.handed_in(files.from_a_phone(), "boots.jpg"), "tags": "A, b"})
    asset = Asset.objects.get()
    assert answer.headers["Location"] == reverse("asset", args=[asset.pk])
    assert (asset.title, asset.tags) == ("boots", ["a", "b"])
    assert "No alt text" in page(writer, "/library/")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<svg/>", "This is not a picture"),
        (files.gif_bomb(), "million pixels"),
        (files.jpeg()[:300], "The file is broken"),
    ],
)
def test_what_is_wrong_with_a_file_stands_beside_it_and_the_words_are_kept(writer, content, words):
    sent = {"file": files.handed_in(content, "a.jpg"), "alt_text": "Two boots on a wet step."}
    answer = writer.post("/library/new/", sent)
    said = answer.content.decode()
    assert answer.status_code == 422
    assert words in said
    assert sent["alt_text"] in said


def test_the_rights_end_at_a_time_of_the_readers_zone(writer, asset, alice):
    alice.time_zone = "Europe/Paris"
    alice.save()
    sent = {"title": "Boots", "expires": "2027-01-01T00:00"}
    assert writer.post(f"/library/{asset.pk}/", sent).status_code == 302
    asset.refresh_from_db()
    assert asset.expires_at.isoformat() == "2026-12-31T23:00:00+00:00"
    assert 'value="2027-01-01T00:00"' in page(writer, f"/library/{asset.pk}/")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", True), ("q=boots", True), ("q=BOOTS+wet", True), ("q=winter", True), ("q=shoes", False),
        ("folder=Shops", True), ("folder=Shops/Lyon", True), ("folder=Shop", False), ("tag=winter", True),
        ("kind=image", True), ("kind=video", False), ("needs=alt", False), ("needs=archived", False),
        ("kind=nonsense", True), ("before=nonsense", True),
    ],
)  # fmt: skip
def test_it_is_found_by_words_folder_tag_kind_and_what_is_missing(writer, asset, query, found):
    assert ("Boots on a step" in page(writer, f"/library/?{query}")) is found


def test_an_archived_picture_is_on_its_own_shelf(writer, asset):
    writer.post(f"/library/{asset.pk}/archiving/")
    assert "Boots on a step" not in page(writer, "/library/")
    assert "Boots on a step" in page(writer, "/library/?needs=archived")
    writer.post(f"/library/{asset.pk}/archiving/", {"back": "yes"})
    assert "Boots on a step" in page(writer, "/library/")


def test_charlie_sees_no_picture_and_gets_no_file(asset, file, charlie):
    reader = factories.signed_in(charlie)
    assert "Boots" not in page(reader, "/library/")
    assert reader.get("/library/new/").status_code == 403
    for path in (file, f"/library/{asset.pk}/"):
        assert reader.get(path).status_code == 404
    assert reader.post(f"/library/{asset.pk}/archiving/").status_code == 404


def test_a_file_is_what_it_says_and_can_do_nothing_in_a_browser(writer, file, asset):
    answer = writer.get(file)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="asset-{asset.pk}.jpg"'
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    assert b"".join(answer.streaming_content) == asset.file.read()


def test_a_browser_keeps_the_file_but_asks_each_time(writer, file, alice):
    tag = writer.get(file).headers["ETag"]
    assert writer.get(file, headers={"If-None-Match": tag}).status_code == 304
    factories.departed(alice)
    assert writer.get(file, headers={"If-None-Match": tag}).status_code in (302, 404)


def test_whose_right_is_taken_gets_nothing_at_the_next_fetch(writer, file, alice, acme):
    from channels_registry import access
    from channels_registry.models import AccessGrant

    assert writer.get(file).status_code == 200
    access.revoke(AccessGrant.objects.get(person=alice, channel=acme), factories.erin(), "moved")
    assert writer.get(file).status_code == 404


def test_a_file_that_is_gone_from_the_disk_is_said_to_be(writer, file, asset):
    asset.file.storage.delete(asset.file.name)
    assert writer.get(file).status_code == 404
