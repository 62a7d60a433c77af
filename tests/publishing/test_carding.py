"""The card of a link: read safely by a worker, drawn in the preview, part of what is approved, and sent as approved."""

from datetime import timedelta

import pytest
from django.utils import timezone

from publishing import attaching, carding, drafting, storing
from publishing.models import Approval, LinkCard, Revision
from publishing.models.revision import parts_of
from tests import factories, files
from tests.publishing.steps import agree, page, plan, write
from tests.websites import website

LINK, OTHER = "https://shop.example/winter", "https://shop.example/other"
TEXT = f"Our winter rates: {LINK} and {OTHER}"


def known(alice, url: str = LINK, title: str = "Winter rates", **more) -> LinkCard:
    """As a worker leaves it."""
    now = timezone.now()
    said = {"description": "All of them.", "asked_at": now, "read_at": now, **more}
    return LinkCard.objects.create(url=url, title=title, asked_by=alice, **said)


def previewed(client, text: str, *channels, post=None, **more) -> str:
    path = f"/posts/previews/?post={post.pk}" if post else "/posts/previews/"
    answer = client.post(path, {"text": text, "channels": [c.pk for c in channels], **more})
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_preview_waits_for_the_page_and_draws_its_card(writer, alice, acme):
    with website() as site:
        picture = (200, {"Content-Type": "image/jpeg"}, files.jpeg())
        head = '<title>A &lt;b&gt;title&lt;/b&gt;</title><meta property="og:image" content="/p.jpg"></head>'
        site.answers = {"/winter": head, "/p.jpg": picture}
        text = f"Look: {site.url}/winter"
        LinkCard.objects.create(url=f"{site.url}/winter", asked_by=alice, asked_at=timezone.now())
        assert "Reading 127.0.0.1 for its card." in previewed(writer, text, acme)
        assert carding.read_due(allow={site.place}) == 1
    html = previewed(writer, text, acme)
    assert "A &lt;b&gt;title&lt;/b&gt;" in html
    card = LinkCard.objects.get()
    answer = writer.get(f"/cards/{card.sha256}/")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")
    assert f"/cards/{card.sha256}/" in html
    assert (card.width, card.height) == (320, 240)


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("https://10.0.0.1/", "10.0.0.1 is inside a private network"),
        ("https://169.254.169.254/latest/meta-data/", "inside a private network"),
        ("https://localhost/x", "inside a private network"),
        ("https://2130706433/", "a number in disguise"),
        ("http://shop.example/", "must start with https://"),
        (f"https://shop.example/{'x' * 2000}", "longer than 2,000"),
    ],
)
def test_an_address_that_may_not_be_read_is_refused_beside_the_preview(writer, acme, link, words):
    html = previewed(writer, f"Look: {link}", acme)
    assert words in html
    assert "The post can go out without one." in html
    assert carding.read_due() == 0


def test_a_page_is_not_asked_for_again_and_again(alice, acme, writer):
    known(alice, title="", problem="It does not answer.")
    assert "It does not answer." in previewed(writer, TEXT, acme)
    previewed(writer, TEXT, acme)
    assert LinkCard.objects.count() == 1
    LinkCard.objects.update(
        asked_at=timezone.now() - timedelta(minutes=2), read_at=timezone.now() - timedelta(minutes=2)
    )
    previewed(writer, TEXT, acme)
    assert LinkCard.objects.count() == 2
    carding.ask([f"https://shop.example/{n}" for n in range(30)], alice)
    assert LinkCard.objects.count() == 1 + carding.MOST_A_MINUTE


def test_the_same_picture_is_kept_once_and_what_came_to_nothing_is_forgotten(alice):
    with website() as site:
        site.answers = {
            "/winter": '<title>Rates</title><meta property="og:image" content="/p.jpg"></head>',
            "/p.jpg": (200, {"Content-Type": "image/jpeg"}, files.jpeg()),
        }
        for _ in range(2):
            LinkCard.objects.create(url=f"{site.url}/winter", asked_by=alice, asked_at=timezone.now())
            carding.read_due(allow={site.place})
    first, second = LinkCard.objects.order_by("pk")
    assert first.file.name and first.file.name == second.file.name
    long_ago = timezone.now() - timedelta(days=2)
    known(alice, title="", problem="It does not answer.", asked_at=long_ago)
    known(alice, title="", read_at=None, asked_at=long_ago)
    known(alice, title="", problem="It does not answer.")
    old = known(alice, asked_at=long_ago)
    assert carding.forget() == 2
    assert LinkCard.objects.count() == 4 and LinkCard.objects.filter(pk=old.pk).exists()


def test_what_cannot_be_kept_is_not_read_again_and_again(alice, monkeypatch):
    def away(*_, **__):
        raise OSError("the storage is away")

    monkeypatch.setattr(LinkCard._meta.get_field("file").storage, "save", away)
    with website() as site:
        site.answers = {
            "/winter": '<title>Rates</title><meta property="og:image" content="/p.jpg"></head>',
            "/p.jpg": (200, {"Content-Type": "image/jpeg"}, files.jpeg()),
            "/other": "<title>Another</title></head>",
        }
        for path in ("winter", "other"):
            LinkCard.objects.create(url=f"{site.url}/{path}", asked_by=alice, asked_at=timezone.now())
        assert carding.read_due(allow={site.place}) == 1
    first, second = LinkCard.objects.order_by("pk")
    assert (first.problem, second.title) == ("The page cannot be read.", "Another")


