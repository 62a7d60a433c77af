"""What the network's list says becomes doors with history; whose they are, by sure rules or by a person."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection

from accounts.models import AuditEvent
from channels_registry import access, observing, revoking
from channels_registry.connector.types import RemoteDoor
from channels_registry.matching import Known, Match, match
from channels_registry.models import AccessGrant, Connection, NetworkIdentity, Proof
from channels_registry.observing import decide, observe
from channels_registry.polling import observe_due
from channels_registry.tasks import level_access
from tests import factories
from tests.channels_registry.places import open_place

PEOPLE = [{"name": "Dana", "handle": "dana", "role": "admin"}, {"name": "Stranger", "handle": "x", "role": "editor"}]


def doors(here):
    return AccessGrant.objects.filter(channel=here.channel, source="observed", revoked_at=None)


def test_every_door_over_there_becomes_a_row_and_ours_is_marked(place):
    dana = factories.person("dana")
    here = place(people=PEOPLE, app_passwords=[{"label": "dana"}]).connected()
    seen = observe(here.channel)
    assert seen.doors == 4 and doors(here).count() == 4
    assert set(doors(here).filter(person=dana).values_list("door", "entitlement")) == {
        ("role", "admin"),
        ("app_password", "publish"),
    }
    ours = AccessGrant.objects.standing().get(channel=here.channel, ours=True)
    assert ours.source == "observed" and ours.person is None
    assert AuditEvent.objects.filter(action="door.seen").count() == 4


def test_reading_twice_changes_nothing_but_the_proof(place):
    here = place(people=PEOPLE).connected()
    observe(here.channel)
    before = list(doors(here).values_list("pk", flat=True))
    again = observe(here.channel)
    assert (again.appeared, again.gone) == ([], []) and list(doors(here).values_list("pk", flat=True)) == before
    assert not doors(here).filter(last_proven_at=None).exists()


def test_a_door_that_is_gone_is_stamped_and_kept(place):
    here = place(people=PEOPLE).connected()
    observe(here.channel)
    gone = here.door(holder_handle="x")
    here.shut_there(gone["id"])
    seen = observe(here.channel)
    row = AccessGrant.objects.get(channel=here.channel, remote_id=gone["id"])
    assert [each.pk for each in seen.gone] == [row.pk]
    assert row.revoked_at and "no longer on the network’s list" in row.revoked_reason
    assert AuditEvent.objects.filter(action="door.gone", subject_id=row.pk).count() == 1


def test_another_level_is_another_period(place):
    here = place(people=PEOPLE).connected()
    observe(here.channel)
    AccessGrant.objects.filter(channel=here.channel, remote_id=here.door(holder_handle="x")["id"]).update(
        entitlement="owner"
    )
    observe(here.channel)
    periods = AccessGrant.objects.filter(channel=here.channel, remote_id=here.door(holder_handle="x")["id"])
    assert [(each.entitlement, each.revoked_at is None) for each in periods.order_by("starts_at", "pk")] == [
        ("owner", False),
        ("editor", True),
    ]


def another_level_there(here, before="owner", **of):
    """The ledger knew this door at another level than the network's list has it now."""
    AccessGrant.objects.filter(channel=here.channel, remote_id=here.door(**of)["id"]).update(entitlement=before)
    observe(here.channel)


def test_while_the_door_stands_at_another_level_its_revocation_goes_on_and_nothing_is_proven(place):
    erin = factories.erin()
    here = place(people=PEOPLE).connected()
    observe(here.channel)
    revocation = revoking.request_revocation(doors(here).get(identity__handle="x"), erin, "leaves")
    revoking.by_hand(revocation, erin)
    another_level_there(here, holder_handle="x")
    level_access()
    revocation.refresh_from_db()
    assert (revocation.stage, revocation.proof) == ("pending", "")
    assert revocation.grant == doors(here).get(identity__handle="x")
    event = AuditEvent.objects.get(action="revocation.followed")
    assert event.data["grant"] == revocation.grant_id and event.data["entitlement"] == "editor"
    here.shut_there(revocation.grant.remote_id)
    observe(here.channel)
    level_access()
    revocation.refresh_from_db()
    assert (revocation.stage, revocation.proof) == ("verified", Proof.API)
    assert "no longer on the network’s list" in revocation.proof_detail


def test_what_a_worker_held_when_the_level_changed_goes_on_with_the_door_a_moment_later(place, monkeypatch):
    here = place(people=PEOPLE).connected()
    observe(here.channel)
    revocation = revoking.request_revocation(doors(here).get(identity__handle="x"), factories.erin(), "leaves")
    monkeypatch.setattr(observing, "follow", lambda *_: None)
    another_level_there(here, holder_handle="x")
    level_access()
    revocation.refresh_from_db()
    assert revocation.grant == doors(here).get(identity__handle="x") and revocation.stage == "pending"


def test_a_door_that_was_shut_while_the_list_was_read_is_not_seen_again(place, monkeypatch):
    here = place(people=PEOPLE).connected()
    observe(here.channel)
    held = doors(here).get(identity__handle="x")

    def slow(connection, read=observing.read_doors):
        listed = read(connection)
        access.end(held, None, "The lane shut it and read it back.")
        return listed

    monkeypatch.setattr(observing, "read_doors", slow)
    seen = observe(here.channel)
    assert (seen.appeared, seen.gone) == ([], [])
    assert not doors(here).filter(identity__handle="x").exists()


