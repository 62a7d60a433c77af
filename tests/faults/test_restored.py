"""Yesterday's backup is restored (F12): what went out since is found, not sent again; what did not, goes out.

The shifts run in the test's own process: no worker has to die for this.
"""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from publishing.delivering import LANE
from publishing.models import Publication, PublicationAttempt
from socialops.sandbox.control import Control
from tests import deliveries, shifts
from tests.faults import plant as plants


@pytest.fixture
def restored(processes, settings, tmp_path):
    """40 posts went out yesterday and 10 did not, and this database remembers none of it. Then: one shift."""
    settings.PACE, settings.PRIVATE_HOSTS, settings.SEALING_KEYS = 0.02, ["127.0.0.1"], str(tmp_path / "keys")
    control = Control(processes.sandbox().url)

    def make(not_after=None, **promises) -> Control:
        world = deliveries.world(control, **promises)
        went_out = world.publish(40)
        shifts.run(LANE)
        assert states() == {"done": 40}
        _forget(went_out)
        world.publish(10)
        yesterday = timezone.now() - timedelta(hours=20)
        Publication.objects.update(due_at=yesterday, next_attempt_at=yesterday, not_after=not_after)
        control.forget_arrivals()
        shifts.run(LANE)
        return control

    return make


def states() -> dict[str, int]:
    return dict(Counter(Publication.objects.values_list("state", flat=True)))


def _forget(publications):
    """As the backup has them: scheduled, never attempted."""
    ids = [publication.pk for publication in publications]
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE publishing_publication DISABLE TRIGGER USER")
        PublicationAttempt.objects.filter(delivery__in=ids).delete()
        Publication.objects.filter(pk__in=ids).update(
            state="scheduled", fence=0, remote_id="", remote_url="", settled_at=None
        )
        cursor.execute("ALTER TABLE publishing_publication ENABLE ALWAYS TRIGGER publishing_publication_state_moves")
        cursor.execute("ALTER TABLE publishing_publication ENABLE ALWAYS TRIGGER publishing_publication_clear")


@pytest.mark.parametrize("key", [True, False], ids=["with a key", "without a key"])
def test_what_went_out_is_found_and_the_rest_is_sent(restored, key, tmp_path):
    control = restored(key=key, lookup=True)
    assert states() == {"done": 50}
    assert len(control.arrivals()) == 10
    assert set(Counter(post["text"] for post in control.posts()).values()) == {1}
    control.promise(delay_ms=100)
    twice, _ = plants.naive(control, tmp_path)
    print(f"restored: 50 posts, 0 twice, 0 lost; naive sender: {twice} twice")
    assert twice > 0, "the naive sender should have sent some twice: the test proves nothing"


def test_without_a_look_up_a_person_is_asked_and_nothing_is_sent(restored):
    control = restored(key=False, lookup=False)
    assert states() == {"needs_human": 50}
    assert control.arrivals() == []


def test_nothing_is_called_missed_before_it_was_looked_for(restored):
    control = restored(key=False, lookup=True, not_after=timezone.now() - timedelta(hours=19))
    assert states() == {"done": 40, "missed": 10}
    assert control.arrivals() == []
