"""A reply whose answer was lost, refused or never given: found or shown to a person, and not sent twice."""

import http.client
import json
from urllib.parse import urlsplit

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from inbox import replying
from inbox.models import Message
from tests.inbox.steps import TEXT, actions, drain, ended, replies_over_there

pytestmark = pytest.mark.django_db(transaction=True)


def naive(network) -> int:
    """How often an answer stands there that was sent as one would write it in an afternoon: again, until it worked."""
    account = network.account("naive")
    comment = network.say(account["id"], "And on Sunday?")
    headers = {"Authorization": f"Bearer {account['token']}", "Content-Type": "application/json"}
    for _ in range(5):
        line = http.client.HTTPConnection(urlsplit(network.url).netloc, timeout=5)
        try:
            line.request("POST", f"/api/v1/comments/{comment['id']}/replies", json.dumps({"text": "Naive."}), headers)
            json.loads(line.getresponse().read())["id"]
            break
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            continue
        finally:
            line.close()
    return sum("Naive." in each["text"] for each in replies_over_there(network))


@pytest.mark.parametrize("fault", ["reset_after", "error_after", "garbage"])
def test_a_reply_whose_answer_is_lost_is_found_and_not_sent_twice(asked, alice, network, fault):
    network.fault(fault, match={"method": "POST", "path": "/replies"})
    reply = replying.reply(asked, TEXT, alice)
    drain()

    reply.refresh_from_db()
    assert reply.state == "done", reply.reason
    assert len(replies_over_there(network)) == 1
    assert Message.objects.filter(direction="out").count() == 1
    assert "reply.unknown" in actions(asked)

    network.fault(fault, match={"method": "POST", "path": "/replies"})
    assert naive(network) == 2, "the control: a fault that harms nobody proves nothing"


def test_a_reply_that_never_arrived_is_sent_again(asked, alice, network):
    network.fault("reset_before", match={"method": "POST", "path": "/replies"})
    reply = replying.reply(asked, TEXT, alice)
    drain()

    reply.refresh_from_db()
    assert (reply.state, len(replies_over_there(network))) == ("done", 1)


def test_what_the_network_refuses_stays_in_sight_with_its_text(asked, alice, network):
    network.delete(asked.messages.get().remote_id)
    reply = replying.reply(asked, TEXT, alice)
    drain()

    reply.refresh_from_db()
    assert (reply.state, reply.text) == ("failed", TEXT)
    assert alice.notifications.filter(kind="reply.failed").exists()
    replying.cancel(reply, alice)


def test_where_nobody_can_know_a_person_says_that_it_is_out(asked, alice, network):
    reply = replying.reply(asked, TEXT, alice)
    ended(reply, "needs_human")
    with pytest.raises(ValidationError):
        replying.cancel(reply, alice)
    with pytest.raises(ValidationError, match="https"):
        replying.confirm(reply, alice, "javascript:alert(1)")
    replying.confirm(reply, alice, "https://sandbox.test/1")

    reply.refresh_from_db()
    asked.refresh_from_db()
    assert (reply.state, reply.human_confirmed_by, reply.message.text) == ("done", alice, TEXT)
    assert (asked.state, asked.waiting_since) == ("pending", None)


def test_sending_again_what_may_be_out_takes_a_second_person(asked, alice, bob, network):
    reply = replying.reply(asked, TEXT, alice)
    ended(reply, "needs_human")
    with pytest.raises(PermissionDenied, match="Somebody else"):
        replying.send_again(reply, alice)
    replying.send_again(reply, bob)
    drain()

    reply.refresh_from_db()
    assert (reply.state, reply.answerable, len(replies_over_there(network))) == ("done", bob, 1)
