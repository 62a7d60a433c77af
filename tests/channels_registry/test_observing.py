"""What the network's list says becomes doors with history; whose they are, by sure rules or by a person."""

import pytest
from django.core.exceptions import PermissionDenied

from accounts.models import AuditEvent
from channels_registry.connector.types import RemoteDoor
from channels_registry.matching import Known, match
from channels_registry.models import AccessGrant, Connection, NetworkIdentity
from channels_registry.observing import decide, observe
from channels_registry.polling import observe_due
from tests import factories

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
