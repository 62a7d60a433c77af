"""One way in: repeats, edits, deletions and hostile text, in whatever order they come."""

import random
import threading
import time

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import AuditEvent
from inbox import filing, receiving
from inbox.models import Contact, Conversation, InboundEvent, Message
from tests.factories import channel
from tests.inbox.messages import NINE, said

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme():
    made = channel("sandbox", handle="acme")
    made.remote_id = "id-acme"
    made.save()
    return made


def take(acme, *messages, source="poll"):
    return receiving.ingest(acme, messages, source)


def test_a_message_begins_a_conversation_and_the_trail_says_so(acme):
    assert take(acme, said("m1", "Is the store open?")) == receiving.Ingested(1, 0)

    conversation = Conversation.objects.get()
    assert (conversation.state, conversation.subject, conversation.preview) == (
        "open",
        "Is the store open?",
        "Is the store open?",
    )
    assert conversation.waiting_since == NINE
    assert conversation.messages.get().reply_to == {"comment": "m1"}
    event = AuditEvent.objects.get(action="conversation.opened")
    assert (event.subject_id, event.actor) == (str(conversation.pk), None)


def test_the_raw_event_is_kept_whole(acme):
    take(acme, said("m1", raw={"likes": 3}), source="webhook")

    event = InboundEvent.objects.get()
    assert (event.source, event.payload["raw"], event.payload["author_name"]) == ("webhook", {"likes": 3}, "Marie")
    assert event.processed_at is not None


def test_a_repeat_changes_nothing_whichever_way_it_comes(acme):
    take(acme, said("m1"))

    assert take(acme, said("m1"), source="webhook") == receiving.Ingested(0, 1)
    assert take(acme, said("m1"), said("m1")) == receiving.Ingested(0, 2)
    assert (
        Message.objects.count(),
        InboundEvent.objects.count(),
        AuditEvent.objects.filter(action__startswith="conversation.").count(),
    ) == (1, 1, 1)


def test_the_largest_version_wins_in_every_order_and_the_others_are_history(acme):
    first, second, third = said("m1", "one"), said("m1", "two", version=1), said("m1", "three", version=2)
    take(acme, second)
    take(acme, third, first)

    message = Message.objects.get()
    assert (message.text, message.version) == ("three", 2)
    assert [(each["version"], each["text"]) for each in message.history] == [(0, "one"), (1, "two")]


def test_a_deletion_keeps_the_text_and_nobody_waits_any_more(acme):
    take(acme, said("m1", "I take it back"))
    take(acme, said("m1", "", deleted=True))

    message = Message.objects.get()
    assert message.text == "I take it back"
    assert message.deleted_at is not None
    conversation = Conversation.objects.get()
    assert (conversation.waiting_since, conversation.state) == (None, "pending")
    assert conversation.preview == "Deleted by its author."


def test_a_deletion_that_comes_before_its_message_still_stands(acme):
    take(acme, said("m1", "", deleted=True, version=1))
    assert not Message.objects.exists()
    take(acme, said("m1", "never seen"))

    assert Message.objects.get().deleted_at is not None
    assert Conversation.objects.get().waiting_since is None


def test_our_own_words_are_never_a_customers(acme):
    take(acme, said("m1"))
    ours = said("m2", "We open at nine.", minute=5, author="acme", in_reply_to="m1")
    take(acme, ours, said("m3", "Our own post", author="acme"))

    assert list(Contact.objects.values_list("handle", flat=True)) == ["marie"]
    message = Message.objects.get(direction="out")
    assert (message.remote_id, message.conversation) == ("m2", Conversation.objects.get())
    conversation = Conversation.objects.get()
    assert (conversation.waiting_since, conversation.state, conversation.preview) == (
        None,
        "pending",
        "We open at nine.",
    )


