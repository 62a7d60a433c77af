"""The network accepted a reply, and said so after the row had moved on: it is not sent again, and a person says so."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse

from accounts.models import AuditEvent
from inbox import receiving, replying
from inbox.models import Conversation, Message, Reply
from tests.factories import departed
from tests.inbox.messages import said
from tests.inbox.steps import TEXT, ended, page, text_of
from tests.publishing.steps import came_late

pytestmark = pytest.mark.django_db
STATES = ["held", "blocked", "failed", "missed", "needs_human"]


@pytest.fixture
def reply(acme, dana):
    from tests.factories import grant

    grant(acme, dana, "responder")
    receiving.ingest(acme, [said("m1", "Is the store open?")], "poll")
    return replying.reply(Conversation.objects.get(), TEXT, dana)


@pytest.mark.parametrize("state", STATES)
def test_no_verb_sends_it_again_or_drops_it(reply, bob, state):
    ended(reply, state)
    came_late(reply)
    verbs = {
        "adopt": ["blocked"], "cancel": ["held", "blocked", "failed", "missed"],
        "send_again": ["held", "failed", "missed", "needs_human"],
    }  # fmt: skip
    for verb, states in verbs.items():
        if state in states:
            with pytest.raises(ValidationError, match="late answer"):
                getattr(replying, verb)(reply, bob)
    reply.refresh_from_db()
    assert reply.state == state


def test_without_a_late_answer_they_do(reply, bob, dana):
    departed(dana)
    ended(reply, "blocked")
    assert replying.adopt(reply, bob).state == "scheduled"


@pytest.mark.parametrize("state", STATES)
def test_a_person_says_that_it_is_out(reply, bob, state):
    ended(reply, state)
    if state != "needs_human":
        with pytest.raises(ValidationError, match="Nobody needs to look"):
            replying.confirm(reply, bob)
    came_late(reply, "there-1")
    replying.confirm(reply, bob, "https://there.test/there-1")
    reply.refresh_from_db()
    assert (reply.state, reply.remote_id, reply.human_confirmed_by) == ("done", "there-1", bob)
    assert reply.message.text == TEXT
    assert reply.conversation.waiting_since is None
    assert AuditEvent.objects.filter(action="reply.confirmed", actor=bob).count() == 1


def test_what_a_poll_has_brought_meanwhile_is_the_same_message(reply, acme, bob):
    ended(reply, "blocked")
    came_late(reply, "there-1")
    receiving.ingest(acme, [said("there-1", TEXT, author_id=acme.remote_id, in_reply_to="m1")], "poll")
    replying.confirm(reply, bob)
    assert Message.objects.get(direction="out").reply == reply


def test_charlie_says_nothing_of_it(reply, charlie):
    ended(reply, "blocked")
    came_late(reply)
    with pytest.raises(PermissionDenied):
        replying.confirm(reply, charlie)


def test_its_page_offers_that_and_nothing_else(reply):
    ended(reply, "blocked")
    address, url = f"/inbox/{reply.conversation_id}/", "https://there.test/late-1"
    assert url not in text_of(page("bob", address))
    came_late(reply)
    shown = text_of(page("bob", address))
    assert "says that it is out" in shown
    assert f'value="{url}"' in shown
    for verb in ("adoption", "resending", "cancellation"):
        assert reverse(f"reply_{verb}", args=[reply.pk]) not in shown
    assert reverse("reply_confirmation", args=[reply.pk]) in shown
    assert "Nothing was sent" not in shown


def test_the_database_refuses_to_send_it_again(reply):
    from django.db import IntegrityError, connection, transaction

    ended(reply, "blocked")
    came_late(reply)
    with pytest.raises(IntegrityError, match="not sent again"), transaction.atomic():
        Reply.objects.filter(pk=reply.pk).update(state="scheduled")
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
