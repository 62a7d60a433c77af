"""Whose conversation it is, and what opens and closes it."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import AuditEvent
from inbox import receiving, triaging
from inbox.models import Conversation
from inbox.models.conversation import CONVERSATION_MOVES
from tests.factories import channel, departed, grant, person
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


@pytest.mark.parametrize("state", ["pending", "snoozed", "resolved"])
def test_a_new_message_reopens(acme, state):
    bob = person("bob")
    grant(acme, bob, "responder")
    take(acme, said("m1"))
    conversation = Conversation.objects.get()
    if state == "resolved":
        triaging.resolve(conversation, bob)
    elif state == "snoozed":
        triaging.snooze(conversation, timezone.now() + timedelta(days=1), bob)
    else:
        take(acme, said("m2", "Yes.", minute=1, author="acme", in_reply_to="m1"))
    conversation.refresh_from_db()
    assert conversation.state == state

    take(acme, said("m9", "Hello?", minute=30))

    conversation.refresh_from_db()
    assert (conversation.state, conversation.snoozed_until, conversation.resolved_at) == ("open", None, None)
    asked_at = NINE + timedelta(minutes=0 if state == "snoozed" else 30)
    assert conversation.waiting_since == asked_at
    assert AuditEvent.objects.filter(action="conversation.reopened", actor=None).count() == 1


def test_a_message_that_comes_late_still_waits_though_we_answered_a_later_one(acme):
    """It was on its way while we answered: nobody here has read it."""
    take(acme, said("m2", minute=10))
    bob = person("bob")
    grant(acme, bob, "responder")
    triaging.resolve(Conversation.objects.get(), bob)
    take(acme, said("m1", minute=0))

    assert Conversation.objects.get().waiting_since == NINE


def test_what_reopens_does_not_go_back_to_somebody_who_left(acme):
    dana, bob = person("dana"), person("bob")
    grant(acme, dana, "responder")
    grant(acme, bob, "responder")
    take(acme, said("m1"))
    conversation = Conversation.objects.get()
    triaging.assign(conversation, dana, bob)
    triaging.resolve(conversation, bob)
    departed(dana)

    take(acme, said("m2", minute=3))

    conversation.refresh_from_db()
    assert (conversation.state, conversation.assigned_to) == ("open", None)
    assert "left" in conversation.assignments.last().reason


@pytest.fixture
def asked(acme):
    """A conversation that waits on a channel where alice and bob may answer, and charlie may not."""
    grant(acme, person("alice"), "responder")
    grant(acme, person("bob"), "responder")
    person("charlie")
    take(acme, said("m1"))
    return Conversation.objects.get()


def events(action):
    return AuditEvent.objects.filter(action=action)


def test_assigning_is_kept_and_the_one_who_is_asked_is_told(asked):
    alice, bob = person("alice"), person("bob")
    triaging.assign(asked, bob, alice)
    triaging.assign(asked, alice, bob, "night shift")
    triaging.assign(asked, None, alice)

    asked.refresh_from_db()
    assert asked.assigned_to is None
    assert [(a.to, a.by, a.reason) for a in asked.assignments.all()] == [
        (bob, alice, ""),
        (alice, bob, "night shift"),
        (None, alice, ""),
    ]
    assert bob.notifications.get().url == f"/inbox/{asked.pk}/"
    assert events("conversation.assigned").count() == 3


def test_taking_what_one_has_already_is_no_second_event(asked):
    alice = person("alice")
    triaging.take(asked, alice)
    triaging.take(asked, alice)

    assert events("conversation.assigned").count() == 1
    assert not alice.notifications.exists()


def test_nobody_is_asked_who_may_not_answer(asked):
    with pytest.raises(ValidationError, match="Charlie may not answer"):
        triaging.assign(asked, person("charlie"), person("alice"))


VERBS = {
    "assign": lambda c, by: triaging.assign(c, person("bob"), by),
    "take": triaging.take,
    "resolve": triaging.resolve,
    "reopen": triaging.reopen,
    "snooze": lambda c, by: triaging.snooze(c, timezone.now() + timedelta(hours=1), by),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("who", ["charlie", "viewer", "dana"])
def test_charlie_a_viewer_and_a_leaver_may_not(asked, verb, who):
    outsider = person(who)
    if who == "viewer":
        grant(asked.channel, outsider, "viewer")
    if who == "dana":
        grant(asked.channel, outsider, "responder")
        departed(outsider)
    with pytest.raises(PermissionDenied):
        VERBS[verb](asked, outsider)
    asked.refresh_from_db()
    assert (asked.state, asked.assigned_to) == ("open", None)


def test_resolving_leaves_nobody_waiting_and_reopening_brings_them_back(asked):
    alice = person("alice")
    triaging.resolve(asked, alice)
    asked.refresh_from_db()
    assert (asked.state, asked.waiting_since) == ("resolved", None)
    assert asked.resolved_at is not None

    triaging.reopen(asked, alice)
    asked.refresh_from_db()
    assert (asked.state, asked.waiting_since, asked.resolved_at) == ("open", NINE, None)
    assert events("conversation.resolved").get().actor == alice
    assert events("conversation.reopened").get().actor == alice


def test_reopening_brings_back_nobody_whom_an_earlier_resolve_settled(asked, acme):
    """Yesterday's question was resolved without an answer; Undo of today's is about today's."""
    alice = person("alice")
    triaging.resolve(asked, alice)
    take(acme, said("m2", minute=40))
    for _ in range(2):
        triaging.resolve(asked, alice)
        triaging.reopen(asked, alice)
    asked.refresh_from_db()
    assert (asked.state, asked.waiting_since) == ("open", NINE + timedelta(minutes=40))


