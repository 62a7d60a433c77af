"""The database's clock decides. This machine's may be hours wrong, and nothing is allowed, refused or stamped by it."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError

from accounts import departing
from accounts.permissions import is_present
from channels_registry import access
from channels_registry.connector.types import InboundMessage
from governance import evidence, packing
from governance.forms import PackForm
from inbox import receiving, triaging
from inbox.models import Conversation
from socialops.lib.wall_clock import database_now
from tests import company, factories
from tests.factories import erin, person

pytestmark = pytest.mark.django_db
WRONG = (timedelta(hours=-5), timedelta(hours=5))


@pytest.fixture(params=WRONG, ids=["behind", "ahead"])
def wrong(request):
    """This process's clock, five hours off."""
    with time_machine.travel(datetime.now(UTC) + request.param):
        yield


def test_a_departure_comes_by_it(wrong):
    gone = (database_now() - timedelta(minutes=1)).astimezone(UTC).replace(tzinfo=None)
    departing.mark_departed(person("dana"), gone, "UTC", erin())
    assert not is_present(person("dana"))
    ahead = (database_now() + timedelta(minutes=1)).astimezone(UTC).replace(tzinfo=None)
    departing.mark_departed(person("alice"), ahead, "UTC", erin())
    assert is_present(person("alice"))


def test_access_that_would_be_over_already_is_refused_by_it(wrong):
    channel = factories.channel()
    with pytest.raises(ValidationError):
        over = database_now() - timedelta(minutes=1)
        access.grant(channel, person("dana"), "viewer", erin(), "test", expires_at=over)
    access.grant(channel, person("alice"), "viewer", erin(), "test", expires_at=database_now() + timedelta(hours=1))


def test_evidence_speaks_of_its_moments(wrong):
    before = database_now()
    bundle = evidence.export_access(erin())
    packing.work_due()
    bundle.refresh_from_db()
    assert before <= bundle.at_moment <= database_now()
    hour = timedelta(hours=1)
    said = {name: (database_now() + by).strftime("%Y-%m-%dT%H:%M") for name, by in (("past", -hour), ("ahead", hour))}
    assert PackForm({"at": said["past"]}).is_valid() and not PackForm({"at": said["ahead"]}).is_valid()


@pytest.mark.parametrize("off", WRONG, ids=["behind", "ahead"])
def test_what_is_said_to_us_is_dated_and_snoozed_by_it(off):
    found = company.found()
    conversation = found.examples["conversation"]
    channel = found.channels["blue"]
    with time_machine.travel(datetime.now(UTC) + off):
        later = database_now() + timedelta(hours=3)
        receiving.ingest(channel, [InboundMessage("m-n", "t-new", "comment", "u1", "new", "New", "Hi", later)], "poll")
        assert Conversation.objects.get(thread_id="t-new").last_message_at <= database_now()
        with pytest.raises(ValidationError, match="past"):
            triaging.snooze(conversation, database_now() - timedelta(minutes=1), found.people["bob"])
        triaging.snooze(conversation, database_now() + timedelta(minutes=30), found.people["bob"])
