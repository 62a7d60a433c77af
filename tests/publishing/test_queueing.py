"""Slots and the queue of a channel: the next free one, changing places, and what a slot's change moves."""

import threading
from datetime import UTC, datetime, time, timedelta
from time import sleep
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError

from channels_registry.models import Channel
from publishing import drafting, queueing, scheduling, silencing
from publishing.models import Publication
from socialops.lib import wall_clock
from tests import factories
from tests.publishing.steps import agree, at_once, page, staffed, trail, write

ZONES = (
    "Europe/Berlin", "America/New_York", "America/Santiago", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Beirut",
)  # fmt: skip


@pytest.fixture
def paris(acme):
    Channel.objects.filter(pk=acme.pk).update(time_zone="Europe/Paris")
    acme.refresh_from_db()
    return acme


@pytest.fixture
def slots(paris, dana):
    """Every day at nine, and at seventeen on Mondays."""
    every = [queueing.add_slot(paris, day, time(9), dana) for day in range(7)]
    return [*every, queueing.add_slot(paris, 0, time(17), dana)]


@pytest.fixture
def queued(slots, paris, alice, bob, dana):
    """Three posts in the queue, in order."""
    return [queue(write(alice, [paris], f"Words {n}", title=f"Post {n}"), alice, bob, dana) for n in range(3)]


def queue(post, alice, bob, dana) -> Publication:
    return queueing.add_to_queue(agree(post, alice, bob).variants.get(), dana)


def test_each_takes_the_next_free_slot_at_the_channels_wall_time(queued, slots, paris):
    times = [one.due_at for one in queued]
    assert times == sorted(set(times))
    for one in queued:
        local = one.due_at.astimezone(ZoneInfo("Europe/Paris"))
        assert (local.hour, one.time_zone) in ((9, "Europe/Paris"), (17, "Europe/Paris"))
        assert one.slot.weekday == local.weekday()
    assert trail(queued[0]) == ["publication.scheduled", "publication.queued"]


def test_what_somebody_scheduled_by_hand_takes_its_slot(queued, paris, alice, bob, dana):
    last = queued[-1].due_at.astimezone(ZoneInfo("Europe/Paris")).replace(tzinfo=None)
    following = last.replace(hour=9) + timedelta(days=1)
    by_hand = agree(write(alice, [paris], "By hand"), alice, bob)
    scheduling.schedule(by_hand.variants.get(), following, "Europe/Paris", dana)
    one = queue(write(alice, [paris], "Queued"), alice, bob, dana)
    assert one.due_at.astimezone(ZoneInfo("Europe/Paris")).replace(tzinfo=None) > following


def test_a_slot_in_a_blackout_is_passed_over(slots, paris, alice, bob, dana):
    gina = factories.person("gina", "social_lead")
    now = datetime.now(UTC)
    silencing.declare_blackout(gina, now, now + timedelta(days=5), "Quiet")
    assert queue(write(alice, [paris], "Queued"), alice, bob, dana).due_at >= now + timedelta(days=5)


def test_without_slots_nothing_is_queued(acme, approved, dana):
    with pytest.raises(ValidationError, match="No slot is free"):
        queueing.add_to_queue(approved.variants.get(), dana)


def test_charlie_changes_no_queue(queued, slots, paris, charlie):
    for act in (
        lambda: queueing.add_slot(paris, 3, time(11), charlie),
        lambda: queueing.change_slot(slots[0], 3, time(11), charlie),
        lambda: queueing.remove_slot(slots[0], charlie),
        lambda: queueing.swap(queued[0], charlie, earlier=False),
    ):
        with pytest.raises(PermissionDenied):
            act()


def test_two_change_places(queued, dana):
    first, second, third = queued
    queueing.swap(first, dana, earlier=False)
    order = list(queueing.queue_of(first.channel))
    assert order == [second, first, third]
    assert [one.due_at for one in order] == [first.due_at, second.due_at, third.due_at]
    with pytest.raises(ValidationError, match="nothing in the queue"):
        queueing.swap(second, dana, earlier=True)


def test_a_time_by_hand_leaves_the_queue(queued, dana):
    scheduling.reschedule(queued[1], datetime(2027, 6, 1, 12), "UTC", dana)
    assert queued[1] not in queueing.queue_of(queued[1].channel)


def test_a_slots_change_moves_what_stands_in_it_and_nothing_else(queued, dana, bob):
    middle = queued[1]
    before = {one.pk: one.due_at for one in queued}
    moved = queueing.change_slot(middle.slot, middle.slot.weekday, time(10, 30), dana)
    assert moved == [middle]
    middle.refresh_from_db()
    assert middle.due_at.astimezone(ZoneInfo("Europe/Paris")).time() == time(10, 30)
    assert middle.answerable == dana
    assert trail(middle)[-1] == "publication.retimed"
    for one in (queued[0], queued[2]):
        one.refresh_from_db()
        assert one.due_at == before[one.pk]


