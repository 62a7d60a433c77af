"""What a person's own tool does with posts: the same as the pages, in the same words, under the same rules."""

import re
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEvent
from channels_registry import access
from publishing.models import Campaign, Post, Publication
from tests import factories
from tests.publishing.steps import TEXT, ask, events, published, tomorrow, write
from tests.tools import Tool, said

pytestmark = pytest.mark.django_db


@pytest.fixture
def tool(alice):
    return Tool(alice)


# --- Posts ------------------------------------------------------------------------------------------------------------


def test_a_post_is_written_and_read_as_the_composer_would(tool, acme, second, alice):
    campaign = Campaign.objects.create(name="Winter", owner=alice)
    sent = {
        "text": "Good\r\nmorning", "why_now": "It is winter.", "channels": [acme.pk, second.pk], "tags": ["#Rates"],
        "campaign": campaign.pk, "variants": [{"channel": second.pk, "text": "Bonjour", "first_comment": "Salut"}],
    }  # fmt: skip
    made = said(tool.post("posts", sent), 201)
    post = Post.objects.get(pk=made["id"])
    assert (made["text"], made["state"], made["revision"], made["tags"]) == ("Good\nmorning", "draft", 1, ["rates"])
    assert made["author"] == {"id": alice.pk, "name": "Alice"} and made["campaign"] == campaign.pk
    by_channel = {v["channel"]["id"]: v for v in made["variants"]}
    assert by_channel[acme.pk]["text"] is None and by_channel[acme.pk]["final_text"] == "Good\nmorning"
    assert (by_channel[second.pk]["text"], by_channel[second.pk]["first_comment"]) == ("Bonjour", "Salut")
    assert said(tool.get(f"posts/{post.pk}"), 200) == made
    event = events(post)[0]
    assert (event.action, event.actor, event.data["api_token"]) == (
        "post.created", alice, f"{tool.token.pk}: Tool (…{tool.secret[-4:]})",
    )  # fmt: skip


def test_only_what_is_sent_is_changed(tool, acme, second, alice):
    post = write(alice, [acme, second], variants={second.pk: "Bonjour"}, tags=["rates"])
    changed = said(tool.patch(f"posts/{post.pk}", {"revision": 1, "title": "Rates"}), 200)
    assert (changed["title"], changed["text"], changed["tags"], changed["revision"]) == ("Rates", TEXT, ["rates"], 2)
    assert [v["text"] for v in changed["variants"]] == [None, "Bonjour"]
    own = {"revision": 2, "variants": [{"channel": acme.pk, "text": "Hello"}]}
    changed = said(tool.patch(f"posts/{post.pk}", own), 200)
    assert [v["text"] for v in changed["variants"]] == ["Hello", "Bonjour"]
    changed = said(tool.patch(f"posts/{post.pk}", {"revision": 3, "channels": [acme.pk]}), 200)
    assert [v["text"] for v in changed["variants"]] == ["Hello"]


def test_a_change_made_on_an_older_revision_shows_both_and_changes_nothing(tool, post, alice):
    said(tool.patch(f"posts/{post.pk}", {"revision": 1, "text": "Theirs"}), 200)
    refused = said(tool.patch(f"posts/{post.pk}", {"revision": 1, "text": "Mine"}), 409)
    assert refused["theirs"]["number"] == 2 and refused["theirs"]["content"]["text"] == "Theirs"
    assert refused["mine"] == {"revision": 1, "text": "Mine"}
    assert refused["detail"].startswith("Alice saved this post after revision 1.")
    post.refresh_from_db()
    assert post.text == "Theirs"


def test_posts_are_listed_page_by_page(tool, acme, alice):
    made = [write(alice, [acme], title=f"Post {n}").pk for n in range(3)]
    first = said(tool.get("posts", limit=2), 200)
    rest = said(tool.get("posts", limit=2, cursor=first["next"]), 200)
    assert [each["id"] for each in first["items"] + rest["items"]] == made[::-1] and rest["next"] is None
    assert said(tool.get("posts", state="approved"), 200)["items"] == []
    assert len(said(tool.get("posts", mine="true"), 200)["items"]) == 3


