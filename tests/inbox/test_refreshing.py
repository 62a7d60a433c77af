"""What refreshes itself: it says what is new, and costs next to nothing when nothing is."""

import re
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inbox import queries, receiving, replying, triaging
from inbox.models import Conversation, Reply
from tests.factories import person, signed_in
from tests.inbox.messages import said
from tests.inbox.steps import text_of

pytestmark = pytest.mark.django_db
MOST_QUERIES = 4  # the session and its person included


@pytest.fixture
def asked(acme):
    receiving.ingest(acme, [said("m1", "Is the store open?")], "poll")
    return Conversation.objects.get()


def part(client, url: str, target: str):
    return client.get(url, headers={"HX-Request": "true", "HX-Target": target})


def address(html: str, target: str) -> str:
    """Where this part of a page asks for what is new."""
    return re.search(rf'id="{target}"[^>]* hx-get="([^"]+)"', html).group(1).replace("&amp;", "&")


def test_a_part_refreshes_itself_and_says_nothing_when_nothing_changed(asked, acme):
    client = signed_in(person("alice"))
    url = f"/inbox/{asked.pk}/"
    part = client.get(url, headers={"HX-Request": "true", "HX-Target": "log"})
    assert "<html" not in text_of(part)
    assert "Is the store open?" in text_of(part)
    stamp = queries.thread(asked).stamp
    same = client.get(f"{url}?stamp={stamp}", headers={"HX-Request": "true", "HX-Target": "log"})
    assert same.status_code == 204

    receiving.ingest(acme, [said("m2", "Hello?", minute=2)], "poll")
    changed = client.get(f"{url}?stamp={stamp}", headers={"HX-Request": "true", "HX-Target": "log"})
    assert "Hello?" in text_of(changed)
    rows = client.get("/inbox/?view=open", headers={"HX-Request": "true", "HX-Target": "conversations"})
    assert "<html" not in text_of(rows)
    assert "Hello?" in text_of(rows)


@pytest.mark.parametrize("target", ["conversations", "log"])
def test_when_nothing_is_new_it_costs_four_queries_at_most(asked, acme, target):
    receiving.ingest(acme, [said(f"n{n}", minute=n % 60, author=f"a{n % 50}") for n in range(300)], "poll")
    replying.reply(asked, "We open at nine.", person("alice"))
    client = signed_in(person("alice"))
    url = address(text_of(client.get(f"/inbox/{asked.pk}/")), target)
    part(client, url, target)  # the gate notes once in five minutes that a session was seen
    with CaptureQueriesContext(connection) as asked_of_it:
        began = time.perf_counter()
        assert part(client, url, target).status_code == 204
        milliseconds = (time.perf_counter() - began) * 1000
    print(f"{target}, unchanged: {len(asked_of_it)} queries, {milliseconds:.1f} ms")
    assert len(asked_of_it) <= MOST_QUERIES, "\n".join(q["sql"][:160] for q in asked_of_it)


def edited(acme, asked):
    receiving.ingest(acme, [said("m1", "Is the store open on Sunday?", version=1)], "poll")


def deleted(acme, asked):
    receiving.ingest(acme, [said("m1", "", version=2, deleted=True)], "poll")


def taken(acme, asked):
    triaging.take(asked, person("bob"))


def answered(acme, asked):
    replying.reply(asked, "We open at nine.", person("bob"))


def stopped(acme, asked):
    reply = replying.reply(asked, "We open at nine.", person("bob"))
    Reply.objects.filter(pk=reply.pk).update(state="blocked", reason="The channel is not connected.")


@pytest.mark.parametrize("change", [edited, deleted, taken, answered, stopped])
def test_whatever_changes_in_a_conversation_is_drawn_again(asked, acme, change):
    client = signed_in(person("alice"))
    url = address(text_of(client.get(f"/inbox/{asked.pk}/")), "log")
    assert part(client, url, "log").status_code == 204
    change(acme, asked)
    assert part(client, url, "log").status_code == 200


def test_the_list_tells_time(asked):
    """How long a customer has been waiting goes on, with nothing new in the conversation."""
    client = signed_in(person("alice"))
    url = address(text_of(client.get("/inbox/")), "conversations")
    Conversation.objects.update(waiting_since=asked.waiting_since - timedelta(days=3))
    assert part(client, url, "conversations").status_code == 200


def test_charlie_hears_of_no_change(asked):
    stamp = queries.stamp(person("alice"), asked.pk)
    url = f"/inbox/{asked.pk}/?stamp={stamp}"
    assert part(signed_in(person("alice")), url, "log").status_code == 204
    assert part(signed_in(person("charlie")), url, "log").status_code == 404


def test_an_answer_that_leaves_between_the_two_reads_of_a_page_is_on_it_all_the_same(asked, acme, monkeypatch):
    reply = replying.reply(asked, "We open at nine.", person("alice"))
    rows = Reply.objects.filter(pk=reply.pk)
    rows.update(state="sending", lease_until=Now(), fence=1)
    reads = []

    def then_it_leaves(read):
        def reading(conversation, *rest):
            if conversation == asked:
                reads.append(read)
                if len(reads) == 2:
                    rows.update(state="done", lease_until=None, remote_id="r1")
                    asked.messages.create(
                        channel=acme, remote_id="r1", direction="out", text=reply.text, at=timezone.now(), reply=reply
                    )
            return read(conversation, *rest)

        return reading

    for name in ("_said", "_in_sight"):
        monkeypatch.setattr(queries, name, then_it_leaves(getattr(queries, name)))
    shown = queries.thread(asked)
    assert len(reads) == 2
    assert [message.text for message in shown.messages if message.reply] == [reply.text]
    assert shown.replies == []
