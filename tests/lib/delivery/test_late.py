"""An acceptance that comes after its row has moved on: known for good, never sent again, said to be out by a person."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import AuditEvent
from publishing.delivering import LANE
from publishing.models import Publication, PublicationAttempt
from socialops.lib.delivery import judging, late
from socialops.lib.delivery.claiming import Claimer, Job
from socialops.lib.delivery.lane import Done, Looking
from socialops.lib.delivery.models import LATE_MOVES
from socialops.lib.delivery.reaping import reap
from socialops.lib.delivery.settling import settle
from tests.publishing.steps import until_somebody_waits

HERE = Done("late-1", "http://there/late-1")
WAYS = {  # by which moves a row comes to each state
    "scheduled": [], "held": ["held"], "blocked": ["blocked"], "missed": ["missed"], "cancelled": ["cancelled"],
    "sending": ["sending"], "failed": ["sending", "failed"], "unknown": ["sending", "unknown"],
    "needs_human": ["sending", "unknown", "needs_human"],
}  # fmt: skip


@pytest.fixture
def given_up(still_world):
    """A publication whose worker froze: it was claimed, reaped, found absent, and is scheduled again."""
    publication = still_world.publish(1)[0]
    claimed, looking = looked_for()
    assert not claimed.late and not claimed.expired and looking.looks == 1
    settle(LANE, [judging.looked(looking, Looking(), None)])
    publication.refresh_from_db()
    assert publication.state == "scheduled"
    check_as_at_a_commit()
    return publication, claimed


def looked_for():
    """What is due is claimed, its lease ends, and a look at it begins: (the job of its sending, that of the look)."""
    claimed = Claimer(LANE, "test").claim(10).jobs[0]
    Publication.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    reap(LANE)
    Publication.objects.update(next_attempt_at=timezone.now())
    return claimed, Claimer(LANE, "test").look(10)[0]


def check_as_at_a_commit():
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def answer(job):
    settle(LANE, [judging.accepted(job, HERE)])


def bring(publication, state):
    for step in WAYS[state]:
        lease = timezone.now() + timedelta(minutes=2) if step == "sending" else None
        fence = F("fence") + int(step == "sending")
        Publication.objects.filter(pk=publication.pk).update(state=step, lease_until=lease, fence=fence)


def move(publication, state):
    with transaction.atomic():
        Publication.objects.filter(pk=publication.pk).update(state=state, remote_id="r1")
        check_as_at_a_commit()


def test_it_stops_what_is_scheduled_and_tells_about_it(given_up):
    publication, job = given_up
    answer(job)
    publication.refresh_from_db()
    assert (publication.state, publication.reason) == ("blocked", late.CAME_LATE)
    assert AuditEvent.objects.filter(action="publication.blocked", subject_id=str(publication.pk)).count() == 1
    assert late.late_acceptance(publication)["remote_id"] == "late-1"
    assert list(Publication.objects.filter(late.accepted_late(PublicationAttempt))) == [publication]


def test_without_one_nothing_is_late(given_up):
    publication, _ = given_up
    assert late.late_acceptance(publication) is None
    assert not Publication.objects.filter(late.accepted_late(PublicationAttempt)).exists()
    late.refuse_late_answer(publication)
    assert not late.may_confirm(publication)


@pytest.mark.parametrize("said", ["unknown", "not_sent", "rejected"])
def test_another_late_answer_stops_nothing(given_up, said):
    publication, job = given_up
    verdicts = {
        "unknown": judging.unknown(job, "", {}),
        "not_sent": judging.not_sent(job, "too late"),
        "rejected": judging.Verdict(job, "failed", "rejected"),
    }
    settle(LANE, [verdicts[said]])
    publication.refresh_from_db()
    assert publication.state == "scheduled"
    assert late.late_acceptance(publication) is None


@pytest.mark.parametrize("state", sorted(set(WAYS) - {"scheduled", "unknown"}))
def test_in_any_other_state_it_is_known_and_changes_nothing(given_up, state):
    publication, job = given_up
    bring(publication, state)
    answer(job)
    publication.refresh_from_db()
    assert publication.state == state
    with pytest.raises(ValidationError, match="late answer"):
        late.refuse_late_answer(publication)
    assert late.may_confirm(publication) is (state in LATE_MOVES or state == "needs_human")


@pytest.mark.parametrize("state", ["held", "blocked", "missed", "failed", "needs_human"])
def test_the_database_never_schedules_it_again(given_up, state):
    publication, job = given_up
    bring(publication, state)
    answer(job)
    with pytest.raises(IntegrityError, match="not sent again"):
        move(publication, "scheduled")


@pytest.mark.parametrize("state", sorted(LATE_MOVES))
def test_the_database_lets_it_be_done_only_with_such_an_answer(given_up, state):
    publication, job = given_up
    bring(publication, state)
    with pytest.raises(IntegrityError, match="not a declared transition"):
        move(publication, "done")
    answer(job)
    move(publication, "done")


def test_a_look_that_was_under_way_meanwhile_does_not_send_it_again(still_world):
    """It found nothing, the answer came, and then the look was written down."""
    still_world.publish(1)
    job, looking = looked_for()
    answer(job)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # as at a commit
    settle(LANE, [judging.looked(looking, Looking(), None)])
    publication = Publication.objects.get()
    assert publication.state == "needs_human"
    assert late.may_confirm(publication)


def test_it_waits_for_a_look_that_is_being_written_and_stops_what_that_scheduled(world):
    world.publish(1)
    job, looking = looked_for()

    def late_answer() -> None:
        answer(job)
        connection.close()

    other = threading.Thread(target=late_answer)
    with transaction.atomic():
        settle(LANE, [judging.looked(looking, Looking(), None)])
        other.start()
        until_somebody_waits()
    other.join(20)
    publication = Publication.objects.get()
    assert (publication.state, publication.reason) == ("blocked", late.CAME_LATE)


def test_an_answer_that_came_in_time_is_not_late(still_world):
    still_world.publish(1)
    job = Claimer(LANE, "test").claim(10).jobs[0]
    answer(job)
    answer(Job(job.id, job.fence, job.tries))  # written twice, because the first commit was not heard of
    publication = Publication.objects.get()
    assert publication.state == "done"
    assert late.late_acceptance(publication) is None


def test_a_late_acceptance_of_what_was_cancelled_stops_what_was_scheduled_in_its_place(given_up, still_world):
    publication, claimed = given_up
    Publication.objects.filter(pk=publication.pk).update(state="cancelled")
    again = Publication.objects.get(pk=publication.pk)
    again.pk, again.key, again.state, again.fence = None, uuid.uuid4(), "scheduled", 0
    again.next_attempt_at = timezone.now()
    again.save()
    other = still_world.publish(1)[0]
    answer(claimed)
    assert [job.id for job in Claimer(LANE, "test").claim(10).jobs] == [other.pk]
    again.refresh_from_db()
    assert (again.state, "late answer" in again.reason) == ("blocked", True)
