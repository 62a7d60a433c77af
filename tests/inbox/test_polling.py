"""Reading a real network by poll: in time, whole, once, whatever order it lists things in."""

import time
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from channels_registry.models import Connection
from inbox import polling, receiving
from inbox.models import Conversation, InboundEvent, Message, PollCursor
from inbox.watching import Watch
from tests.inbox.messages import said

pytestmark = pytest.mark.django_db(transaction=True)


def read(seconds: float = 0.6) -> Watch:
    """A short shift of reading, as the worker runs it."""
    watch = Watch(seconds=seconds)
    assert watch.run()
    return watch


def due_now():
    PollCursor.objects.update(due_at=Now())


def texts():
    return list(Message.objects.order_by("pk").values_list("text", flat=True))


def test_what_is_said_over_there_is_in_the_inbox(shop, network):
    network.say(shop.remote_id, "Is the store open?", name="Marie")
    read()

    conversation = Conversation.objects.get()
    assert (conversation.contact.name, conversation.state, texts()) == ("Marie", "open", ["Is the store open?"])
    assert {c.kind for c in PollCursor.objects.all()} == {"comments", "mentions"}
    assert all(c.last_read_at and not c.trouble and not c.lease_until for c in PollCursor.objects.all())


def test_within_ten_seconds_at_the_pace_of_production(shop, network, settings):
    settings.PACE = 1.0
    read()
    began = time.monotonic()
    network.say(shop.remote_id, "Hello?")
    Watch(seconds=7).run()  # the same that a worker goes on doing

    assert texts() == ["Hello?"]
    lag = Message.objects.get().received_at - timezone.now() + timedelta(seconds=time.monotonic() - began)
    assert lag < timedelta(seconds=10)


def test_edits_and_deletions_are_read_too(shop, network):
    said = network.say(shop.remote_id, "frist")
    gone = network.say(shop.remote_id, "nobody saw me", name="Paul")
    read()
    network.edit(said["id"], "first")
    network.delete(gone["id"])
    due_now()
    read()

    message = Message.objects.get(remote_id=said["id"])
    assert (message.text, message.history) == ("first", [{"version": 0, "text": "frist"}])
    assert Message.objects.get(remote_id=gone["id"]).deleted_at is not None


def test_many_pages_are_read_in_one_go(shop, network):
    for number in range(130):
        network.say(shop.remote_id, f"message {number}", name=f"Visitor{number % 9}")
    read(1.5)

    assert Message.objects.count() == 130


@pytest.mark.parametrize("fault", ["out_of_order", "duplicates"])
def test_a_list_in_a_false_order_or_with_repeats_comes_in_whole_and_once(shop, network, fault):
    network.fault(fault, count=-1, match={"path": "/comments", "method": "GET"})
    for number in range(60):
        network.say(shop.remote_id, f"message {number}")
    read(1.0)

    assert sorted(texts()) == sorted(f"message {number}" for number in range(60))


def test_what_moved_between_pages_is_found_by_the_overlap(shop, network):
    """The network left half of a page out once; ten minutes are read again, so it comes in all the same."""
    network.say(shop.remote_id, "before")
    read()
    network.fault("half_list", count=1, match={"path": "/comments", "method": "GET"})
    for number in range(4):
        network.say(shop.remote_id, f"message {number}", name=f"V{number}")
    PollCursor.objects.filter(kind="mentions").update(due_at=Now())
    read(0.3)
    assert len(texts()) < 5

    long_ago = (timezone.now() - timedelta(minutes=20)).isoformat()
    for row in PollCursor.objects.all():
        PollCursor.objects.filter(pk=row.pk).update(marks=[[long_ago, "0"]], swept_at=None, due_at=Now())
    read()

    assert sorted(texts()) == ["before", *(f"message {number}" for number in range(4))]
    assert PollCursor.objects.get(kind="mentions").swept_at is not None


def test_a_lost_webhook_heals_by_the_next_poll(shop, network):
    receiving.ingest(shop, [said("from-webhook", author="paul")], "webhook")
    network.say(shop.remote_id, "the webhook of this one was lost")
    read()

    assert "the webhook of this one was lost" in texts()