def test_after_a_resolve_only_the_new_message_waits(asked, acme):
    triaging.resolve(asked, person("alice"))
    take(acme, said("m2", minute=40))

    asked.refresh_from_db()
    assert (asked.state, asked.waiting_since) == ("open", NINE + timedelta(minutes=40))


def test_a_message_that_came_while_reading_is_not_resolved_away(asked, acme):
    seen = asked.messages.get().pk
    take(acme, said("m2", minute=1))
    with pytest.raises(ValidationError, match="wrote again"):
        triaging.resolve(asked, person("alice"), seen=seen)


def test_resolving_twice_says_what_happened(asked):
    triaging.resolve(asked, person("alice"))
    with pytest.raises(ValidationError, match="resolved"):
        triaging.resolve(asked, person("bob"))


def test_snoozing_ends_by_itself_and_never_stops_the_customers_clock(asked):
    alice = person("alice")
    with pytest.raises(ValidationError):
        triaging.snooze(asked, timezone.now() - timedelta(minutes=1), alice)
    triaging.snooze(asked, timezone.now() + timedelta(seconds=0.2), alice)
    asked.refresh_from_db()
    assert (asked.state, asked.waiting_since) == ("snoozed", NINE)
    assert triaging.wake() == 0

    Conversation.objects.update(snoozed_until=NINE)
    assert triaging.wake() == 1
    asked.refresh_from_db()
    assert (asked.state, asked.snoozed_until) == ("open", None)
    assert events("conversation.woken").get().actor is None


def test_a_leavers_conversations_go_to_the_backup_owner(asked, acme):
    dana, bob = person("dana"), person("bob")
    grant(acme, dana, "responder")
    acme.backup_owner = bob
    acme.save()
    triaging.assign(asked, dana, bob)
    departed(dana)

    assert triaging.hand_over(dana, None) == 1
    assert triaging.hand_over(dana, None) == 0
    asked.refresh_from_db()
    assert asked.assigned_to == bob
    assert events("conversation.assigned").last().data["to"] == bob.pk


@pytest.mark.parametrize("backup", ["charlie", "left", "nobody"])
def test_without_a_backup_who_may_answer_they_are_everybodys(asked, acme, backup):
    dana, bob = person("dana"), person("bob")
    grant(acme, dana, "responder")
    acme.backup_owner = {"charlie": person("charlie"), "left": person("hugo"), "nobody": None}[backup]
    acme.save()
    if backup == "left":
        grant(acme, acme.backup_owner, "responder")
        departed(acme.backup_owner)
    triaging.assign(asked, dana, bob)
    departed(dana)

    triaging.hand_over(dana, bob)

    asked.refresh_from_db()
    assert asked.assigned_to is None
    assert asked.assignments.last().by == bob


STATES = ["open", "pending", "snoozed", "resolved"]


@pytest.mark.parametrize("after", STATES)
@pytest.mark.parametrize("before", STATES)
def test_the_database_refuses_undeclared_moves(asked, before, after):
    reach = {"open": [], "pending": ["pending"], "snoozed": ["snoozed"], "resolved": ["resolved"]}[before]
    for state in reach:
        Conversation.objects.filter(pk=asked.pk).update(state=state)
    legal = before == after or after in CONVERSATION_MOVES[before]
    if legal:
        Conversation.objects.filter(pk=asked.pk).update(state=after)
    else:
        with pytest.raises(IntegrityError, match="not a declared transition"), transaction.atomic():
            Conversation.objects.filter(pk=asked.pk).update(state=after)
