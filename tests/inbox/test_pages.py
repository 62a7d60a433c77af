"""The three panes: what stands where, who sees it, and how little it asks of the database."""

import time
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from channels_registry import access
from channels_registry.models import AccessGrant
from inbox import queries, receiving, triaging
from inbox.models import Conversation, Message, PollCursor, Reply
from tests.factories import channel, departed, erin, grant, person, signed_in
from tests.inbox.messages import said
from tests.inbox.steps import page, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(acme):
    receiving.ingest(acme, [said("m1", "Is the store open?")], "poll")
    return Conversation.objects.get()


def test_the_list_shows_who_waits(asked):
    shown = text_of(page("alice"))

    assert "Marie" in shown
    assert "Is the store open?" in shown
    assert f'href="/inbox/{asked.pk}/?view=open"' in shown


def test_views_and_filters_are_in_the_address(asked, acme):
    other = channel("sandbox", handle="acme-fr", name="Acme France")
    grant(other, person("alice"), "responder")
    receiving.ingest(other, [said("f1", "Bonjour", author="paul")], "poll")
    triaging.take(asked, person("alice"))

    for view, sees in {"mine": "Marie", "unassigned": "Paul", "open": "Marie"}.items():
        assert sees in text_of(page("alice", f"/inbox/?view={view}")), view
    assert "Paul" not in text_of(page("alice", "/inbox/?view=mine"))
    assert "Paul" not in text_of(page("alice", f"/inbox/?channel={acme.pk}"))
    assert "Marie" not in text_of(page("alice", "/inbox/?q=bonjour"))
    assert page("alice", "/inbox/?channel=x'%20OR%201&view=<script>&before=never_x&q=%25_").status_code == 200


def test_the_list_goes_on_by_keyset_and_repeats_nobody(acme):
    receiving.ingest(acme, [said(f"m{n}", minute=n % 7, author=f"a{n}") for n in range(95)], "poll")
    channels, alice, seen, cursor = queries.seen_by(person("alice")), person("alice"), [], ""
    for _ in range(3):
        listed = queries.listed(channels, alice, "open", {}, cursor)
        seen += [each.pk for each in listed.conversations]
        cursor = listed.next

    assert (len(seen), len(set(seen)), cursor) == (95, 95, "")


def test_a_conversation_stands_with_its_customer_and_what_was_before(asked, acme):
    receiving.ingest(acme, [said("old", "Where is my card?", thread_id="another")], "poll")
    shown = text_of(page("alice", f"/inbox/{asked.pk}/"))

    assert "Where is my card?" in shown
    assert 'id="reply"' in shown
    assert "at most 500 characters" in shown


def test_charlie_sees_nothing_and_may_do_nothing(asked):
    client = signed_in(person("charlie"))
    assert "Marie" not in text_of(client.get("/inbox/"))
    assert client.get(f"/inbox/{asked.pk}/").status_code == 404
    for name in ("reply_new", "assignment_new", "resolution", "reopening", "snooze"):
        assert client.post(reverse(name, args=[asked.pk]), {"text": "hi", "span": "hours"}).status_code == 404, name
    assert client.get(reverse("assignment_new", args=[asked.pk])).status_code == 404
    assert not Reply.objects.exists()


def test_a_viewer_reads_and_is_told_whom_to_ask(asked, acme):
    viewer = person("vera")
    grant(acme, viewer, "viewer")
    client = signed_in(viewer)
    shown = text_of(client.get(f"/inbox/{asked.pk}/"))
    assert "You can read this" in shown
    assert 'id="reply"' not in shown
    assert client.post(reverse("reply_new", args=[asked.pk]), {"text": "hi"}).status_code == 403
    assert client.post(reverse("resolution", args=[asked.pk])).status_code == 403
    assert not Reply.objects.exists()


def test_an_auditor_reads_every_channel(asked):
    auditor = person("frank", "auditor")
    assert "Marie" in text_of(signed_in(auditor).get("/inbox/"))


def test_a_leaver_is_out_at_the_minute(asked):
    client = signed_in(person("bob"))
    departed(person("bob"))
    assert "Marie" not in text_of(client.get("/inbox/"))
    assert client.post(reverse("reply_new", args=[asked.pk]), {"text": "hi"}).status_code != 200
    assert not Reply.objects.exists()


def test_without_a_script_a_reply_is_written_and_taken_back(asked):
    client = signed_in(person("alice"))
    form = {"text": "We open at nine.", "token": "t1", "seen": asked.messages.get().pk, "view": "mine"}
    answer = client.post(reverse("reply_new", args=[asked.pk]), form)
    assert (answer.status_code, answer["Location"]) == (302, f"/inbox/{asked.pk}/?view=mine")
    client.post(reverse("reply_new", args=[asked.pk]), form)
    reply = Reply.objects.get()
    shown = text_of(client.get(answer["Location"]))
    assert "Leaves in a moment" in shown
    assert reverse("reply_cancellation", args=[reply.pk]) in shown

    client.post(reverse("reply_cancellation", args=[reply.pk]))
    reply.refresh_from_db()
    assert reply.state == "cancelled"


def test_a_reply_that_is_too_long_keeps_its_text_and_says_by_how_much(asked):
    answer = signed_in(person("alice")).post(reverse("reply_new", args=[asked.pk]), {"text": "y" * 503, "token": "t"})

    assert answer.status_code == 422
    assert "Shorten it by 3" in text_of(answer)
    assert "y" * 503 in text_of(answer)