BAD = [
    ({}, "text", "This is missing."),
    ({"text": ""}, "text", "This field is required."),
    ({"text": "A", "title": "x" * 141}, "title", "Ensure this value has at most 140 characters"),
    ({"text": "A", "why_now": "x" * 301}, "why_now", "at most 300 characters"),
    ({"text": "x" * 100_001}, "text", "too long"),
    ({"text": "A", "channels": [987654321]}, "channels", "is not one of the available choices"),
    ({"text": "A", "channels": "all"}, "channels", "Write this as a list."),
    ({"text": "A", "channels": [True]}, "channels.0", "Write this as a whole number."),
    ({"text": "A", "campaign": 987654321}, "campaign", "not one of the available choices"),
    ({"text": "A", "tags": ["x" * 41]}, "tags.0", "at most 40 characters"),
    ({"text": "A", "author": 1}, "author", "There is no such field."),
    ({"text": "A", **{f"x{n}": 1 for n in range(40)}}, "x39", "There is no such field."),
    ({"text": "A", "variants": [{"channel": 1, **{f"x{n}": 1 for n in range(40)}}] * 400}, "variants.2.x9", "There is"),
    ({"text": "A", "state": "approved"}, "state", "There is no such field."),
    ({"text": "A", "variants": [{"channel": 987654321, "text": "B"}]}, "variants", "does not go to"),
]


@pytest.mark.parametrize(("sent", "field", "words"), BAD)
def test_what_cannot_be_is_said_of_its_field_in_plain_words(tool, sent, field, words):
    refused = said(tool.post("posts", sent), 422)
    assert words in " ".join(refused["errors"][field]), refused
    assert len(refused["errors"]) <= 100
    assert not Post.objects.exists()


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [({"text": "A", **{f"x{n}": 1 for n in range(70_000)}}, 400, "more than 50 names"),
     ({"text": "A", "variants": [{"channel": 1, "text": {f"x{n}": 1 for n in range(51)}}]}, 400, "more than 50 names"),
     ('{"text": "A", "text": "B"}', 400, "same name twice"),
     ({"text": "A" * 1_000_000}, 413, "less than 1 MB"), ({"text": "A" * 3_000_000}, 413, "less than 1 MB")],
)  # fmt: skip
def test_what_is_no_request_is_refused_before_it_is_looked_at(tool, sent, status, words):
    begun = time.process_time()
    assert words in said(tool.post("posts", sent), status)["detail"]
    assert time.process_time() - begun < 1, "an error for each name takes seconds"


def test_a_thread_has_an_end(tool, acme):
    sent = {"text": "A", "channels": [acme.pk], "variants": [{"channel": acme.pk, "thread": ["more"] * 101}]}
    assert "100 posts" in str(said(tool.post("posts", sent), 422)["errors"])
    assert not Post.objects.exists()


def test_a_channel_that_one_may_not_write_on_is_refused_as_if_it_were_not_there(acme, charlie):
    tool, elsewhere = Tool(charlie), factories.channel("sandbox")
    words = set()
    for pk in (acme.pk, elsewhere.pk, 987654321):
        refused = said(tool.post("posts", {"text": "A", "channels": [pk]}), 422)
        refused["errors"] = re.sub(rf"\b{pk}\b", "N", str(refused["errors"]))
        words.add(str(refused))
    assert len(words) == 1 and not Post.objects.exists()


# --- Approvals --------------------------------------------------------------------------------------------------------


def test_from_asking_to_the_calendar_and_off_it_again(tool, post, acme, bob, dana):
    ends = {"earliest": timezone.now(), "wanted_at": timezone.now() + timedelta(days=2)}
    ends["latest"] = ends["wanted_at"] + timedelta(days=30)
    sent = {"asked_of": bob.pk, **{name: at.isoformat() for name, at in ends.items()}}
    asked = said(tool.post(f"posts/{post.pk}/approval", sent), 201)
    assert (asked["state"], asked["stages"][0]["asked"], asked["may_decide"]) == ("pending", ["Bob"], False)
    approver = Tool(bob)
    waiting = said(approver.get("approvals"), 200)["items"]
    assert [each["approval"] for each in waiting] == [asked["id"]]
    read = said(approver.get(f"approvals/{asked['id']}"), 200)
    assert read["may_decide"] and read["content"]["text"] == TEXT
    decision = {"verdict": "approved", "revision_hash": read["revision_hash"]}
    assert said(approver.post(f"approvals/{asked['id']}/decision", decision), 200)["state"] == "approved"
    publisher, at = Tool(dana), tomorrow(9)
    sent = {"channel": acme.pk, "wall_time": f"{at:%Y-%m-%dT%H:%M}", "time_zone": "UTC"}
    made = said(publisher.post(f"posts/{post.pk}/publications", sent), 201)
    assert (made["state"], made["answerable"]["name"], made["attempts"]) == ("scheduled", "Dana", [])
    moved = {"wall_time": f"{tomorrow(11):%Y-%m-%dT%H:%M}", "seen": made["due_at"]}
    assert said(publisher.post(f"publications/{made['id']}/time", moved), 200)["wall_time"].endswith("T11:00")
    late = said(publisher.post(f"publications/{made['id']}/time", moved), 422)
    assert "Look, then move it again" in late["detail"]
    assert [p["id"] for p in said(publisher.get("publications", post=post.pk), 200)["items"]] == [made["id"]]
    gone = said(publisher.post(f"publications/{made['id']}/cancellation", {"reason": "Not today"}), 200)
    assert (gone["state"], gone["reason"]) == ("cancelled", "Not today")
    tokens = AuditEvent.objects.filter(data__api_token__isnull=False).values_list("action", flat=True)
    assert {"post.submitted", "approval.approved", "publication.scheduled", "publication.cancelled"} <= set(tokens)


