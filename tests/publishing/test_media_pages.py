"""The panel of pictures on a post's page, choosing one, and the same pictures where somebody decides."""

import pytest

from publishing import attaching, storing
from publishing.models import Asset
from tests import factories, files
from tests.publishing.steps import ask, page


@pytest.fixture
def boots(alice):
    return storing.upload(alice, files.handed_in(files.jpeg()), title="Boots", alt_text="Two boots.")


def test_a_picture_is_chosen_from_the_library(writer, post, boots):
    assert "Boots" in page(writer, f"/posts/{post.pk}/media/?q=boots")
    assert "Boots" not in page(writer, f"/posts/{post.pk}/media/?q=gloves")
    answer = writer.post(f"/posts/{post.pk}/media/", {"asset": boots.pk, "expected_revision": 1})
    assert answer.headers["Location"] == f"/posts/{post.pk}/#media"
    shown = page(writer, f"/posts/{post.pk}/")
    assert shown.count('alt="Two boots."') == 2, "in the preview and in the panel"


def test_a_new_file_is_brought_in_and_put_on_the_post_at_once(writer, post):
    sent = {"file": files.handed_in(files.jpeg(), "boots.jpg"), "alt_text": "Two boots.", "expected_revision": 1}
    assert writer.post(f"/posts/{post.pk}/media/", sent).status_code == 302
    assert post.variants.get().media[0]["alt"] == "Two boots."
    assert Asset.objects.get().alt_text == "Two boots."


def test_a_bad_file_is_said_beside_it_and_the_words_are_kept(writer, post):
    sent = {"file": files.handed_in(b"<svg/>"), "alt_text": "Two boots.", "expected_revision": 1}
    answer = writer.post(f"/posts/{post.pk}/media/", sent)
    assert answer.status_code == 422
    assert "This is not a picture" in answer.content.decode()
    assert "Two boots." in answer.content.decode()


def test_when_somebody_saved_meanwhile_the_new_file_is_kept_in_the_library(writer, post):
    sent = {"file": files.handed_in(files.jpeg(), "boots.jpg"), "alt_text": "Two boots.", "expected_revision": 0}
    said = writer.post(f"/posts/{post.pk}/media/", sent).content.decode()
    assert "is in the library; it is not on the post yet" in said
    assert Asset.objects.count() == 1


def test_alt_text_format_order_and_removal_without_javascript(writer, post, boots, alice):
    poles = storing.upload(alice, files.handed_in(files.gif()), title="Poles", alt_text="Two poles.")
    attaching.attach(post, boots, alice, expected_revision=1)
    attaching.attach(post, poles, alice, expected_revision=2)
    path = f"/posts/{post.pk}/media/{boots.pk}/"
    writer.post(path, {"expected_revision": 3, "alt": "Boots, wet.", "format": "1:1"})
    first = post.variants.get().media[0]
    assert first["alt"] == "Boots, wet."
    assert boots.renditions.get(pk=first["rendition"]).format == "1:1"
    writer.post(f"{path}order/", {"expected_revision": 4, "towards": "end"})
    assert [each["asset"] for each in post.variants.get().media] == [poles.pk, boots.pk]
    writer.post(f"{path}removal/", {"expected_revision": 5})
    assert [each["asset"] for each in post.variants.get().media] == [poles.pk]
    writer.post(f"{path}removal/", {"expected_revision": 1})
    assert "saved this post while you were writing" in page(writer, f"/posts/{post.pk}/")


def test_who_decides_sees_the_pictures_with_their_alt_texts(post, boots, alice, bob):
    attaching.attach(post, boots, alice, expected_revision=1)
    approval = ask(post, alice, bob)
    decider = factories.signed_in(bob)
    shown = page(decider, f"/approvals/{approval.pk}/")
    assert "Alt text:</span> Two boots." in shown
    original = boots.renditions.get(format="original")
    assert decider.get(f"/library/files/{original.pk}/").status_code == 200


def test_charlie_sees_the_pictures_and_no_button(post, boots, alice, charlie):
    attaching.attach(post, boots, alice, expected_revision=1)
    reader = factories.signed_in(charlie)
    shown = page(reader, f"/posts/{post.pk}/")
    assert "Two boots." in shown
    assert "Add a picture" not in shown
    sent = {"expected_revision": 2, "alt": "Mine."}
    for path in (f"media/{boots.pk}/", f"media/{boots.pk}/order/", f"media/{boots.pk}/removal/"):
        assert reader.post(f"/posts/{post.pk}/{path}", sent).status_code == 403
    assert reader.post(f"/posts/{post.pk}/media/", {"asset": boots.pk, "expected_revision": 2}).status_code in (
        403,
        422,
    )
    assert post.variants.get().media[0]["alt"] == "Two boots."