def test_assigning_resolving_and_snoozing_by_their_forms(asked):
    alice, bob = person("alice"), person("bob")
    client = signed_in(alice)
    shown = text_of(client.get(reverse("assignment_new", args=[asked.pk])))
    assert "Bob" in shown
    assert "Charlie" not in shown
    client.post(reverse("assignment_new", args=[asked.pk]), {"to": bob.pk, "reason": "knows the store"})
    asked.refresh_from_db()
    assert asked.assigned_to == bob

    for name, data, state in [
        ("resolution", {"seen": asked.messages.get().pk}, "resolved"),
        ("reopening", {}, "open"),
        ("snooze", {"span": "tomorrow"}, "snoozed"),
    ]:
        assert client.post(reverse(name, args=[asked.pk]), data).status_code == 302, name
        asked.refresh_from_db()
        assert asked.state == state
    assert timedelta(0) < asked.snoozed_until - timezone.now() < timedelta(days=2)
    assert AuditEvent.objects.filter(action="conversation.assigned", actor=alice).exists()


def test_who_took_a_conversation_was_asked_by_nobody(asked):
    triaging.take(asked, person("alice"))
    assert "Alice took it" in text_of(page("bob", f"/inbox/{asked.pk}/"))
    triaging.assign(asked, person("bob"), person("alice"), "knows the store")
    assert "Alice asked Bob: knows the store" in text_of(page("bob", f"/inbox/{asked.pk}/"))


def test_somebody_who_may_not_answer_cannot_be_chosen_by_hand(asked):
    answer = signed_in(person("alice")).post(reverse("assignment_new", args=[asked.pk]), {"to": person("charlie").pk})
    assert answer.status_code == 422


def test_a_refusal_stands_on_the_page_it_is_about(asked):
    client = signed_in(person("alice"))
    triaging.resolve(asked, person("bob"))
    answer = client.post(reverse("resolution", args=[asked.pk]))
    assert answer.status_code == 422
    assert "This conversation is resolved" in text_of(answer)


HOSTILE = (
    '<img src=x onerror=alert(1)><script>alert(2)</script>"\'&{{ 7|add:7 }} javascript:alert(3) https://a.test/"onx=1'
)


def test_hostile_content_is_never_html_anywhere(acme):
    receiving.ingest(
        acme,
        [
            said("m1", HOSTILE, author_name=HOSTILE, author_handle=HOSTILE, url="javascript:alert(4)"),
            said("m1", HOSTILE + " edited", version=1, author_name=HOSTILE, url="javascript:alert(4)"),
        ],
        "webhook",
    )
    conversation = Conversation.objects.get()
    for url in ("/inbox/", f"/inbox/{conversation.pk}/", reverse("assignment_new", args=[conversation.pk])):
        drawn = Drawn(text_of(page("alice", url)))
        assert not drawn.handlers, url
        assert not drawn.pictures & {"x"}, url
        assert not drawn.inline_scripts, url
        assert all(each.startswith(("/", "?", "#", "https://a.test/")) for each in drawn.links), drawn.links
    kept = Message.objects.get()
    assert HOSTILE in kept.history[0]["text"]


class Drawn(HTMLParser):
    """What a browser would make of a page, as far as it could do harm."""

    def __init__(self, html: str):
        super().__init__()
        self.handlers, self.links, self.pictures, self.inline_scripts = [], set(), set(), 0
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.handlers += [name for name in attributes if name.startswith("on")]
        self.links |= {attributes["href"]} if tag == "a" and "href" in attributes else set()
        self.pictures |= {attributes.get("src")} if tag == "img" else set()
        self.inline_scripts += tag == "script" and "src" not in attributes


def test_today_hears_of_the_longest_wait_and_of_channels_that_cannot_be_read(asked, acme):
    alice = person("alice")
    assert queries.waiting_for(alice) == []
    triaging.take(asked, alice)
    assert [w.title for w in queries.waiting_for(alice)] == ["Answer Marie"]
    PollCursor.objects.create(channel=acme, kind="comments", due_at=timezone.now(), trouble="Acme asks us to wait.")
    assert [w.title for w in queries.trouble(alice)] == ["Acme is not being read"]
    assert queries.trouble(person("charlie")) == []


def test_who_lost_the_right_to_answer_is_told_nothing_more_of_the_customer(asked, acme):
    """The conversation may still be assigned to them; its subject and its customer are not theirs to read."""
    alice = person("alice")
    triaging.take(asked, alice)
    right = AccessGrant.objects.standing().get(channel=acme, person=alice)
    access.revoke(right, erin(), "another team")
    assert queries.waiting_for(alice) == []


def full(acme):
    """A company's inbox: 10,000 messages, of them 500 of one customer."""
    receiving.ingest(acme, [said(f"m{n}", minute=n % 5000, author=f"a{n % 2500}") for n in range(9_500)], "poll")
    receiving.ingest(acme, [said(f"n{n}", minute=n, author="a0") for n in range(500)], "poll")


def test_ten_thousand_messages_cost_no_more_than_twelve_queries_a_page(acme):
    full(acme)
    conversation = Conversation.objects.order_by("pk").first()
    alice = person("alice")
    triaging.take(conversation, alice)
    client = signed_in(alice)
    for url in ("/inbox/", "/inbox/?view=mine", "/inbox/?q=store", f"/inbox/{conversation.pk}/?view=open"):
        client.get(url)
        with CaptureQueriesContext(
            connection,
        ) as asked_of_it:
            began = time.perf_counter()
            assert client.get(url).status_code == 200
            milliseconds = (time.perf_counter() - began) * 1000
        print(f"{url}: {len(asked_of_it)} queries, {milliseconds:.0f} ms")
        assert len(asked_of_it) <= 12, "\n".join(q["sql"][:160] for q in asked_of_it)
        assert milliseconds < 1000
    assert Message.objects.count() == 10_000
