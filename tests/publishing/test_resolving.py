"""Nobody could tell whether it is out: a person looks, and sending again takes two."""

import uuid
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from publishing import drafting, resolving, scheduling, silencing
from publishing.models import Publication
from socialops.lib.delivery.models import LATE_MOVES
from tests import factories
from tests.publishing.steps import came_late, plan, published, trail

URL = "https://network.test/posts/1"


@pytest.fixture
def asked(publication):
    """A publication that was sent, got no answer, and could not be found."""
    now = timezone.now()
    for state, lease in (("sending", now + timedelta(minutes=2)), ("unknown", None), ("needs_human", None)):
        Publication.objects.filter(pk=publication.pk).update(state=state, lease_until=lease, fence=1, due_at=now)
    publication.attempts.create(fence=1, started_at=now, deadline_at=now, outcome="unknown")
    publication.refresh_from_db()
    return publication


def brought(publication, state):
    """As the verbs and workers leave it."""
    rows = Publication.objects.filter(pk=publication.pk)
    if state == "failed":
        rows.update(state="sending", lease_until=timezone.now())
    rows.update(state=state, lease_until=None)


@pytest.fixture
def gina(acme):
    person = factories.person("gina")
    factories.grant(acme, person, "publisher")
    return person


def test_it_is_out_with_its_address_and_who_saw_it(asked, dana):
    resolving.confirm_out(asked, dana, URL)
    asked.refresh_from_db()
    assert (asked.state, asked.remote_url, asked.human_confirmed_by) == ("done", URL, dana)
    assert asked.attempts.get().outcome == "accepted"
    assert trail(asked)[-1] == "publication.confirmed"


@pytest.mark.parametrize("url", ["", "javascript:alert(1)", "not an address"])
def test_it_is_out_needs_an_address(asked, dana, url):
    with pytest.raises(ValidationError):
        resolving.confirm_out(asked, dana, url)


def test_a_second_person_sends_it_again_now(asked, gina):
    resolving.send_again(asked, gina)
    asked.refresh_from_db()
    assert asked.state == "scheduled"
    assert asked.next_attempt_at <= timezone.now() < asked.not_after
    assert asked.attempts.get().outcome == "proven_absent"
    assert trail(asked)[-1] == "publication.sent_again"


def test_who_answers_for_it_does_not_send_it_again_alone(asked, dana):
    with pytest.raises(PermissionDenied, match="somebody else"):
        resolving.send_again(asked, dana)


def test_changed_words_are_not_sent_again(asked, gina, alice):
    drafting.edit_post(asked.variant.post, alice, expected_revision=1, text="Other words")
    with pytest.raises(ValidationError):
        resolving.send_again(asked, gina)


def test_it_is_not_out_and_stays_so(asked, dana):
    resolving.confirm_absent(asked, dana)
    asked.refresh_from_db()
    assert asked.state == "failed"
    assert str(dana) in asked.reason
    assert trail(asked)[-1] == "publication.found_absent"


@pytest.mark.parametrize("verb", ["confirm_out", "confirm_absent", "send_again"])
def test_charlie_decides_nothing(asked, charlie, verb):
    more = (URL,) if verb == "confirm_out" else ()
    with pytest.raises(PermissionDenied):
        getattr(resolving, verb)(asked, charlie, *more)


@pytest.mark.parametrize("verb", ["confirm_out", "confirm_absent", "send_again"])
def test_nothing_is_decided_while_nobody_asks(publication, gina, verb):
    more = (URL,) if verb == "confirm_out" else ()
    with pytest.raises(ValidationError, match="Nobody has to decide"):
        getattr(resolving, verb)(publication, gina, *more)


@pytest.mark.parametrize("state", sorted(LATE_MOVES))
def test_what_a_late_answer_says_to_be_out_a_person_confirms(publication, dana, state):
    """However it was stopped: until then nothing else can be done with it."""
    brought(publication, state)
    with pytest.raises(ValidationError, match="Nobody has to decide"):
        resolving.confirm_out(publication, dana, URL)
    came_late(publication)
    resolving.confirm_out(publication, dana, URL)
    publication.refresh_from_db()
    assert (publication.state, publication.remote_id, publication.remote_url) == ("done", "late-1", URL)
    assert publication.human_confirmed_by == dana
    assert trail(publication)[-1] == "publication.confirmed"


def test_charlie_confirms_no_late_answer(publication, charlie):
    brought(publication, "blocked")
    came_late(publication)
    with pytest.raises(PermissionDenied):
        resolving.confirm_out(publication, charlie, URL)


def test_a_late_answer_to_what_nobody_knew_leaves_one_way(asked, gina, dana):
    came_late(asked)
    for wrong in (resolving.confirm_absent, resolving.send_again):
        with pytest.raises(ValidationError, match="late answer"):
            wrong(asked, gina)
    resolving.confirm_out(asked, dana, URL)
    asked.refresh_from_db()
    assert (asked.state, asked.remote_id) == ("done", "late-1")


def test_an_id_that_another_post_has_is_not_taken_from_it(asked, dana):
    came_late(asked)
    twin = Publication.objects.get(pk=asked.pk)
    twin.pk, twin.key, twin.part, twin.state = None, uuid.uuid4(), 1, "scheduled"
    twin.save(force_insert=True)
    published(twin, "late-1")
    resolving.confirm_out(asked, dana, URL)
    asked.refresh_from_db()
    assert (asked.state, asked.remote_id) == ("done", "")


def test_what_was_cancelled_and_scheduled_again_first_makes_room(publication, approved, dana):
    scheduling.cancel(publication, dana)
    again = plan(approved, dana)
    came_late(publication)
    with pytest.raises(ValidationError, match="Cancel that first"):
        resolving.confirm_out(publication, dana, URL)
    scheduling.cancel(again, dana)
    resolving.confirm_out(publication, dana, URL)
    with pytest.raises(ValidationError, match="already out"):
        plan(approved, dana)


def test_the_database_does_not_send_again_what_nobody_looked_for(asked):
    with pytest.raises(DatabaseError, match="may have made something"), transaction.atomic():
        Publication.objects.filter(pk=asked.pk).update(state="scheduled")
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_outside_the_time_that_was_agreed_to_nothing_is_sent_again(asked, gina, monkeypatch):
    """It would go out now, and it was agreed to for another time."""
    approval = asked.approval
    late = approval.window_until + timedelta(minutes=1)
    monkeypatch.setattr("publishing.queries.now", lambda: late)
    with pytest.raises(ValidationError, match="It was approved for"):
        resolving.send_again(asked, gina)
    asked.refresh_from_db()
    assert (asked.state, asked.attempts.get().outcome) == ("needs_human", "unknown")


def test_in_a_blackout_nothing_is_sent_again(asked, gina):
    lead, now = factories.person("lead", "social_lead"), timezone.now()
    silencing.declare_blackout(lead, now - timedelta(hours=1), now + timedelta(hours=1), "A day of mourning")
    with pytest.raises(ValidationError, match="A day of mourning"):
        resolving.send_again(asked, gina)
