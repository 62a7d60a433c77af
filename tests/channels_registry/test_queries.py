"""What waits, what is broken, and who could reach what at a moment."""

from datetime import timedelta

import pytest
from django.utils import timezone

from channels_registry import access, queries, revoking
from channels_registry.models import AccessGrant, Connection
from channels_registry.models.access_grant import Door
from channels_registry.observing import observe
from tests import factories

pytestmark = pytest.mark.django_db


def words(waiting):
    return " / ".join(f"{each.title}: {each.detail}" for each in waiting)


def test_who_could_reach_it_then(place):
    channel, alice = factories.channel(), factories.person("alice")
    held = factories.grant(channel, alice, "author")
    then = timezone.now() - timedelta(days=30)
    AccessGrant.objects.filter(pk=held.pk).update(starts_at=then - timedelta(days=2))
    access.revoke(held, factories.erin(), "moved")
    AccessGrant.objects.filter(pk=held.pk).update(revoked_at=then + timedelta(days=2))
    assert list(queries.who_could_reach(channel, then)) == [held]
    assert list(queries.what_can_reach(alice, then)) == [held]
    assert not queries.who_could_reach(channel) and not queries.what_can_reach(alice)
    assert not queries.who_could_reach(channel, then - timedelta(days=3))


def test_a_guided_task_waits_for_its_owner_and_then_for_a_second_person():
    gina, bob = factories.person("gina"), factories.person("bob")
    channel = factories.channel(owner=gina)
    held = factories.grant(channel, factories.person("dana"), "poster", door=Door.SHARED_LOGIN)
    task = revoking.request_revocation(held, factories.erin(), "leaves")
    assert "Shut by hand: Dana’s shared login" in words(queries.waiting_for(gina))
    assert queries.waiting_for(bob) == []
    revoking.attest(task, gina, "Done.")
    assert "Dana" not in words(queries.waiting_for(gina))
    factories.grant(channel, bob, "manager")
    assert "Look as well: Dana’s shared login" in words(queries.waiting_for(bob))
    assert queries.waiting_for(factories.person("charlie")) == []


def test_trouble_names_dead_connections_and_single_administrators_to_those_who_answer_for_them(place):
    factories.person("dana")
    here = place(people=[{"name": "Dana", "handle": "dana", "role": "admin"}]).connected()
    observe(here.channel)
    gina, charlie = factories.person("gina"), factories.person("charlie")
    assert "one administrator" in words(queries.trouble(gina))
    Connection.objects.filter(channel=here.channel).update(state="disconnected", trouble="The token is gone.")
    assert "is disconnected" in words(queries.trouble(gina))
    assert "is disconnected" in words(queries.trouble(factories.erin()))
    assert queries.trouble(charlie) == []


def test_an_ending_token_is_trouble_with_its_days(place):
    here = place().connected()
    ends = timezone.now() + timedelta(days=6, hours=2)
    Connection.objects.filter(channel=here.channel).update(
        expires_at=ends, proven_at=ends - timedelta(days=60), trouble="Only a person can renew it."
    )
    assert [each.word for each in queries.trouble(factories.person("gina"))] == ["6 days"]


def test_a_right_ends_with_the_departure_and_a_door_over_there_does_not():
    channel, alice = factories.channel(), factories.person("alice")
    factories.grant(channel, alice, "publisher")
    login = factories.grant(channel, alice, "holder", door="shared_login", label="Vault")
    assert queries.doors_page(channel).total == 2
    factories.departed(alice)
    assert queries.doors_page(channel).doors == [login]
    assert queries.doors_of_person(alice, factories.erin()).doors == [login]
    assert queries.doors_page(channel, timezone.now() - timedelta(seconds=30)).total == 0  # both began after that
    assert queries.doors_page(channel, timezone.now()).doors == [login]


def test_a_channel_of_many_doors_is_read_page_by_page_those_that_are_nobodys_first():
    channel = factories.channel()
    people = [factories.person(name, login=False) for name in ("zoe", "Anna", "berta")]
    held = [factories.grant(channel, person, "viewer") for person in people]
    observed = {"source": "observed", "starts_at": timezone.now(), "door": "role", "entitlement": "admin"}
    nobodys = AccessGrant.objects.create(channel=channel, remote_id="7", **observed)
    read, after = [], ""
    for _ in range(2):
        page = queries.doors_page(channel, after=after, most=2)
        read, after = [*read, *page.doors], page.next
    assert (read, after, page.total) == ([nobodys, held[1], held[2], held[0]], "", 4)
    assert queries.doors_page(channel, words="ann view").doors == [held[1]]
    counts = queries.door_counts(channel)
    assert (counts.managers, counts.administrators, counts.nobodys) == (0, 0, 1)


def test_a_person_sees_their_own_doors_and_charlie_sees_nobodys():
    alice, charlie = factories.person("alice"), factories.person("charlie")
    held = factories.grant(factories.channel(), alice, "author")
    assert queries.doors_of_person(alice, alice).doors == [held]
    assert queries.doors_of_person(alice, factories.erin()).doors == [held]
    assert queries.doors_of_person(alice, charlie).doors == []


def test_capabilities_are_those_of_the_class_less_what_a_connection_lacks(place):
    place().connected()
    row = next(row for row in queries.capability_table() if row["network"].slug == "sandbox")
    assert row["connections"] == 1 and all(cell["able"] and cell["on"] == 1 for cell in row["cells"])
    Connection.objects.update(scopes=["read"])
    row = next(row for row in queries.capability_table() if row["network"].slug == "sandbox")
    lacking = {cell["label"]: cell["reasons"] for cell in row["cells"] if not cell["on"]}
    assert lacking["Publish"] == ["This token may only read."]