HOSTILE = [
    "<script>alert(1)</script>",
    "nul \x00 inside",
    "lone \ud800 surrogate",
    "😀" * 1_000_000,
    "a\u202eb\u0301" * 50,
    "'; DROP TABLE inbox_message; --",
    "{{ settings.SECRET_KEY }}",
    "",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_stored_as_text_and_stops_nothing(acme, text):
    hostile = said("m1", text, author_name=text[:500], url=text[:5000], thread_id=text[:3000] or "t", raw={"a": text})
    take(acme, hostile, said("m2", "fine", author="sofia"))

    assert Message.objects.count() == 2
    kept = Message.objects.get(remote_id="m1")
    assert len(kept.text) <= receiving.LONGEST_TEXT
    assert "\x00" not in kept.text
    assert not InboundEvent.objects.exclude(trouble="").exists()


def test_long_ids_stay_different(acme):
    take(acme, said("x" * 500 + "1"), said("x" * 500 + "2"))

    assert Message.objects.count() == 2


def test_a_clock_that_is_ahead_over_there_does_not_pin_a_conversation_to_the_top(acme):
    take(acme, said("m1", minute=60 * 24 * 365 * 50))

    assert Conversation.objects.get().last_message_at <= timezone.now()


def test_one_event_that_cannot_be_filed_stands_in_nobodys_way(acme, monkeypatch):
    original = filing.file_events

    def choke(where, events):
        if any(event.remote_id == "poison" for event in events):
            raise ValueError("cannot read this")
        original(where, events)

    monkeypatch.setattr(filing, "file_events", choke)
    take(acme, said("m1"), said("poison"), said("m2"))

    assert set(Message.objects.values_list("remote_id", flat=True)) == {"m1", "m2"}
    assert "cannot read" in InboundEvent.objects.get(remote_id="poison").trouble


def test_what_was_stored_before_the_process_died_is_filed_by_the_next(acme):
    receiving.store(acme, [said("m1")], "webhook")
    assert [each.pk for each in receiving.channels_behind()] == [acme.pk]

    assert receiving.process(acme) == 1
    assert Message.objects.count() == 1
    assert receiving.channels_behind() == []


def test_the_same_person_on_two_channels_is_one_contact_with_two_conversations(acme):
    other = channel("sandbox", handle="acme-fr")
    take(acme, said("m1"))
    take(other, said("m1"))

    assert (Contact.objects.count(), Conversation.objects.count(), Message.objects.count()) == (1, 2, 2)


def test_a_thousand_messages_are_one_batch(acme, django_assert_max_num_queries):
    messages = [said(f"m{n}", minute=n % 600, author=f"author{n % 300}") for n in range(1000)]
    began = time.perf_counter()
    with django_assert_max_num_queries(45):
        take(acme, *messages)
    seconds = time.perf_counter() - began

    assert (Message.objects.count(), Conversation.objects.count()) == (1000, 300)
    assert seconds < 5, f"1,000 messages took {seconds:.2f} s"


def storm(seed: int, size: int):
    """Messages with edits and deletions, 30 % repeated, shuffled; and what must be left of them."""
    chance = random.Random(seed)
    events, final = [], {}
    for n in range(size):
        author, versions = f"author{n % 97}", chance.choices([1, 2, 3], [8, 1, 1])[0]
        told = [said(f"m{n}", f"text {n} v{v}", minute=n % 500, author=author, version=v) for v in range(versions)]
        gone = chance.random() < 0.05
        if gone:
            told.append(said(f"m{n}", "", minute=n % 500, author=author, version=versions, deleted=True))
        final[f"m{n}"] = (f"text {n} v{versions - 1}", versions - 1, gone)
        events += told
    repeats = chance.sample(events, len(events) * 3 // 10)
    shuffled = events + repeats
    chance.shuffle(shuffled)
    return shuffled, final, len(events)


@pytest.mark.parametrize(("seed", "size"), [(1, 6_000), (2, 700), (3, 700)])
def test_events_repeated_and_shuffled_come_out_exact(acme, seed, size):
    events, final, distinct = storm(seed, size)
    new = sum(
        receiving.ingest(acme, events[start : start + 500], "webhook").new for start in range(0, len(events), 500)
    )
    replayed = receiving.ingest(acme, events[: len(events) // 20], "webhook")  # the next day

    assert (new, replayed.new, InboundEvent.objects.count()) == (distinct, 0, distinct)
    kept = {m.remote_id: (m.text, m.version, m.deleted_at is not None) for m in Message.objects.all()}
    assert kept == final
    waits = dict(Conversation.objects.values_list("contact__handle", "waiting_since"))
    for author, since in waits.items():
        alive = [m.at for m in Message.objects.filter(conversation__contact__handle=author, deleted_at=None)]
        assert since == min(alive), author


@pytest.mark.django_db(transaction=True)
def test_a_webhook_and_a_poll_that_bring_the_same_at_once_make_one_message():
    acme = channel("sandbox", handle="acme")
    messages = [said(f"m{n}", author=f"a{n % 7}") for n in range(200)]
    results = []

    def bring(source):
        try:
            results.append(receiving.ingest(acme, messages, source).new)
        finally:
            connection.close()

    threads = [threading.Thread(target=bring, args=(source,)) for source in ("poll", "webhook", "poll", "webhook")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    receiving.process(acme)

    assert sum(results) == 200
    assert (Message.objects.count(), Conversation.objects.count()) == (200, 7)
