"""What has to wait stays scheduled, and takes no place from what may go."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db.models import DateTimeField, Q, Value
from django.utils import timezone

from publishing.delivering import LANE
from publishing.models import Publication
from socialops.lib.delivery.claiming import Claimer
from socialops.lib.delivery.lane import Refusal, Wait
from socialops.lib.delivery.pace import pace


def claimed(world, minutes, probe=False, refused=()):
    """After a claim: what was claimed, and by how many seconds each row that waits waits longer than it must."""
    first, *others = [row.pk for row in world.publish(3)]
    [free] = world.publish(1)
    until = timezone.now() + timedelta(minutes=minutes)
    waits = [Wait(Q(pk__in=[first, *others]), until=Value(until, output_field=DateTimeField()), probe=probe)]
    refusals = [Refusal("held", "Storm", Q(pk__in=others[:refused]))] if refused else []
    found = Claimer(replace(LANE, waits=waits, refusals=refusals), "test").claim(10)
    assert [(job.id, job.tries) for job in found.jobs] == [(free.pk, 0)]
    assert found.refused == (refused or 0)
    due = Publication.objects.filter(pk__in=[first, *others], state="scheduled").order_by("pk")
    return [(row.next_attempt_at - max(until, timezone.now())).total_seconds() for row in due]


def test_until_its_time(still_world):
    assert claimed(still_world, 5) == [0, 0, 0]


def test_one_goes_first_and_the_others_when_it_can_be_known_how_it_fared(still_world):
    assert claimed(still_world, 5, probe=True) == pytest.approx([0, pace().deadline, pace().deadline])


def test_a_time_that_has_passed_is_now(still_world):
    assert claimed(still_world, -5) == pytest.approx([0, 0, 0], abs=5)


def test_what_is_refused_does_not_wait_as_well(still_world):
    assert claimed(still_world, 5, refused=2) == [0]
    assert [row.reason for row in Publication.objects.filter(state="held")] == ["Storm", "Storm"]
