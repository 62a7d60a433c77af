"""When a time zone's rules change, what is planned keeps its wall time, and who answers for it is told."""

from datetime import timedelta

import pytest
import tzdata

from accounts.models import Notification
from publishing import retiming, silencing
from publishing.models import Publication
from tests.publishing.steps import events, trail


@pytest.fixture
def planned_before(publication):
    """As under an older release, by whose rules nine o'clock was an hour earlier."""
    rows = Publication.objects.filter(pk=publication.pk)
    before = publication.due_at - timedelta(hours=1)
    rows.update(tzdata="2019a", due_at=before, next_attempt_at=before)
    return publication


def test_it_keeps_its_wall_time_and_is_listed(planned_before, dana):
    right = planned_before.due_at
    assert retiming.retime() == [planned_before.pk]
    planned_before.refresh_from_db()
    assert planned_before.due_at == planned_before.next_attempt_at == right
    assert planned_before.not_after == right + timedelta(hours=2)
    assert planned_before.tzdata == tzdata.IANA_VERSION
    assert trail(planned_before)[-1] == "publication.retimed"
    assert events(planned_before)[-1].data["was"] == (right - timedelta(hours=1)).isoformat()
    assert Notification.objects.filter(person=dana, kind="publication.retimed").count() == 1


def test_what_did_not_move_is_only_marked(publication):
    Publication.objects.filter(pk=publication.pk).update(tzdata="2019a")
    assert retiming.retime() == []
    publication.refresh_from_db()
    assert publication.tzdata == tzdata.IANA_VERSION
    assert "publication.retimed" not in trail(publication)


def test_what_may_be_out_is_left_alone(planned_before):
    Publication.objects.filter(pk=planned_before.pk).update(state="missed")
    assert retiming.retime() == []


@pytest.mark.parametrize("state", ["scheduled", "held"])
def test_what_speaks_against_the_new_time_stops_it_and_nothing_else(planned_before, approved, alice, gina, state):
    was = Publication.objects.get(pk=planned_before.pk).due_at
    Publication.objects.filter(pk=planned_before.pk).update(state=state)
    starts = planned_before.due_at - timedelta(minutes=10)  # after the old time, before the new one
    silencing.declare_blackout(gina, starts, starts + timedelta(hours=1), "Minute of silence")
    assert retiming.retime() == []
    planned_before.refresh_from_db()
    assert (planned_before.due_at, planned_before.tzdata) == (was, tzdata.IANA_VERSION)
    if state == "scheduled":
        assert planned_before.state == "blocked"
        assert "Minute of silence" in planned_before.reason
        assert trail(planned_before)[-1] == "publication.blocked"
        assert Notification.objects.filter(kind="publication.blocked").count() == 1
    else:
        assert planned_before.state == "held"
    assert retiming.retime() == []  # it is not asked about again


def test_an_embargo_that_a_new_time_would_break_stops_the_post_and_not_the_others(planned_before, approved, alice):
    rows = Publication.objects.filter(pk=planned_before.pk)
    rows.update(due_at=planned_before.due_at + timedelta(hours=1))  # by the old rules it was later
    silencing.set_embargo(approved, planned_before.due_at + timedelta(minutes=30), "Until the press release", alice)
    assert retiming.retime() == []
    assert rows.get().state == "blocked"