def test_a_cursor_the_network_forgot_is_begun_again_and_repeats_nothing(shop, network, monkeypatch):
    from channels_registry.connector.errors import Refused
    from channels_registry.networks.sandbox import Sandbox

    network.say(shop.remote_id, "one")
    read()
    original = Sandbox.fetch

    async def forgetful(self, access, kind, cursor):
        if cursor:
            raise Refused("This cursor has expired.")
        return await original(self, access, kind, cursor)

    monkeypatch.setattr(Sandbox, "fetch", forgetful)
    network.say(shop.remote_id, "two")
    due_now()
    read()

    assert texts() == ["one", "two"]
    assert not PollCursor.objects.exclude(trouble="").exists()


def test_a_dead_connection_says_so_and_drops_nothing(shop, network):
    read()
    token = network.account("other")["token"]
    network.fault("dead_token", count=-1)
    network.say(shop.remote_id, "written while we were out")
    due_now()
    read(1.0)

    assert Connection.objects.get(channel=shop, remote_id=shop.remote_id).state == "disconnected"
    trouble = PollCursor.objects.first().trouble
    assert "Connect" in trouble
    assert "Nothing is lost" in trouble
    assert token

    network.no_faults()
    Connection.objects.filter(channel=shop).update(state="live")
    due_now()
    read()
    assert texts() == ["written while we were out"]
    assert not PollCursor.objects.exclude(trouble="").exists()


def test_a_renewed_access_that_is_refused_all_the_same_is_a_failure(shop, network, monkeypatch, settings):
    """Renewing works, reading does not: that is not renewed every five seconds for ever, and nothing was read."""
    from channels_registry.connector.errors import Disconnected
    from channels_registry.networks.sandbox import Sandbox

    read()
    before = {c.pk: c.last_read_at for c in PollCursor.objects.all()}
    version = Connection.objects.get(channel=shop).secret_version

    async def refuse(self, access, kind, cursor):
        raise Disconnected("This access has ended.")

    monkeypatch.setattr(Sandbox, "fetch", refuse)
    pauses = []
    for _ in range(polling.TELLS_AFTER):
        due_now()
        read(0.3)
        pauses.append(min((c.due_at - timezone.now()).total_seconds() for c in PollCursor.objects.all()))
    renewed = Connection.objects.get(channel=shop)
    assert renewed.state == "live"
    assert renewed.secret_version > version
    assert {c.pk: c.last_read_at for c in PollCursor.objects.all()} == before
    assert pauses == sorted(pauses)
    assert pauses[-1] > polling.INTERVAL * settings.PACE
    assert all("does not accept the access" in c.trouble for c in PollCursor.objects.all())

    monkeypatch.undo()
    network.say(shop.remote_id, "written meanwhile")
    due_now()
    read()
    assert texts() == ["written meanwhile"]
    assert not PollCursor.objects.exclude(trouble="", failures=0).exists()


def test_a_hiccup_is_not_called_a_broken_connection(shop, network):
    read()
    network.fault("error_before", count=2, match={"path": "/comments"})
    due_now()
    read(0.3)

    assert Connection.objects.get(channel=shop).state == "live"
    assert not PollCursor.objects.exclude(trouble="").exists()


def test_two_shifts_never_read_at_once_and_a_dead_workers_lease_ends(shop, network):
    read()
    due_now()
    mine = polling.claim(10, _reach())
    assert len(mine) == 2
    assert polling.claim(10, _reach()) == []

    PollCursor.objects.update(lease_until=Now() - timedelta(seconds=1), due_at=Now())
    theirs = polling.claim(10, _reach())
    assert len(theirs) == 2
    polling.settle([reading.ended() for reading in mine])  # comes back from the dead
    assert PollCursor.objects.exclude(lease_until=None).count() == 2


def test_garbage_is_told_after_a_while_and_never_stored(shop, network):
    read()
    network.fault("garbage", count=-1, match={"path": "/comments"})
    for _ in range(polling.TELLS_AFTER):
        due_now()
        read(0.3)

    assert not InboundEvent.objects.exists()
    assert any(c.trouble for c in PollCursor.objects.all())


def _reach():
    from channels_registry.reaching import Reach

    return Reach(10)