def test_a_post_that_may_not_go_out_at_the_new_time_does_not_keep_the_slot_from_changing(queued, dana, monkeypatch):
    second, refuse = queued[1], scheduling.refuse_at

    def rights_end(publication, instant, zone):
        if publication.pk == second.pk:
            raise ValidationError({"wall_time": "The rights to its picture end before."})
        refuse(publication, instant, zone)

    monkeypatch.setattr(scheduling, "refuse_at", rights_end)
    slot, was = second.slot, second.due_at
    moved = queueing.change_slot(slot, slot.weekday, time(11), dana)
    second.refresh_from_db()
    assert second.pk not in [one.pk for one in moved]
    assert (second.due_at, second.slot) == (was, None)  # it stays at its time, as if by hand
    slot.refresh_from_db()
    assert slot.at == time(11)


def test_a_slot_that_is_removed_sends_what_stands_in_it_to_the_next_free_one(queued, dana):
    last = max(one.due_at for one in queued)
    (moved,) = queueing.remove_slot(queued[0].slot, dana)
    assert moved == queued[0]
    moved.refresh_from_db()
    assert moved.due_at > last
    assert moved.slot is not None


def test_the_page_queues_moves_and_names_what_moved(queued, slots, paris, dana, alice, bob):
    client = factories.signed_in(dana)
    html = page(client, f"/channels/{paris.pk}/queue/")
    assert html.index("Post 0") < html.index("Post 1")
    assert "Earlier: Post 0" not in html
    client.post(f"/publications/{queued[0].pk}/queue/", {"later": "yes"})
    html = page(client, f"/channels/{paris.pk}/queue/")
    assert html.index("Post 1") < html.index("Post 0")
    first = queueing.queue_of(paris).first()
    sent = {f"slot{first.slot_id}-weekday": first.slot.weekday, f"slot{first.slot_id}-at": "11:15"}
    answer = client.post(f"/slots/{first.slot_id}/", sent, follow=True)
    assert "1 moved with it: “Post 1”." in answer.content.decode()
    bent = client.post(f"/channels/{paris.pk}/queue/", {"weekday": "9", "at": "25:00"})
    assert bent.status_code == 422
    post = agree(write(alice, [paris], "From the page", title="Paged"), alice, bob)
    client.post(f"/variants/{post.variants.get().pk}/queue/")
    assert Publication.objects.get(variant__post=post).slot is not None


@pytest.mark.parametrize("zone", ZONES)
def test_slots_keep_their_wall_time_through_every_change_of_clocks(paris, dana, zone):
    """Each day of thirteen years: nine o'clock is nine o'clock; a time that is skipped moves by the gap, once."""
    Channel.objects.filter(pk=paris.pk).update(time_zone=zone)
    paris.refresh_from_db()
    for day in range(7):
        for at in (time(0, 30), time(2, 30), time(9)):
            queueing.add_slot(paris, day, at, dana)
    for start in range(2025, 2038):
        for month in (1, 3, 4, 9, 10, 11):
            found = list(queueing.occurrences(paris, datetime(start, month, 1, tzinfo=UTC)))
            instants = [wall_clock.read(wall, zone).instant for _, wall in found]
            assert instants == sorted(instants)
            assert len({wall for _, wall in found}) == len(found)
            for instant, (slot, wall) in zip(instants, found, strict=True):
                shown = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
                assert shown == wall or wall_clock.read(wall, zone).skipped == shown - wall
                assert slot.at == wall.time()


def test_an_edit_and_a_change_of_places_at_once_wait_for_each_other(fresh_database, monkeypatch):
    acme = staffed(factories.channel("sandbox", name="Acme"))
    alice, bob, dana = (factories.person(name) for name in ("alice", "bob", "dana"))
    for day in range(3):
        queueing.add_slot(acme, day, time(9), dana)
    first, second = (queue(write(alice, [acme], f"Words {n}"), alice, bob, dana) for n in range(2))
    post = first.variant.post
    take_back, has_post = scheduling.return_to_author, threading.Event()

    def slowly(*said):
        has_post.set()
        sleep(0.7)
        return take_back(*said)

    monkeypatch.setattr(scheduling, "return_to_author", slowly)

    def swap():
        has_post.wait(10)
        return queueing.swap(second, dana, earlier=True)

    said = at_once(lambda: drafting.edit_post(post, alice, expected_revision=1, text="Other words"), swap)
    assert not [each for each in said if isinstance(each, DatabaseError)]
    assert Publication.objects.filter(variant__post=post).get().state == "cancelled"
