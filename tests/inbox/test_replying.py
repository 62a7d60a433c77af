"""Answering: once, by somebody who may, with five seconds to take it back, and never lost from sight."""

import threading
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from channels_registry import access
from channels_registry.models import AccessGrant, Connection
from inbox import receiving, replying
from inbox.models import Message, Reply
from publishing import campaigning, holding
from tests.factories import departed, grant, person
from tests.inbox.messages import said
from tests.inbox.steps import TEXT, actions, drain, replies_over_there

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_reply_stands_on_the_network_and_in_the_conversation(asked, alice, network):
    reply = replying.reply(asked, TEXT, alice)
    drain()

    reply.refresh_from_db()
    asked.refresh_from_db()
    assert (reply.state, reply.message.text, reply.message.direction) == ("done", TEXT, "out")
    assert [each["text"] for each in replies_over_there(network)] == ['{"text": "We open at nine."}']
    assert (asked.state, asked.waiting_since, asked.preview, asked.assigned_to) == ("pending", None, TEXT, alice)
    assert actions(asked) == ["conversation.opened", "conversation.assigned", "reply.written", "reply.sent"]


def test_it_waits_out_its_undo_and_can_be_taken_back(asked, alice, network):
    reply = replying.reply(asked, TEXT, alice)
    wait = reply.due_at - reply.created_at
    assert timedelta(seconds=0.2) <= wait <= timedelta(seconds=0.4), "five seconds, at a pace of 0.05"

    replying.cancel(reply, alice)
    drain()

    reply.refresh_from_db()
    assert reply.state == "cancelled"
    assert replies_over_there(network) == []
    assert actions(asked)[-1] == "reply.cancelled"


def test_at_the_pace_of_production_the_undo_is_five_seconds(asked, alice, settings):
    settings.PACE = 1.0
    reply = replying.reply(asked, TEXT, alice)

    assert 4.9 < (reply.due_at - reply.created_at).total_seconds() < 5.5


def test_what_is_out_cannot_be_taken_back(asked, alice):
    reply = replying.reply(asked, TEXT, alice)
    drain()
    with pytest.raises(ValidationError, match="already be out"):
        replying.cancel(reply, alice)


def test_the_same_form_twice_is_one_reply(asked, alice, bob):
    first = replying.reply(asked, TEXT, alice, token="form-1")
    assert replying.reply(asked, TEXT, alice, token="form-1") == first
    assert replying.reply(asked, TEXT, alice, token="form-2") != first


def test_a_double_click_at_the_same_instant_is_one_reply(asked, alice, network):
    made, start = [], threading.Barrier(4)

    def click():
        try:
            start.wait(10)
            made.append(replying.reply(asked, TEXT, alice, token="form-1").pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=click) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    drain()

    assert len(set(made)) == 1
    assert len(made) == 4
    assert len(replies_over_there(network)) == 1


@pytest.mark.parametrize("who", ["charlie", "viewer", "left"])
def test_who_may_not_answer_cannot(asked, who):
    outsider = person(who)
    if who == "viewer":
        grant(asked.channel, outsider, "viewer")
    if who == "left":
        grant(asked.channel, outsider, "responder")
        departed(outsider)
    with pytest.raises(PermissionDenied):
        replying.reply(asked, TEXT, outsider)
    assert not Reply.objects.exists()


@pytest.mark.parametrize("verb", ["cancel", "adopt", "send_again", "confirm"])
def test_charlie_may_do_nothing_with_a_reply(asked, alice, charlie, verb):
    reply = replying.reply(asked, TEXT, alice)
    with pytest.raises(PermissionDenied):
        getattr(replying, verb)(reply, charlie)


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "Write an answer"), ("   \n ", "Write an answer"), ("x" * 501, "Shorten it by 1")],
)
def test_a_text_the_network_would_refuse_is_refused_beside_the_field(asked, alice, text, words):
    with pytest.raises(ValidationError, match=words) as error:
        replying.reply(asked, text, alice)
    assert "text" in error.value.message_dict


def test_without_a_connection_nothing_is_promised(asked, alice):
    Connection.objects.update(state="disconnected")
    with pytest.raises(ValidationError, match="not connected"):
        replying.reply(asked, TEXT, alice)


def test_a_leavers_reply_is_stopped_until_somebody_takes_it_over(asked, dana, bob, network):
    reply = replying.reply(asked, TEXT, dana)
    departed(dana)
    drain()
    reply.refresh_from_db()
    assert (reply.state, replies_over_there(network)) == ("blocked", [])
    assert "left" in reply.reason

    replying.adopt(reply, bob)
    drain()
    reply.refresh_from_db()
    assert (reply.state, reply.answerable) == ("done", bob)
    assert "reply.adopted" in actions(asked)


def test_losing_the_right_stops_it_at_the_minute(asked, alice, network):
    reply = replying.reply(asked, TEXT, alice)
    access.revoke(AccessGrant.objects.get(person=alice), person("erin"), "moved on")
    drain()

    reply.refresh_from_db()
    assert (reply.state, replies_over_there(network)) == ("blocked", [])


def test_a_hold_stops_replies_and_lifting_it_sends_nothing(asked, alice, network):
    lead = person("gina", "social_lead")
    hold = holding.place(lead, "wrong price in public")
    reply = replying.reply(asked, TEXT, alice)
    Reply.objects.update(due_at=Now(), next_attempt_at=Now())
    holding.lift(hold, lead)
    drain()
    reply.refresh_from_db()
    assert (reply.state, replies_over_there(network)) == ("held", [])

    replying.send_again(reply, alice)
    drain()
    reply.refresh_from_db()
    assert reply.state == "done"


def test_a_hold_of_a_campaign_or_a_tag_stops_no_reply(asked, alice, network):
    lead = person("gina", "social_lead")
    holding.place(lead, "wrong price", campaign=campaigning.create(lead, "Winter"))
    holding.place(lead, "wrong price", tag="boots")
    reply = replying.reply(asked, TEXT, alice)
    Reply.objects.update(due_at=Now(), next_attempt_at=Now())
    drain()
    reply.refresh_from_db()
    assert reply.state == "done"


def test_what_the_customer_wrote_while_we_were_typing_still_waits(asked, alice, shop):
    seen = asked.messages.get()
    receiving.ingest(
        shop,
        [
            said(
                "later",
                "And on Sunday?",
                thread_id=asked.thread_id,
                author="marie",
                minute=30,
                author_id=asked.contact.remote_id,
            )
        ],
        "webhook",
    )
    replying.reply(asked, TEXT, alice, to=seen)
    drain()

    asked.refresh_from_db()
    assert asked.state == "open"
    assert asked.waiting_since == Message.objects.get(remote_id="later").at


def test_our_reply_that_a_webhook_brings_first_is_one_message(asked, alice, shop, network):
    reply = replying.reply(asked, TEXT, alice)
    reply.refresh_from_db()
    drain()
    reply.refresh_from_db()
    receiving.ingest(
        shop,
        [said(reply.remote_id, TEXT, author_id=shop.remote_id, in_reply_to=asked.messages.first().remote_id)],
        "webhook",
    )

    assert Message.objects.filter(direction="out").count() == 1
    assert Message.objects.get(direction="out").reply == reply


def test_the_database_refuses_a_reply_that_jumps(asked, alice):
    reply = replying.reply(asked, TEXT, alice)
    for state in ("done", "unknown", "failed"):
        with pytest.raises(IntegrityError), transaction.atomic():
            Reply.objects.filter(pk=reply.pk).update(state=state)
