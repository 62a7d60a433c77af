"""Declared against observed: what does not agree is found, and somebody decides; never the holder."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import AuditEvent, Notification
from channels_registry import drifting, revoking
from channels_registry.models import AccessGrant, Finding, Revocation
from channels_registry.models.access_grant import Door
from channels_registry.observing import observe
from tests import factories

DAY = timedelta(days=1)
STRANGER = {"name": "Stranger", "handle": "x", "role": "editor"}
ALICE = {"name": "Alice", "handle": "alice", "role": "admin"}


@pytest.fixture
def alice(db):
    return factories.person("alice")


@pytest.fixture
def read(place):
    """A channel whose list was read whole: read([...people over there])."""

    def _read(people):
        here = place(people=people).connected()
        observe(here.channel)
        return here

    return _read


def found() -> list[tuple[str, str]]:
    drifting.level()
    rows = Finding.objects.exclude(state="settled").order_by("kind")
    return [(row.kind, row.state) for row in rows]


def the_finding() -> Finding:
    assert len(found()) == 1
    return Finding.objects.exclude(state="settled").get()


def declared(here, person, level, **more):
    """A role on the network that was put on record before the last reading."""
    grant = factories.grant(here.channel, person, level, door=Door.ROLE, **more)
    AccessGrant.objects.filter(pk=grant.pk).update(starts_at=timezone.now() - 30 * DAY)
    return grant


def test_what_agrees_is_no_finding(read, alice):
    declared(read([ALICE]), alice, "Admin")
    assert found() == []


def test_an_unknown_person_is_found_once_and_goes_with_their_name(read, alice):
    read([STRANGER])
    assert found() == [("unknown", "open")] == found()
    finding = Finding.objects.get()
    drifting.theirs(finding, factories.erin(), alice, "It is her second account")
    assert found() == []
    finding.refresh_from_db()
    assert (finding.state, finding.outcome, finding.decided_by) == ("settled", "theirs", factories.erin())
    assert finding.grant.person == alice
    assert {"finding.found", "finding.decided"} <= set(AuditEvent.objects.values_list("action", flat=True))


def test_a_service_is_nobodys_and_comes_up_no_more(read):
    read([STRANGER])
    drifting.service(the_finding(), factories.erin(), "our own exporter")
    assert found() == []


def test_who_is_declared_and_not_on_the_whole_list_is_missing(read, alice):
    here = read([STRANGER | {"name": "Bob", "handle": "bob"}])
    factories.person("bob")
    observe(here.channel)
    drifting.level()
    Finding.objects.filter(kind="unknown").update(state="settled")
    declared(here, alice, "editor")
    drifting.level()
    finding = Finding.objects.get(kind="missing")
    with pytest.raises(ValidationError, match="nothing to shut"):
        drifting.shut(finding, factories.erin(), "gone")
    drifting.not_held(finding, factories.erin(), "She never had it.")
    assert finding.grant.__class__.objects.get(pk=finding.grant_id).revoked_at


def test_what_was_declared_after_the_last_reading_is_not_missing_yet(read, alice):
    here = read([STRANGER])
    factories.grant(here.channel, alice, "editor", door=Door.ROLE)
    assert [kind for kind, _ in found()] == ["unknown"]


def test_a_network_that_lists_no_doors_of_this_kind_says_nothing_of_them(place, alice):
    here = place(app_passwords=[{"label": "alice"}]).connected()
    declared(here, alice, "editor")
    observe(here.channel)
    assert not AccessGrant.objects.filter(door="role", source="observed").exists() and found() == []


@pytest.mark.parametrize("fault", ["half_list", "error_before", "garbage"])
def test_half_a_list_finds_nothing_and_nobody_is_gone(read, alice, fault):
    here = read([ALICE, STRANGER | {"name": "Bob", "handle": "bob"}])
    factories.person("bob")
    declared(here, alice, "admin")
    observe(here.channel)
    drifting.level()
    before = set(Finding.objects.values_list("kind", "state"))
    standing = AccessGrant.objects.standing().count()
    here.there.fault(fault, count=3, match={"path": "/doors"})
    assert observe(here.channel) is None and drifting.level() == (0, 0)
    assert set(Finding.objects.values_list("kind", "state")) == before
    assert AccessGrant.objects.standing().count() == standing


def test_the_control_a_whole_list_without_them_finds_them_missing(read, alice):
    here = read([ALICE, STRANGER])
    declared(here, alice, "admin")
    drifting.level()
    here.shut_there(here.door(holder_handle="alice")["id"])
    assert observe(here.channel) is not None
    drifting.level()
    assert Finding.objects.filter(kind="missing", grant__person=alice, state="open").exists()


def test_another_level_than_declared_is_put_on_record_or_shut(read, alice):
    here = read([ALICE])
    declared(here, alice, "publisher")
    finding = the_finding()
    assert finding.kind == "level" and finding.grant.entitlement == "admin" and finding.declared.entitlement
    drifting.theirs(finding, factories.erin(), alice, "She leads it now.")
    assert found() == []
    row = AccessGrant.objects.standing().get(channel=here.channel, person=alice, source="declared", door="role")
    assert row.entitlement == "admin" and row.reason == "She leads it now."


def test_who_has_left_and_is_still_there_unless_it_is_being_shut(read, alice):
    here = read([ALICE])
    factories.departed(alice)
    assert the_finding().kind == "departed"
    grant = AccessGrant.objects.standing().get(channel=here.channel, person=alice, source="observed")
    revoking.request_revocation(grant, None, "left")
    assert found() == []


def test_what_ended_here_and_is_still_open_there(read, alice):
    here = read([ALICE])
    grant = declared(here, alice, "admin", expires_at=timezone.now() + DAY)
    AccessGrant.objects.filter(pk=grant.pk).update(expires_at=timezone.now() - DAY)
    AccessGrant.objects.filter(source="observed", person=alice).update(starts_at=timezone.now() - 30 * DAY)
    assert the_finding().kind == "expired"


def test_shutting_it_is_the_same_revocation_and_it_stays_in_sight_until_then(read):
    read([STRANGER])
    finding = drifting.shut(the_finding(), factories.erin(), "nobody knows them")
    asked = Revocation.objects.get(grant=finding.grant)
    assert asked.reason_for == "nobody knows them" and found() == [("unknown", "in_hand")]
    revoking.by_hand(asked, factories.erin())
    revoking.withdraw(asked, factories.erin(), "It is our agency")
    assert found() == [("unknown", "open")]


def test_accepted_until_a_date_and_asked_again_after_it(read):
    read([STRANGER])
    finding = the_finding()
    for until in (timezone.now() - DAY, timezone.now() + 400 * DAY):
        with pytest.raises(ValidationError, match="Choose a date"):
            drifting.accept(finding, factories.erin(), until, "the agency")
    with pytest.raises(ValidationError, match="Say why"):
        drifting.accept(finding, factories.erin(), timezone.now() + DAY, " ")
    drifting.accept(finding, factories.erin(), timezone.now() + DAY, "the agency, until Friday")
    assert found() == [("unknown", "accepted")]
    Finding.objects.update(accepted_until=timezone.now() - timedelta(seconds=1))
    assert found() == [("unknown", "open")]


def test_nobody_decides_about_their_own_door_but_to_have_it_shut(read, alice):
    here = read([ALICE])
    declared(here, alice, "publisher")
    factories.grant(here.channel, alice, "manager")
    finding = the_finding()
    with pytest.raises(PermissionDenied, match="own door"):
        drifting.accept(finding, alice, timezone.now() + DAY, "It is fine")
    with pytest.raises(PermissionDenied, match="own door"):
        drifting.theirs(finding, alice, alice, "It is fine")
    assert drifting.shut(finding, alice, "I do not need it").state == "in_hand"


def test_nobody_takes_an_unknown_door_for_their_own(read):
    read([STRANGER])
    with pytest.raises(PermissionDenied, match="Somebody else"):
        drifting.theirs(the_finding(), factories.erin(), factories.erin(), "me")


def test_charlie_decides_nothing_and_who_manages_the_channel_does(read):
    here = read([STRANGER])
    factories.grant(here.channel, here.channel.owner, "manager")
    finding = the_finding()
    for step in (
        lambda: drifting.service(finding, factories.person("charlie"), "x"),
        lambda: drifting.shut(finding, factories.person("charlie"), "x"),
        lambda: drifting.ask(finding, factories.person("charlie")),
    ):
        with pytest.raises(PermissionDenied):
            step()
    assert drifting.accept(finding, here.channel.owner, timezone.now() + DAY, "agency").state == "accepted"


def test_the_owner_is_asked_by_mail(read):
    here = read([STRANGER])
    drifting.ask(the_finding(), factories.erin())
    told = Notification.objects.get(kind="finding.asked")
    assert told.person == here.channel.owner and told.by_mail


def test_the_database_refuses_a_move_that_is_not_declared(read):
    read([STRANGER])
    finding = the_finding()
    drifting.service(finding, factories.erin(), "exporter")
    with pytest.raises(IntegrityError, match="not a declared transition"), transaction.atomic():
        Finding.objects.filter(pk=finding.pk).update(state="open")
