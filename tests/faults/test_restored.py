"""Yesterday's backup is restored (F12): what went out since is found, not sent again; what did not, goes out."""

from datetime import timedelta

import pytest
from django.utils import timezone

from publishing.models import Publication, PublicationAttempt
from tests.faults import plant as plants


@pytest.fixture
def restored(plant):
    """40 posts went out yesterday and 10 did not, and this database remembers none of it."""

    def make(**promises):
        works = plant(**promises)
        went_out = works.publish(40)
        works.beat()
        worker = works.worker()
        works.wait_for_end()
        worker.stop()
        forget(went_out)
        works.publish(10)
        yesterday = timezone.now() - timedelta(hours=20)
        Publication.objects.update(due_at=yesterday, next_attempt_at=yesterday)
        works.control.forget_arrivals()
        works.worker()
        return works

    return make


def forget(publications):
    """As the backup has them: scheduled, never attempted."""
    from django.db import connection

    ids = [publication.pk for publication in publications]
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("ALTER TABLE publishing_publication DISABLE TRIGGER USER")
        PublicationAttempt.objects.filter(delivery__in=ids).delete()
        Publication.objects.filter(pk__in=ids).update(
            state="scheduled", fence=0, remote_id="", remote_url="", settled_at=None
        )
        cursor.execute("ALTER TABLE publishing_publication ENABLE ALWAYS TRIGGER publishing_publication_state_moves")
        cursor.execute("ALTER TABLE publishing_publication ENABLE ALWAYS TRIGGER publishing_publication_clear")
        cursor.execute("SET session_replication_role = DEFAULT")


@pytest.mark.parametrize("key", [True, False], ids=["with a key", "without a key"])
def test_what_went_out_is_found_and_the_rest_is_sent(restored, key, tmp_path):
    works = restored(key=key, lookup=True)
    took = works.wait_for_end()
    control = plants.naive(works.control, tmp_path)
    plants.report("restored", works, took, control)
    assert len([row for row in works.control.arrivals() if row["created"] and row["text"].find("naive") < 0]) == 10
    works.none_twice_none_lost()


def test_without_a_look_up_a_person_is_asked_and_nothing_is_sent(restored):
    works = restored(key=False, lookup=False)
    works.wait_for_end()
    assert works.states() == {"needs_human": 50}
    assert works.control.arrivals() == []


def test_what_was_missed_meanwhile_is_looked_for_before_it_is_called_missed(restored):
    works = restored(key=False, lookup=True)
    works.wait_for_end()
    assert works.states() == {"done": 50}