def test_an_older_list_takes_nothing_away_that_a_newer_one_has(place, monkeypatch):
    here = place(people=PEOPLE).connected()

    def overtaken(connection, read=observing.read_doors):
        listed = read(connection)
        monkeypatch.undo()
        here.there.door(here.account["id"], "role", "editor", name="Zoe", handle="zoe")
        observe(here.channel)
        return listed

    monkeypatch.setattr(observing, "read_doors", overtaken)
    observe(here.channel)
    assert doors(here).filter(identity__handle="zoe").exists()
    assert not AuditEvent.objects.filter(action="door.gone").exclude(data__label="Socialops").exists()


@pytest.mark.parametrize("fault", ["half_list", "error_before", "garbage", "dead_token"])
def test_never_half_a_list(place, fault):
    here = place(people=PEOPLE).connected()
    observe(here.channel)
    here.there.fault(fault, count=3, match={"path": "/doors"})
    assert observe(here.channel) is None
    assert doors(here).count() == 3
    assert "could not be read" in Connection.objects.get(channel=here.channel).trouble


def test_the_poll_takes_each_turn_once(place):
    place(people=PEOPLE).connected()
    assert observe_due() == 1 and observe_due() == 0


def test_a_person_decides_what_no_rule_may_and_it_stays_decided(place):
    alice, dana = factories.person("alice"), factories.person("dana")
    here = place(app_passwords=[{"label": "dana's phone"}]).connected()
    observe(here.channel)
    identity = NetworkIdentity.objects.get(grants__label="dana's phone")
    assert identity.person is None and identity.candidates == [dana.pk]
    decide(identity, alice, factories.erin())
    observe(here.channel)
    door = doors(here).get(label="dana's phone")
    assert door.person == alice and door.identity.matched_by == "person"
    event = AuditEvent.objects.get(action="identity.matched")
    assert event.actor == factories.erin() and event.data["person"] == alice.pk


def test_our_own_door_is_nobodys_whoever_is_behind_the_identity(place):
    here = place(people=PEOPLE).connected()
    observe(here.channel)
    ours = doors(here).get(ours=True)
    decide(ours.identity, factories.person("dana"), factories.erin())
    ours.refresh_from_db()
    assert ours.person is None


def test_what_a_person_decides_while_a_list_is_matched_stays_decided(there, transactional_db, monkeypatch):
    alice, dana, erin = factories.person("alice"), factories.person("dana"), factories.erin()
    here = open_place(there, people=[{"name": "Stranger", "handle": "x", "role": "editor"}]).connected()
    observe(here.channel)
    identity = NetworkIdentity.objects.get(handle="x")
    matching, decided = threading.Event(), threading.Event()

    def slow_match(door, people):
        if door.holder_handle == "x":
            matching.set()
            decided.wait(1)  # not before the commit, if the identity is held
        return Match(dana.pk, "by a rule") if door.holder_handle == "x" else match(door, people)

    def a_person():
        try:
            assert matching.wait(10)
            decide(identity, alice, erin)
            decided.set()
        finally:
            connection.close()

    monkeypatch.setattr(observing, "match", slow_match)
    with ThreadPoolExecutor(1) as pool:
        deciding = pool.submit(a_person)
        observe(here.channel)
        deciding.result(10)
    identity.refresh_from_db()
    assert (identity.matched_by, identity.person) == ("person", alice)
    assert doors(here).get(identity=identity).person == alice


def test_charlie_may_not_say_whose_it_is_and_a_manager_of_the_channel_may(place):
    charlie, alice = factories.person("charlie"), factories.person("alice")
    here = place(people=PEOPLE).connected()
    observe(here.channel)
    identity = NetworkIdentity.objects.get(handle="x")
    with pytest.raises(PermissionDenied):
        decide(identity, charlie, charlie)
    factories.grant(here.channel, alice, "manager")
    assert decide(identity, None, alice).matched_by == "nobody"


A, B = Known(1, "Dana Scully", "dana@example.test"), Known(2, "Dana Barrett", "d.barrett@example.test")
C = Known(3, "Zoë O’Neil", "zoe@example.test", frozenset({"zoeposts"}))


def a_door(**of):
    return RemoteDoor("d1", "role", "editor", **of)


@pytest.mark.parametrize(
    ("door", "person", "candidates"),
    [
        (a_door(holder_name="DANA@example.test"), 1, ()),  # the same address
        (a_door(holder_handle="@dana@social.example"), 1, ()),  # the local part is the handle
        (a_door(label="d.barrett"), 2, ()),  # an app password named after them
        (a_door(holder_name="Zoe ONeil"), 3, ()),  # accents and marks aside
        (a_door(holder_handle="zoeposts"), 3, ()),  # known to be theirs
        (a_door(label="dana scully laptop"), None, (1,)),  # contains a name: a person decides
        (a_door(label="Dana Barrett or dana"), None, (1, 2)),  # more than one
        (a_door(label="Buffer"), None, ()),
        (a_door(), None, ()),
    ],
)
def test_a_rule_decides_only_when_sure_and_alone(door, person, candidates):
    found = match(door, [A, B, C])
    assert (found.person, found.candidates) == (person, candidates)
