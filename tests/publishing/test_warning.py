"""A connection that will end is told of in time, with the posts that will fail; one that died is one alert."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEvent, Notification
from channels_registry.models import Connection, ConnectionWarning
from channels_registry.networks.sandbox import Sandbox
from channels_registry.rehearsing import name_next
from publishing import warning
from publishing.delivering import LANE
from publishing.models import Publication
from tests import factories, shifts
from tests.publishing import steps

pytestmark = pytest.mark.django_db


@pytest.fixture
def channel():
    channel = factories.channel(owner=factories.person("gina"), name="Acme")
    steps.staffed(channel)
    return channel


@pytest.fixture
def connection(channel):
    return steps.connect(channel)


def ends_in(connection, days: float, trouble: str = "The network refuses to renew it.") -> None:
    ends = timezone.now() + timedelta(days=days)
    began = timezone.now() - timedelta(days=60)
    Connection.objects.filter(pk=connection.pk).update(expires_at=ends, proven_at=began, trouble=trouble)


def told(name: str) -> list[str]:
    lines = Notification.objects.filter(kind="connection.ending", person=factories.person(name))
    return list(lines.order_by("pk").values_list("text", flat=True))


def test_each_threshold_is_told_once(connection):
    for left in (31, 29.9, 29, 13.9, 7.5, 6.9, 6.5, 2.9, 2.8, 0.9, 0.5):
        ends_in(connection, left)
        warning.warn_due()
    spans = [text.partition("within ")[2].partition(".")[0] for text in told("gina")]
    assert spans == ["30 days", "14 days", "7 days", "3 days", "1 day"]
    assert ConnectionWarning.objects.count() == 5
    assert AuditEvent.objects.filter(action="connection.ending").count() == 5


def test_what_was_missed_while_nothing_ran_is_one_line(connection):
    ends_in(connection, 2.5)
    warning.warn_due()
    warning.warn_due()
    assert len(told("gina")) == 1 and "within 3 days" in told("gina")[0]


def test_what_is_renewed_by_itself_warns_nobody(connection, monkeypatch):
    ends_in(connection, 2.5, trouble="")
    assert warning.warn_due() == 0
    monkeypatch.setattr(Sandbox, "renews_itself", lambda self, facts: False)
    assert warning.warn_due() == 1, "the control: where only a person can renew it"


def test_new_keys_are_warned_of_anew(connection):
    ends_in(connection, 6)
    warning.warn_due()
    Connection.objects.filter(pk=connection.pk).update(secret_version=2)
    warning.warn_due()
    assert ConnectionWarning.objects.filter(days=7).count() == 2


def scheduled(channel, titles: list[str], days: float, who: str = "dana") -> list[Publication]:
    """Approved and planned, that far ahead; `who` answers for them."""
    alice, bob, dana = (factories.person(name) for name in ("alice", "bob", who))
    made = []
    for number, title in enumerate(titles):
        post = steps.agree(steps.write(alice, [channel], f"{title}.", title=title), alice, bob)
        at = (timezone.now() + timedelta(days=days, minutes=number)).replace(tzinfo=None, second=0, microsecond=0)
        made.append(steps.plan(post, dana, at))
    return made


def test_the_posts_that_will_fail_are_named_and_those_before_its_end_are_not(channel, connection):
    scheduled(channel, ["In time"], 2)
    scheduled(channel, ["Spring fair", "Winter rates", "Night desk"], 9)
    ends_in(connection, 6.5)
    warning.warn_due()
    (text,) = told("gina")
    assert "3 posts will fail: “Spring fair”, “Winter rates” and 1 more." in text and "In time" not in text
    assert ConnectionWarning.objects.get().posts == 3
    assert AuditEvent.objects.get(action="connection.ending").data["posts"] == 3


def test_who_answers_for_the_channel_or_for_a_post_is_told_once_and_charlie_is_not(channel, connection):
    hana = factories.person("hana")
    factories.grant(channel, hana, "manager")
    channel.backup_owner = factories.person("bob")
    channel.save()
    name_next(channel, hana, factories.erin())
    scheduled(channel, ["Spring fair", "Winter rates"], 9)
    ends_in(connection, 6.5)
    warning.warn_due()
    for name in ("gina", "bob", "erin", "hana", "dana"):  # owner, backup, authoriser, next, answers for the posts
        assert len(told(name)) == 1, name
    assert not told("charlie") and not told("alice")
    assert "Hana connects it again." in told("dana")[0]


def test_somebody_who_left_is_told_nothing(channel, connection):
    scheduled(channel, ["Spring fair"], 9)
    factories.departed(factories.person("dana"))
    ends_in(connection, 6.5)
    warning.warn_due()
    assert not told("dana") and told("gina")


def test_nobody_named_is_said(connection):
    ends_in(connection, 6.5)
    warning.warn_due()
    (text,) = told("gina")
    assert text.startswith("The connection of Acme ends within 7 days. Nothing is scheduled after that yet. Nobody is")


def test_twenty_posts_on_a_dead_connection_are_one_alert_a_person_and_incident(transactional_db):
    channel = factories.channel(owner=factories.person("gina"), name="Acme")
    steps.staffed(channel)
    connection = steps.connect(channel)

    def stopped(titles: list[str]) -> None:
        made = scheduled(channel, titles, 3)
        past = timezone.now() - timedelta(seconds=1)
        Publication.objects.filter(pk__in=[each.pk for each in made]).update(due_at=past, next_attempt_at=past)
        shifts.run(LANE)
        assert set(Publication.objects.filter(pk__in=[each.pk for each in made]).values_list("state")) == {("blocked",)}

    lines = Notification.objects.filter(person=factories.person("dana")).exclude(kind__startswith="approval")
    Connection.objects.filter(pk=connection.pk).update(state="disconnected", trouble="Dead.")
    stopped([f"Post {number}" for number in range(20)])
    assert list(lines.values_list("kind", flat=True)) == ["connection.lost"]
    lines.update(read_at=timezone.now())
    stopped(["One more"])
    assert lines.count() == 1, "read or not: it is the same incident"

    Connection.objects.filter(pk=connection.pk).update(state="live", trouble="")
    Connection.objects.filter(pk=connection.pk).update(state="disconnected", trouble="Dead again.")
    stopped(["The next"])
    assert lines.count() == 2, "a new incident after it had recovered"


def test_what_stops_for_another_reason_is_told_as_ever(transactional_db):
    """The control of the one above."""
    channel = factories.channel(owner=factories.person("gina"), name="Acme")
    steps.staffed(channel)
    steps.connect(channel)
    (made,) = scheduled(channel, ["Spring fair"], 3)
    past = timezone.now() - timedelta(seconds=1)
    Publication.objects.filter(pk=made.pk).update(due_at=past, next_attempt_at=past, content_hash="0" * 64)
    shifts.run(LANE)
    assert Notification.objects.filter(person=factories.person("dana"), kind="publication.blocked").count() == 1
