"""A rehearsal: a harmless read with the token as it is, by a worker, and who connects the channel again."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from accounts.models import AuditEvent, Notification
from channels_registry import refreshing, rehearsing
from channels_registry.connecting import disconnect, prove
from channels_registry.models import Connection, Rehearsal
from channels_registry.networks.sandbox import Sandbox
from channels_registry.queries import custody
from channels_registry.rehearsing import ask_rehearsal, name_next, rehearse, rehearse_due
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_wait(monkeypatch):
    monkeypatch.setattr(refreshing, "ONCE_MORE", 0.0)


@pytest.fixture
def here(place):
    made = place("acme").connected()
    rehearse_due()  # the one that ends the way in
    return made


@pytest.fixture
def gina(here):
    gina = factories.person("gina")
    factories.grant(here.channel, gina, "manager")
    return gina


def asked(here, by):
    return ask_rehearsal(here.channel, by)


def test_connecting_ends_with_a_try(place):
    here = place("acme")
    prove(here.hand_over())
    assert Rehearsal.objects.get().state == "asked"
    assert rehearse_due() == 1
    tried = Rehearsal.objects.get()
    assert (tried.state, tried.handle, tried.asked_by) == ("well", "acme", None)


def test_it_says_as_whom_we_were_let_in_and_how_long_it_took(here, gina):
    tried = rehearse(asked(here, gina))
    assert tried.state == "well" and tried.milliseconds is not None
    assert "Sandbox knows the token as acme." in tried.words
    event = AuditEvent.objects.filter(action="connection.rehearsed").latest("pk")
    assert (event.actor, event.data["state"]) == (gina, "well")


def test_it_only_reads(here, gina):
    here.there.forget_arrivals()
    before = Connection.objects.get(channel=here.channel).secret_version
    rehearse(asked(here, gina))
    assert Connection.objects.get(channel=here.channel).secret_version == before
    assert not here.there.arrivals()


def test_charlie_may_not_ask_for_one_and_neither_may_a_publisher(here):
    alice = factories.person("alice")
    factories.grant(here.channel, alice, "publisher")
    for who in (factories.person("charlie"), alice):
        with pytest.raises(PermissionDenied):
            asked(here, who)
    assert Rehearsal.objects.filter(state="asked").count() == 0


def test_asked_twice_at_once_it_is_tried_once(here, gina):
    assert asked(here, gina) == asked(here, factories.erin())
    assert rehearse_due() == 1 and rehearse_due() == 0


def test_a_dead_token_is_found_out_and_told(here, gina):
    here.there.kill_token(here.account["token"])
    tried = rehearse(asked(here, gina))
    assert tried.state == "refused"
    assert Connection.objects.get(channel=here.channel).state == "disconnected"
    assert Notification.objects.filter(kind="connection.lost", person=gina).count() == 1


def test_a_network_that_is_away_is_no_verdict(here, gina, monkeypatch):
    Connection.objects.filter(channel=here.channel).update(fields={"base_url": "http://127.0.0.1:9"})
    tried = rehearse(asked(here, gina))
    assert tried.state == "unclear" and "may be good" in tried.words
    assert Connection.objects.get(channel=here.channel).state == "live"


def test_a_token_that_answers_for_another_account_is_refused(here, gina, monkeypatch):
    from channels_registry.connector.types import Rehearsed

    async def another(self, access):
        return Rehearsed("other", "other")

    monkeypatch.setattr(Sandbox, "rehearse", another)
    tried = rehearse(asked(here, gina))
    assert tried.state == "refused" and "belongs to other, not to acme" in tried.words


def test_what_is_not_connected_has_nothing_to_try(here, gina):
    disconnect(here.channel, gina, "no longer ours")
    with pytest.raises(ValidationError, match="Connect it first"):
        asked(here, gina)


def test_a_try_that_was_under_way_when_it_was_disconnected_says_so(here, gina):
    waiting = asked(here, gina)
    disconnect(here.channel, gina, "no longer ours")
    assert rehearse(waiting).state == "refused"


def test_what_is_lacking_is_named(place):
    here = place("acme", apps=[{"label": "Reader", "entitlement": "read"}])
    here.account["token"] = here.there.token(here.door("Reader")["id"])
    here.connected()
    connection = Connection.objects.get(channel=here.channel)
    given = {scope.name: scope.given for scope in custody.scopes_of(connection)}
    assert given == {"publish": False, "manage": False, "read": True}
    assert ("Publish", "This token may only read.") in custody.cannot(connection)
    rehearse_due()
    assert "It may not: publish" in Rehearsal.objects.get().words


def test_what_was_asked_and_given_in_full_lacks_nothing(here):
    """The control of the one above."""
    connection = Connection.objects.get(channel=here.channel)
    assert connection.scopes_asked == ["publish", "manage"]
    assert all(scope.given for scope in custody.scopes_of(connection)) and not custody.cannot(connection)


def test_a_manager_names_who_connects_it_again_and_they_are_told(here, gina):
    erin = factories.erin()
    name_next(here.channel, erin, gina)
    assert Connection.objects.get(channel=here.channel).next_authoriser == erin
    assert Notification.objects.get(kind="connection.next_named").person == erin
    assert AuditEvent.objects.get(action="connection.next_named").data["person"] == erin.pk


def test_naming_the_same_again_is_naming_once(here, gina):
    for _ in range(2):
        name_next(here.channel, factories.erin(), gina)
    assert AuditEvent.objects.filter(action="connection.next_named").count() == 1


def test_charlie_names_nobody_and_cannot_be_named(here, gina):
    charlie = factories.person("charlie")
    with pytest.raises(PermissionDenied):
        name_next(here.channel, gina, charlie)
    with pytest.raises(ValidationError, match="may not connect"):
        name_next(here.channel, charlie, gina)


def test_somebody_who_left_cannot_be_named(here, gina):
    dana = factories.person("dana")
    factories.grant(here.channel, dana, "manager")
    factories.departed(dana)
    with pytest.raises(ValidationError, match="may not connect"):
        name_next(here.channel, dana, gina)


def test_who_was_named_stays_named_when_it_is_connected_again(here, gina):
    name_next(here.channel, gina, factories.erin())
    prove(here.hand_over())
    assert Connection.objects.get(channel=here.channel, state="live").next_authoriser == gina


def test_two_workers_at_once_try_it_once(there, transactional_db):
    from tests.channels_registry.places import open_place
    from tests.channels_registry.test_at_once import at_once

    open_place(there).connected()
    assert sum(at_once(*[rehearsing.rehearse_due] * 3)) == 1
