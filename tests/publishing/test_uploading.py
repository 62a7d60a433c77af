"""Files in pieces, as a tus client sends them: resumed, never mixed up, and nobody else's."""

import base64
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from PIL import Image

from publishing import uploading
from publishing.models import Asset, Upload, UploadPiece
from tests import factories, files
from tests.publishing.steps import sign_in

PIECE = "application/offset+octet-stream"


def begun(client, length: int, name: str = "boots.jpg"):
    named = "filename " + base64.b64encode(name.encode()).decode()
    answer = client.post("/library/uploads/", headers={"Upload-Length": str(length), "Upload-Metadata": named})
    assert answer.status_code == 201, answer.content
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    return answer.headers["Location"]


def send(client, url: str, offset: int, content: bytes):
    return client.patch(url, content, content_type=PIECE, headers={"Upload-Offset": str(offset)})


def test_a_file_in_pieces_is_whole_in_the_library_and_its_pieces_are_gone(
    writer, tmp_path, django_capture_on_commit_callbacks
):
    content = files.from_a_phone()
    url, half = begun(writer, len(content)), len(content) // 2
    assert send(writer, url, 0, content[:half]).headers["Upload-Offset"] == str(half)
    assert writer.head(url).headers["Upload-Offset"] == str(half), "after a reload it says where to go on"
    assert send(writer, url, half, content[half:]).status_code == 204
    with django_capture_on_commit_callbacks(execute=True):
        answer = writer.post("/library/new/", {"upload": url.split("/")[-2], "alt_text": "Two boots."})
    assert answer.status_code == 302
    asset = Asset.objects.get()
    assert (asset.title, asset.width) == ("boots", 240)
    assert not Upload.objects.exists()
    assert not list((tmp_path / "uploads").iterdir())


def test_a_piece_that_comes_twice_or_too_early_changes_nothing(writer):
    url = begun(writer, 10)
    send(writer, url, 0, b"12345")
    for offset in (0, 7):
        assert send(writer, url, offset, b"xx").status_code == 409
    assert writer.head(url).headers["Upload-Offset"] == "5"


def test_more_than_was_announced_is_refused(writer):
    url = begun(writer, 4)
    assert send(writer, url, 0, b"12345").status_code == 413
    assert not UploadPiece.objects.exists()


@pytest.mark.parametrize("length", ["", "0", "-5", "x", "999999999999", "9" * 400])
def test_a_length_that_makes_no_sense_is_refused(writer, length):
    answer = writer.post("/library/uploads/", headers={"Upload-Length": length})
    assert answer.status_code == 413
    assert "MB" in answer.content.decode()


def test_half_a_file_is_not_stored(writer, alice):
    url = begun(writer, 100)
    send(writer, url, 0, b"12345")
    answer = writer.post("/library/new/", {"upload": url.split("/")[-2]})
    assert answer.status_code == 422
    assert "has not arrived whole" in answer.content.decode()


def test_what_is_no_picture_is_said_beside_the_file_and_can_be_tried_again(writer):
    url = begun(writer, 6)
    send(writer, url, 0, b"<svg/>")
    answer = writer.post("/library/new/", {"upload": url.split("/")[-2]})
    assert "This is not a picture" in answer.content.decode()
    assert not Asset.objects.exists()


def test_another_kind_of_body_is_refused(writer):
    url = begun(writer, 5)
    assert writer.patch(url, b"12345", content_type="text/html", headers={"Upload-Offset": "0"}).status_code == 415


def test_nobody_else_sees_continues_or_finishes_it(writer, acme):
    url = begun(writer, 5)
    other = factories.person("gus")
    factories.grant(acme, other, "author")
    stranger = factories.signed_in(other)
    assert stranger.head(url).status_code == 404
    assert send(stranger, url, 0, b"12345").status_code == 404
    assert stranger.delete(url).status_code == 404
    send(writer, url, 0, b"12345")
    answer = stranger.post("/library/new/", {"upload": url.split("/")[-2]})
    assert "has not arrived whole" in answer.content.decode()


def test_charlie_may_begin_nothing(charlie):
    assert factories.signed_in(charlie).post("/library/uploads/", headers={"Upload-Length": "5"}).status_code == 403


def test_it_can_be_thrown_away_and_is_after_a_day(writer, alice):
    assert writer.delete(begun(writer, 5)).status_code == 204
    begun(writer, 5)
    Upload.objects.update(begun_at=timezone.now() - timedelta(days=2))
    begun(writer, 6)
    assert Upload.objects.get().length == 6


def test_not_too_many_at_once(writer, alice):
    for _ in range(uploading.MOST_AT_ONCE):
        begun(writer, 5)
    with pytest.raises(ValidationError, match="Too many"):
        uploading.begin(alice, "one more", 5)


def test_what_is_spoken_is_said(writer):
    answer = writer.options("/library/uploads/")
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert int(answer.headers["Tus-Max-Size"]) == uploading.MOST_BYTES


def test_in_a_browser_a_file_goes_up_in_pieces_before_the_form_is_sent(fresh_database, web, browser, tmp_path):
    """Three pieces, the answer to one of them lost."""
    who = factories.person("nora")
    factories.grant(factories.channel("sandbox"), who, "author")
    file = tmp_path / "clip.png"
    file.write_bytes(files.encoded(Image.effect_noise((1500, 1600), 90).convert("RGB"), "PNG"))
    assert file.stat().st_size > 4_000_000
    context = browser.new_context(base_url=web.url)
    sign_in(context, web, who)
    page = context.new_page()
    lost = iter([False, True])
    page.route("**/uploads/*/", lambda route: route.abort() if next(lost, False) else route.continue_())
    page.goto("/library/new/")
    page.set_input_files("input[type=file]", file)
    page.get_by_text("clip.png is here.").wait_for(timeout=30_000)
    page.get_by_label("Alt text").fill("Noise.")
    page.get_by_role("button", name="Add it").click()
    page.wait_for_url("**/library/*/", timeout=30_000)
    context.close()
    assert Asset.objects.get().alt_text == "Noise."
