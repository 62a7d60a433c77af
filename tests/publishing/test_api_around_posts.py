"""By a tool: what is said about a post, its pictures, cards and repetitions, and a list of questions page by page."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from publishing import attaching, commenting, drafting, linking, repeating, storing
from publishing.models import ApprovalStage, Asset, Comment, LinkCard, Publication
from tests import factories, files
from tests.publishing.outside import asked_outside, with_lawyers
from tests.publishing.steps import agree, ask, events, tomorrow, write
from tests.tools import Tool, said

pytestmark = pytest.mark.django_db


@pytest.fixture
def tool(alice):
    return Tool(alice)


@pytest.fixture
def boots(alice):
    content = files.handed_in(files.encoded(files.drawn()))
    return storing.upload(alice, content, title="Boots", alt_text="Two boots.", folder="Shops", tags=["winter"])


# --- Comments ---------------------------------------------------------------------------------------------------------


def test_a_thread_is_begun_answered_and_read(tool, post, alice, bob):
    begun = said(tool.post(f"posts/{post.pk}/comments", {"text": "Is it 0.20 €, @Bob?", "quote": "0.20 €"}), 201)
    assert (begun["kind"], begun["quote"], begun["revision"], begun["gone"]) == ("internal", "0.20 €", 1, False)
    answered = said(Tool(bob).post(f"posts/{post.pk}/comments", {"text": "It is.", "thread": begun["id"]}), 201)
    assert [(each["by"], each["text"], each["outside"]) for each in answered["comments"]] == [
        ("Alice", "Is it 0.20 €, @Bob?", False), ("Bob", "It is.", False),
    ]  # fmt: skip
    event = events(post)[-1]
    assert (event.action, event.actor, event.data["comment"]) == ("comment.written", bob, answered["comments"][1]["id"])
    assert events(post)[-2].data["mentions"] == [bob.pk]
    commenting.withdraw(Comment.objects.earliest("pk"), alice)
    read = said(tool.get(f"posts/{post.pk}/comments"), 200)["items"][0]["comments"]
    assert read[0]["text"] == "" and read[0]["withdrawn_at"] and read[1]["text"] == "It is."


def test_threads_are_read_page_by_page_and_by_kind(tool, post, alice, bob, gina):
    lawyer = linking.add_external(gina, "Nora Berg", "nora@lawyers.test", "Berg & Co")
    with_lawyers(gina, bob, lawyer)
    asked_outside(post, alice, bob)
    outside = said(tool.post(f"posts/{post.pk}/comments", {"text": "Is it fine?", "kind": "external"}), 201)
    inside = [commenting.open_thread(post, alice, f"Between us {n}").thread_id for n in range(2)]
    first = said(tool.get(f"posts/{post.pk}/comments", limit=2), 200)
    rest = said(tool.get(f"posts/{post.pk}/comments", limit=2, cursor=first["next"]), 200)
    assert [each["id"] for each in first["items"] + rest["items"]] == [outside["id"], *inside] and rest["next"] is None
    found = said(tool.get(f"posts/{post.pk}/comments", kind="external"), 200)["items"]
    assert [(each["id"], each["kind"]) for each in found] == [(outside["id"], "external")]


@pytest.mark.parametrize(
    ("sent", "field", "words"),
    [({}, "text", "missing"), ({"text": " "}, "text", "Write something"), ({"text": "x" * 5001}, "text", "too many"),
     ({"text": "A", "kind": "external"}, "kind", "Nobody from outside"),
     ({"text": "A", "kind": "secret"}, "kind", "internal"), ({"text": "A", "quote": "never"}, "quote", "Copy them"),
     ({"text": "@Nobody A", "thread": "1"}, "thread", "whole number"), ({"text": "A", "by": 1}, "by", "no such field")],
)  # fmt: skip
def test_a_comment_that_cannot_be_is_refused_beside_its_field(tool, post, sent, field, words):
    assert words in said(tool.post(f"posts/{post.pk}/comments", sent), 422)["errors"][field][0]
    assert not Comment.objects.exists()


def test_who_reads_a_thread_is_said_when_it_begins(tool, post, alice, acme):
    thread = commenting.open_thread(post, alice, "Between us").thread
    path = f"posts/{post.pk}/comments"
    for about in ({"kind": "external"}, {"quote": "0.20 €"}):
        refused = said(tool.post(path, {"text": "A", "thread": thread.pk, **about}), 422)
        assert "Leave it out" in str(refused["errors"])
    other = write(alice, [acme], title="Other")
    said(tool.post(f"posts/{other.pk}/comments", {"text": "A", "thread": thread.pk}), 404)
    assert Comment.objects.count() == 1


def test_who_sees_no_post_reads_no_comment_and_an_auditor_writes_none(post, alice):
    commenting.open_thread(post, alice, "Between us")
    stranger, auditor = Tool(factories.person("zoe")), Tool(factories.person("hana", "auditor"))
    said(stranger.get(f"posts/{post.pk}/comments"), 404)
    said(stranger.post(f"posts/{post.pk}/comments", {"text": "A"}), 404)
    assert said(auditor.get(f"posts/{post.pk}/comments"), 200)["items"]
    assert "not comment" in said(auditor.post(f"posts/{post.pk}/comments", {"text": "A"}), 403)["detail"]


# --- Pictures ---------------------------------------------------------------------------------------------------------


def test_a_picture_of_the_library_is_shown_and_taken_off_again(tool, post, boots, alice):
    found = said(tool.get("assets", q="boots", folder="Shops", tag="winter", kind="image"), 200)["items"]
    assert [each["id"] for each in found] == [boots.pk]
    assert said(tool.get(f"assets/{boots.pk}"), 200) == found[0]
    assert said(tool.get("assets", kind="video"), 200)["items"] == []
    sent = {"asset": boots.pk, "revision": 1, "alt": "Boots, from above."}
    made = said(tool.post(f"posts/{post.pk}/pictures", sent), 201)
    assert made["revision"] == 2
    assert made["variants"][0]["pictures"] == [{"asset": boots.pk, "alt": "Boots, from above."}]
    assert events(post)[-1].data["parts"] == ["media", "alt_text"]
    late = said(tool.post(f"posts/{post.pk}/pictures/removal", {"asset": boots.pk, "revision": 1}), 409)
    assert late["theirs"]["number"] == 2
    gone = said(tool.post(f"posts/{post.pk}/pictures/removal", {"asset": boots.pk, "revision": 2}), 200)
    assert (gone["revision"], gone["variants"][0]["pictures"]) == (3, [])


def test_without_alt_text_it_has_the_librarys(tool, post, boots):
    made = said(tool.post(f"posts/{post.pk}/pictures", {"asset": boots.pk, "revision": 1, "format": "1:1"}), 201)
    assert made["variants"][0]["pictures"][0]["alt"] == "Two boots."


@pytest.mark.parametrize(
    ("sent", "field", "words"),
    [({"asset": 0}, "asset", "greater than"), ({"alt": "x" * 100_001}, "alt", "too long"),
     ({"format": "thumb"}, "format", "1:1"), ({"channels": [987654321]}, "channels", "does not go to"),
     ({"revision": "1"}, "revision", "whole number"), ({"url": "https://example.org/"}, "url", "no such field")],
)  # fmt: skip
def test_a_picture_that_cannot_be_shown_is_refused_beside_its_field(tool, post, boots, sent, field, words):
    refused = said(tool.post(f"posts/{post.pk}/pictures", {"asset": boots.pk, "revision": 1, **sent}), 422)
    assert words in refused["errors"][field][0]
    said(tool.post(f"posts/{post.pk}/pictures", {"asset": 987654321, "revision": 1}), 404)
    assert post.revisions.count() == 1


@pytest.mark.parametrize(("over", "words"), [("expires_at", "rights"), ("archived_at", "archived")])
def test_a_picture_that_may_not_be_shown_any_more_is_refused(tool, post, boots, over, words):
    Asset.objects.filter(pk=boots.pk).update(**{over: timezone.now()})
    refused = said(tool.post(f"posts/{post.pk}/pictures", {"asset": boots.pk, "revision": 1}), 422)
    assert words in refused["errors"]["asset"][0] and post.revisions.count() == 1


def test_charlie_sees_only_pictures_that_posts_show_and_puts_none_there(post, boots, alice, charlie):
    tool = Tool(charlie)
    said(tool.get(f"assets/{boots.pk}"), 404)
    assert said(tool.get("assets"), 200)["items"] == []
    attaching.attach(post, boots, alice, expected_revision=1)
    assert said(tool.get(f"assets/{boots.pk}"), 200)["id"] == boots.pk
    for path in ("pictures", "pictures/removal"):
        said(tool.post(f"posts/{post.pk}/{path}", {"asset": boots.pk, "revision": 2}), 403)


# --- Cards, repetitions, and the list of questions --------------------------------------------------------------------


def test_the_card_that_is_sent_is_shown(tool, alice):
    sky, link, now = factories.channel("bluesky"), "https://shop.example/winter", timezone.now()
    factories.grant(sky, alice, "author")
    LinkCard.objects.create(url=link, title="Rates", description="All.", asked_by=alice, asked_at=now, read_at=now)
    post = drafting.create_post(alice, [sky], f"Look: {link}")
    shown = {"url": link, "title": "Rates", "description": "All."}
    assert said(tool.get(f"posts/{post.pk}"), 200)["variants"][0]["card"] == shown
    assert said(tool.get("posts"), 200)["items"][0]["variants"][0]["card"] == shown


def test_a_rule_to_repeat_by_is_shown_to_whoever_is_asked_and_which_of_its_times_each_is(post, alice, bob, dana):
    agree(post, alice, bob)
    repeating.repeat(post.variants.get(), "FREQ=DAILY;COUNT=3", tomorrow(9), "UTC", dana)
    tool = Tool(bob)
    approval = said(tool.get(f"posts/{post.pk}/approvals"), 200)["items"][0]
    assert approval["state"] == "pending" and "Every day at 09:00 (UTC), 3 times" in approval["repeats"][0]["words"]
    sent = {"verdict": "approved", "revision_hash": approval["revision_hash"]}
    said(tool.post(f"approvals/{approval['id']}/decision", sent), 200)
    repeating.expand_due()
    read = said(tool.get("publications"), 200)["items"]
    assert [each["occurrence"] for each in read] == [f"{tomorrow(9, days):%Y-%m-%dT%H:%M}" for days in (2, 3, 4)]
    rule = said(tool.get(f"posts/{post.pk}"), 200)["variants"][0]["repeats"]
    assert (rule["rule"], rule["time_zone"]) == ("FREQ=DAILY;COUNT=3", "UTC")
    assert Publication.objects.count() == 3


def test_what_waits_for_a_decision_is_read_to_its_end(acme, alice, bob):
    approvals = [ask(write(alice, [acme], title=f"Post {n}"), alice, bob).pk for n in range(5)]
    stages = ApprovalStage.objects.order_by("approval")
    for stage, day in zip(stages, (3, None, 1, None, 1), strict=True):
        at = datetime(2030, 1, day, tzinfo=UTC) if day else None
        ApprovalStage.objects.filter(pk=stage.pk).update(decide_by=at)
    tool, cursor, read = Tool(bob), "", []
    while cursor is not None:
        page = said(tool.get("approvals", limit=2, cursor=cursor), 200)
        read, cursor = [*read, *page["items"]], page["next"]
    assert [each["approval"] for each in read] == [approvals[n] for n in (2, 4, 0, 1, 3)]
    assert len(said(tool.get("approvals", cursor="nonsense"), 200)["items"]) == 5
