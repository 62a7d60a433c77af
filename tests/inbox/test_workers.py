"""The whole way, with a real worker and beat: said over there, in the inbox within ten seconds, answered once."""

import time

import pytest

from inbox import replying
from inbox.models import Message
from tests.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_customer_is_heard_within_ten_seconds_and_answered(shop, network, alice, processes):
    worker = processes.worker(9, SOCIALOPS_PACE="1")  # one for each long shift, and one for the rest
    processes.beat()
    network.say(shop.remote_id, "first", name="Paul")
    wait_until(Message.objects.exists, "the first poll", worker.child, 60)

    began = time.monotonic()
    network.say(shop.remote_id, "Is the store open?", name="Marie")
    wait_until(lambda: Message.objects.filter(text="Is the store open?").exists(), "the message", worker.child, 30)
    heard = time.monotonic() - began
    print(f"in the inbox after {heard:.1f} s")
    assert heard < 10

    message = Message.objects.get(text="Is the store open?")
    reply = replying.reply(message.conversation, "We open at nine.", alice)
    wait_until(lambda: Message.objects.filter(reply=reply).exists(), "the reply to be sent", worker.child, 30)
    assert [each["created"] for each in network.arrivals()] == [True]