def test_a_request_is_taken_back(tool, approval):
    back = said(tool.post(f"posts/{approval.post_id}/approval/withdrawal"), 200)
    assert back["state"] == "draft"
    assert "Nobody is being asked" in said(tool.post(f"posts/{approval.post_id}/approval/withdrawal"), 422)["detail"]


def test_asking_for_a_change_needs_words(approval, bob):
    tool, sent = Tool(bob), {"verdict": "changes_requested", "revision_hash": approval.revision.hash}
    assert said(tool.post(f"approvals/{approval.pk}/decision", sent), 422)["errors"]["note"]
    done = said(tool.post(f"approvals/{approval.pk}/decision", sent | {"note": "Which December?"}), 200)
    assert done["stages"][0]["decisions"][0]["note"] == "Which December?"


def test_nothing_is_decided_about_what_was_not_read(approval, bob, tool):
    said(tool.patch(f"posts/{approval.post_id}", {"revision": 1, "text": "Otherwise"}), 200)
    sent = {"verdict": "approved", "revision_hash": approval.revision.hash}
    refused = said(Tool(bob).post(f"approvals/{approval.pk}/decision", sent), 409)
    assert (refused["seen"]["text"], refused["now"]["text"]) == (TEXT, "Otherwise")


def test_an_approval_is_taken_back_and_what_waits_with_it(publication, bob):
    approval = publication.approval
    done = said(Tool(bob).post(f"approvals/{approval.pk}/withdrawal", {"note": "Wrong price"}), 200)
    publication.refresh_from_db()
    assert (done["state"], publication.state) == ("withdrawn", "cancelled")
    latest = said(Tool(bob).get(f"posts/{approval.post_id}/approvals"), 200)["items"][0]
    assert latest["id"] == approval.pk


def test_reading_here_is_not_opening(approval, bob):
    said(Tool(bob).get(f"approvals/{approval.pk}"), 200)
    assert not AuditEvent.objects.filter(action="approval.opened").exists()


@pytest.mark.parametrize("ends", [{"earliest": "2030-01-01T09:00:00Z"}, {"latest": "2030-01-01T09:00:00Z"}])
def test_a_window_has_both_ends(tool, post, bob, ends):
    refused = said(tool.post(f"posts/{post.pk}/approval", {"asked_of": bob.pk, **ends}), 422)
    assert "Give both ends" in str(refused["errors"])


@pytest.mark.parametrize("at", ["2030-01-01T09:00:00", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "soon", 1])
def test_a_time_that_is_no_instant_of_these_centuries_is_refused(tool, post, bob, at):
    said(tool.post(f"posts/{post.pk}/approval", {"asked_of": bob.pk, "wanted_at": at}), 422)


# --- Nobody gets past a rule by a tool --------------------------------------------------------------------------------


def test_nobody_approves_their_own_by_a_tool(approval, alice, acme):
    factories.grant(acme, alice, "approver")
    sent = {"verdict": "approved", "revision_hash": approval.revision.hash}
    assert "because you wrote it" in said(Tool(alice).post(f"approvals/{approval.pk}/decision", sent), 403)["detail"]
    read = said(Tool(alice).get(f"approvals/{approval.pk}"), 200)
    assert (read["may_decide"], read["reason"]) == (False, "You wrote it.")


def test_whoever_changed_it_does_not_approve_it_either(post, alice, bob, acme):
    factories.grant(acme, bob, "author")
    said(Tool(bob).patch(f"posts/{post.pk}", {"revision": 1, "text": "By Bob"}), 200)
    refused = said(Tool(alice).post(f"posts/{post.pk}/approval", {"asked_of": bob.pk}), 422)
    assert "changed it" in refused["errors"]["asked_of"][0]


def test_approve_after_a_withdrawal_decides_nothing(approval, bob, tool):
    said(tool.post(f"posts/{approval.post_id}/approval/withdrawal"), 200)
    sent = {"verdict": "approved", "revision_hash": approval.revision.hash}
    assert "taken back" in said(Tool(bob).post(f"approvals/{approval.pk}/decision", sent), 422)["detail"]


def test_what_is_not_approved_is_not_scheduled(post, acme, dana):
    refused = said(Tool(dana).post(f"posts/{post.pk}/publications", {"channel": acme.pk, "now": True}), 422)
    assert "not approved" in refused["detail"] and not Publication.objects.exists()


