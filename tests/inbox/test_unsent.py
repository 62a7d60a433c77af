"""An answer that did not get out, on its page: beside it stands what is wrong, and what this reader can do."""

import pytest
from django.urls import reverse

from channels_registry.models import Connection
from inbox import queries, receiving, replying
from inbox.models import Conversation, Reply
from tests.factories import grant, person
from tests.inbox.messages import said
from tests.inbox.steps import ended, page, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(acme):
    receiving.ingest(acme, [said("m1", "Is the store open?")], "poll")
    return Conversation.objects.get()


@pytest.fixture
def reply(asked, alice):
    return replying.reply(asked, "We open at nine.", alice)


def buttons(html: str, reply) -> set[str]:
    verbs = ("confirmation", "resending", "adoption", "cancellation")
    return {verb for verb in verbs if reverse(f"reply_{verb}", args=[reply.pk]) in html}


def test_what_did_not_get_out_stays_in_sight(asked):
    alice = person("alice")
    reply = replying.reply(asked, "We open at nine.", alice)
    Reply.objects.filter(pk=reply.pk).update(state="blocked", reason="The channel is not connected. Connect it again.")
    shown = text_of(page("bob", f"/inbox/{asked.pk}/"))

    assert "We open at nine." in shown
    assert "not connected" in shown
    assert reverse("reply_adoption", args=[reply.pk]) in shown
    assert "Your answer to Marie cannot go out" in [w.title for w in queries.trouble(person("bob"))]


@pytest.mark.parametrize(
    ("state", "words", "verbs"),
    [
        ("unknown", "Socialops is finding out whether it is out", set()),
        ("failed", "Mend what the network says and send it again", {"resending", "cancellation"}),
        ("held", "Decide whether it still should be", {"resending", "cancellation"}),
        ("missed", "Decide whether it still should be", {"resending", "cancellation"}),
        ("blocked", "Decide whether it still should be", {"adoption", "cancellation"}),
    ],
)
def test_beside_it_stands_what_to_do(reply, state, words, verbs):
    ended(reply, state, "The network said no.")
    shown = text_of(page("bob", f"/inbox/{reply.conversation_id}/"))
    assert words in shown
    assert "The network said no." in shown
    assert buttons(shown, reply) == verbs


def test_on_a_channel_that_is_not_connected_the_way_is_to_connect_it(reply, acme):
    ended(reply, "blocked", "The channel is not connected. Connect it again.")
    Connection.objects.update(state="disconnected")
    shown = text_of(page("bob", f"/inbox/{reply.conversation_id}/"))
    assert f'href="/channels/{acme.pk}/">Connect Acme again' in shown
    assert buttons(shown, reply) == {"cancellation"}


def test_what_may_be_out_is_looked_for_and_sent_again_only_by_somebody_else(reply):
    ended(reply, "needs_human")
    wrote = text_of(page("alice", f"/inbox/{reply.conversation_id}/"))
    assert "Look on Acme whether your answer stands there" in wrote
    assert "somebody else has to look too" in wrote
    assert buttons(wrote, reply) == {"confirmation"}
    other = text_of(page("bob", f"/inbox/{reply.conversation_id}/"))
    assert buttons(other, reply) == {"confirmation", "resending"}


def test_who_may_only_read_is_offered_nothing(reply, acme):
    ended(reply, "failed", "The network said no.")
    grant(acme, person("vera"), "viewer")
    shown = text_of(page("vera", f"/inbox/{reply.conversation_id}/"))
    assert "The network said no." in shown
    assert buttons(shown, reply) == set()


def test_the_list_says_which_answer_needs_somebody(reply):
    assert "Answer needs somebody" not in text_of(page("bob"))
    ended(reply, "failed", "The network said no.")
    assert "Answer needs somebody" in text_of(page("bob"))


def test_an_answer_that_is_out_is_called_sent(reply):
    reply.state = "done"
    assert reply.get_state_display() == "Sent"