def test_who_may_not_write_there_has_nothing_read(charlie, acme):
    previewed(factories.signed_in(charlie), TEXT, acme)
    assert not LinkCard.objects.exists()


@pytest.mark.parametrize(
    ("chosen", "title"),
    [("", "Winter rates"), (OTHER, "Another"), ("none", None), ("https://gone.example/", "Winter rates")],
)
def test_a_person_picks_the_link_or_drops_the_card(alice, acme, chosen, title):
    known(alice)
    known(alice, OTHER, "Another")
    post = write(alice, [acme], TEXT, card_link=chosen)
    assert post.revisions.get().card_for(acme.pk).get("title") == title


def test_the_card_is_part_of_what_is_approved_and_of_what_is_sent(alice, bob, dana, acme):
    known(alice, sha256="a" * 64)
    post = agree(write(alice, [acme], TEXT), alice, bob)
    revision = post.revisions.get()
    publication = plan(post, dana)
    assert publication.card == revision.card_for(acme.pk)
    assert publication.card["title"] == "Winter rates"
    asked = page(factories.signed_in(bob), f"/approvals/{post.approvals.get().pk}/")
    assert "All of them." in asked
    said = {
        **revision.content,
        "variants": [{**revision.content["variants"][0], "card": {**publication.card, "title": "X"}}],
    }
    without = {**said, "variants": [{k: v for k, v in said["variants"][0].items() if k != "card"}]}
    assert [part for part, is_ in parts_of(said).items() if is_ != revision.parts[part]] == ["text"]
    assert [part for part, is_ in parts_of(without).items() if is_ != revision.parts[part]] == ["text", "media"]


def test_a_page_that_says_something_else_does_not_change_what_was_agreed_to(approved, alice, bob, acme):
    known(alice)
    edited = drafting.edit_post(approved, alice, expected_revision=1, text=TEXT)
    assert edited.card_for(acme.pk)["title"] == "Winter rates"
    approved.refresh_from_db()
    agree(approved, alice, bob)
    known(alice, title="Changed meanwhile")
    approved.refresh_from_db()
    same = drafting.edit_post(approved, alice, expected_revision=2, title="Another title")
    approved.refresh_from_db()
    assert (same.hash, approved.state) == (edited.hash, "approved")
    drafting.edit_post(approved, alice, expected_revision=3, text=f"Anew: {TEXT}")
    approved.refresh_from_db()
    assert approved.state == "draft"
    latest = drafting.edit_post(approved, alice, expected_revision=4, text=f"Once more: {TEXT}")
    assert latest.card_for(acme.pk)["title"] == "Changed meanwhile"


def test_choosing_another_card_voids_the_approval(alice, bob, acme):
    known(alice)
    post = agree(write(alice, [acme], TEXT), alice, bob)
    drafting.edit_post(post, alice, expected_revision=1, card_link="none")
    assert Approval.objects.get().state == "void"


def test_a_card_that_came_after_saving_says_that_it_has_to_be_saved(alice, acme, writer):
    post = write(alice, [acme], TEXT)
    assert "was not read, so there is no card yet" in page(writer, f"/posts/{post.pk}/")
    known(alice)
    assert "Save, and the post goes out with this card." in previewed(writer, TEXT, acme, post=post)
    drafting.edit_post(post, alice, expected_revision=1, title="The rates")
    assert "Save, and the post" not in previewed(writer, TEXT, acme, post=post)


def test_pictures_stand_in_place_of_a_card(alice, acme):
    known(alice)
    post = write(alice, [acme], TEXT)
    shown = attaching.attach(post, storing.upload(alice, files.handed_in(files.jpeg())), alice, expected_revision=1)
    assert shown.card_for(acme.pk) == {}
    post.refresh_from_db()
    bare = attaching.detach(post, shown.media_for(acme.pk)[0]["asset"], alice, expected_revision=2)
    assert bare.card_for(acme.pk)["title"] == "Winter rates"


def test_a_network_that_reads_the_page_itself_is_sent_no_card(alice):
    from tests.publishing.steps import staffed

    there = staffed(factories.channel("mastodon", name="Acme social"))
    known(alice)
    post = write(alice, [there], TEXT)
    assert post.revisions.get().card_for(there.pk) == {}
    html = previewed(factories.signed_in(alice), TEXT, there)
    assert "Mastodon reads shop.example itself and draws a card of it. It may differ from this." in html
    assert "Winter rates" in html


def test_a_revision_from_before_there_were_cards_keeps_its_hash(post):
    revision = Revision.objects.get(post=post)
    assert all("card" not in each for each in revision.content["variants"])
    assert parts_of(revision.content) == revision.parts


def test_no_network_takes_less_than_the_picture_that_is_kept():
    from channels_registry.networks import network, slugs

    sent = [network(slug).cards for slug in slugs() if network(slug).cards and network(slug).cards.sent]
    assert sent
    assert min(each.picture_bytes for each in sent) >= carding.PICTURE_BYTES