def test_charlie_may_read_and_do_nothing_else(approved, publication, acme, charlie, dana):
    tool = Tool(charlie)
    assert said(tool.get(f"publications/{publication.pk}"), 200)["id"] == publication.pk
    for path, sent in (
        (f"posts/{approved.pk}/publications", {"channel": acme.pk, "now": True}),
        (f"publications/{publication.pk}/time", {"wall_time": f"{tomorrow(11):%Y-%m-%dT%H:%M}"}),
        (f"publications/{publication.pk}/cancellation", {}),
        (f"posts/{approved.pk}/approval/withdrawal", {}),
        (f"approvals/{publication.approval_id}/withdrawal", {}),
    ):
        said(tool.post(path, sent), 403)
    said(tool.patch(f"posts/{approved.pk}", {"revision": 1, "text": "Mine"}), 403)


def test_a_grant_that_ended_a_moment_ago_opens_nothing(post, alice, acme):
    tool = Tool(alice)
    access.revoke(acme.grants.get(person=alice), factories.erin(), "moved")
    refused = tool.post("posts", {"text": "A", "channels": [acme.pk]})
    assert refused.status_code == 422 and Post.objects.count() == 1
    assert said(tool.get("channels"), 200)["items"] == [] and said(tool.get(f"channels/{acme.pk}"), 404)


def test_the_channel_in_a_schedule_has_to_be_one_of_the_posts(approved, second, dana):
    refused = said(Tool(dana).post(f"posts/{approved.pk}/publications", {"channel": second.pk, "now": True}), 422)
    assert "does not go to that channel" in refused["errors"]["channel"][0]


# --- What went out ----------------------------------------------------------------------------------------------------


def test_what_the_network_said_is_told_and_asked_by(publication, dana):
    published(publication, "there-1")
    publication.attempts.create(
        fence=2, started_at=timezone.now(), deadline_at=timezone.now(), outcome="rejected", http_status=422,
        evidence={"detail": "Too long"},
    )  # fmt: skip
    tool = Tool(dana)
    out = said(tool.get("publications", shelf="out", said="accepted"), 200)["items"]
    assert [each["remote_id"] for each in out] == ["there-1"]
    attempts = out[0]["attempts"]
    assert [(each["outcome"], each["http_status"], each["said"]) for each in attempts] == [
        ("rejected", 422, "Too long"), ("accepted", None, ""),
    ]  # fmt: skip
    assert said(tool.get("publications", shelf="out", said="rejected"), 200)["items"] == []
    assert said(tool.get("publications", shelf="due"), 200)["items"] == []


@pytest.mark.parametrize(
    ("sent", "field"),
    [({}, "wall_time"), ({"wall_time": "tomorrow"}, "wall_time"), ({"wall_time": "2020-01-01T09:00"}, "wall_time"),
     ({"wall_time": "2999-01-01T09:00", "time_zone": "Mars/Base"}, "time_zone"), ({"now": "yes"}, "now"),
     ({"wall_time": "2030-02-30T09:00"}, "wall_time")],
)  # fmt: skip
def test_a_time_that_cannot_be_is_said_beside_its_field(approved, acme, dana, sent, field):
    refused = said(Tool(dana).post(f"posts/{approved.pk}/publications", {"channel": acme.pk, **sent}), 422)
    assert refused["errors"][field], refused


def test_campaigns_and_channels_are_read(tool, acme, alice):
    campaign = Campaign.objects.create(name="Winter", owner=alice)
    assert [each["id"] for each in said(tool.get("campaigns"), 200)["items"]] == [campaign.pk]
    assert said(tool.get(f"campaigns/{campaign.pk}"), 200)["owner"]["name"] == "Alice"
    assert said(tool.get("campaigns", archived="true"), 200)["items"] == []
    assert said(tool.get("channels", right="draft"), 200)["items"][0]["id"] == acme.pk
    assert said(tool.get("channels", right="publish"), 200)["items"] == []
    assert said(tool.get(f"channels/{acme.pk}"), 200)["handle"] == acme.handle
    assert "posts:write" in said(tool.get("me"), 200)["scopes"]


def test_a_list_costs_the_same_however_long_it_is(tool, acme, alice, django_assert_max_num_queries):
    for n in range(5):
        write(alice, [acme], title=f"Post {n}")
    with django_assert_max_num_queries(12):
        assert len(said(tool.get("posts"), 200)["items"]) == 5
    bob = factories.person("bob")
    approvals, approver = [ask(post, alice, bob) for post in Post.objects.all()], Tool(bob)
    with django_assert_max_num_queries(12):
        assert len(said(approver.get("approvals"), 200)["items"]) == len(approvals)
