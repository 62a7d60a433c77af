"""Renewing: in time, once, never an empty token over a good one; and a blip is not a revocation."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEvent, Notification
from channels_registry import refreshing, sealing
from channels_registry.connector.errors import Disconnected, NetworkError, OutcomeUnknown, Refused, TryLater
from channels_registry.models import Connection
from channels_registry.networks.sandbox import Sandbox
from channels_registry.refreshing import refresh, refresh_due
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_wait(monkeypatch):
    monkeypatch.setattr(refreshing, "ONCE_MORE", 0.0)


def a_dated_place(place, seconds):
    here = place("acme", apps=[{"label": "Socialops"}])
    token = here.there.token(here.door("Socialops")["id"], expires_in=seconds)
    here.account["token"] = token
    return here.connected(), Connection.objects.get(channel=here.channel, state="live")


def test_what_runs_out_is_renewed_in_time_and_the_sealed_version_moves_on(place):
    _, live = a_dated_place(place, 600)
    assert refresh_due() == 1
    live.refresh_from_db()
    assert live.expires_at > timezone.now() + timedelta(minutes=50) and live.secret_version == 3
    assert refresh_due() == 0


def test_a_refresh_that_somebody_else_has_done_is_not_done_again(place):
    _, live = a_dated_place(place, 600)
    stale = Connection.objects.get(pk=live.pk)
    assert refresh(live) and refresh(stale)
    live.refresh_from_db()
    assert live.secret_version == 3


def test_a_blip_is_not_a_disconnection(place):
    here, live = a_dated_place(place, 600)
    here.there.fault("error_before", match={"path": "/token/renewal"})
    assert refresh(live)
    live.refresh_from_db()
    assert live.state == "live" and live.trouble and sealing.open_sealed(live)["token"]
    assert not Notification.objects.filter(kind="connection.lost").exists()


def test_a_dead_token_is_told_once_an_incident(place):
    here = place().connected()
    live = Connection.objects.get(channel=here.channel, state="live")
    here.there.kill_token(here.account["token"])
    assert not refresh(live, refused_us=True) and not refresh(live, refused_us=True)
    live.refresh_from_db()
    assert live.state == "disconnected" and "Connect the channel again" in live.trouble
    gina = factories.person("gina")
    assert Notification.objects.filter(kind="connection.lost", person=gina).count() == 1
    assert AuditEvent.objects.filter(action="connection.lost").count() == 1


def test_an_empty_token_never_replaces_a_good_one(place, monkeypatch):
    _, live = a_dated_place(place, 600)
    real = Sandbox.refresh

    async def empty(self, access):
        return replace(await real(self, access), secrets={"token": ""})

    monkeypatch.setattr(Sandbox, "refresh", empty)
    before = sealing.open_sealed(live)
    assert refresh(live)
    live.refresh_from_db()
    assert sealing.open_sealed(live) == before


def answers_with(monkeypatch, **changes):
    """The network renews, and says this of what it renewed."""
    real = Sandbox.refresh

    async def changed(self, access):
        return replace(await real(self, access), **changes)

    monkeypatch.setattr(Sandbox, "refresh", changed)


@pytest.mark.parametrize("said", [{}, {"token": ""}, {"other": "x"}], ids=["nothing", "empty", "another name"])
def test_whatever_the_answer_leaves_out_the_good_token_stays(place, monkeypatch, said):
    _, live = a_dated_place(place, 600)
    before = sealing.open_sealed(live)["token"]
    answers_with(monkeypatch, secrets=said)
    assert refresh(live)
    live.refresh_from_db()
    assert sealing.open_sealed(live)["token"] == before


def test_a_new_token_takes_the_place_of_the_old_one(place, monkeypatch):
    """The control of the one above: what is not empty is kept."""
    _, live = a_dated_place(place, 600)
    answers_with(monkeypatch, secrets={"token": "newer"})
    assert refresh(live)
    live.refresh_from_db()
    assert sealing.open_sealed(live)["token"] == "newer"


def test_an_answer_for_another_account_changes_nothing(place, monkeypatch):
    _, live = a_dated_place(place, 600)
    answers_with(monkeypatch, remote_id="somebody else", secrets={"token": "theirs"})
    before = sealing.open_sealed(live)
    refresh(live)
    live.refresh_from_db()
    assert sealing.open_sealed(live) == before and "another account" in live.trouble


def test_an_answer_that_cannot_be_read_changes_nothing(place, monkeypatch):
    _, live = a_dated_place(place, 600)

    async def garbage(self, access):
        raise ValueError("{not json")

    monkeypatch.setattr(Sandbox, "refresh", garbage)
    before = sealing.open_sealed(live)
    assert refresh(live)
    live.refresh_from_db()
    assert sealing.open_sealed(live) == before and live.state == "live" and "cannot be read" in live.trouble


TRANSIENT = {
    "500": TryLater("The server has trouble.", status=500),
    "503": TryLater("The server is being restarted.", status=503, after=5),
    "429": TryLater("Too many requests.", status=429, after=60),
    "timeout": TryLater("It takes too long to answer."),
    "DNS": TryLater("It cannot be reached."),
    "cut off": OutcomeUnknown("The answer was lost."),
    "nonsense": KeyError("token"),
}


def fails(monkeypatch, error: Exception, rehearsal: Exception | None = None):
    async def renewal(self, access):
        raise error

    async def trial(self, access):
        raise rehearsal or error

    monkeypatch.setattr(Sandbox, "refresh", renewal)
    if rehearsal or isinstance(error, NetworkError):
        monkeypatch.setattr(Sandbox, "rehearse", trial)


@pytest.mark.parametrize("refused_us", [False, True])
@pytest.mark.parametrize("kind", TRANSIENT)
def test_what_passes_is_never_a_disconnection(place, monkeypatch, kind, refused_us):
    _, live = a_dated_place(place, 600)
    fails(monkeypatch, TRANSIENT[kind])
    assert refresh(live, refused_us=refused_us)
    live.refresh_from_db()
    assert live.state == "live" and live.trouble and sealing.open_sealed(live)["token"]
    assert not Notification.objects.filter(kind="connection.lost").exists()


@pytest.mark.parametrize("error", [Refused("Gone.", status=400), Disconnected("Dead.", status=401)])
def test_a_refusal_that_a_second_look_confirms_is_one(place, monkeypatch, error):
    """The control of the ones around it."""
    _, live = a_dated_place(place, 600)
    fails(monkeypatch, error, rehearsal=Disconnected("Dead.", status=401))
    assert not refresh(live, refused_us=True)
    live.refresh_from_db()
    assert live.state == "disconnected"


def test_a_401_that_goes_away_again_is_a_blip(place):
    here, live = a_dated_place(place, 600)
    here.there.fault("dead_token", match={"path": "/token/renewal"})
    assert refresh(live, refused_us=True)
    live.refresh_from_db()
    assert live.state == "live" and live.trouble
    assert refresh(live), "and the next time it is renewed"
    live.refresh_from_db()
    assert live.trouble == ""


@pytest.mark.parametrize("kind", TRANSIENT)
def test_a_refusal_that_cannot_be_confirmed_waits(place, monkeypatch, kind):
    _, live = a_dated_place(place, 600)
    fails(monkeypatch, Refused("Gone.", status=401), rehearsal=TRANSIENT[kind])
    assert refresh(live, refused_us=True)
    live.refresh_from_db()
    assert live.state == "live"


def test_every_incident_has_one_alert_and_the_next_one_another(place, monkeypatch):
    here = place().connected()
    live = Connection.objects.get(channel=here.channel, state="live")
    lost = Notification.objects.filter(kind="connection.lost", person=factories.person("gina"))
    with monkeypatch.context() as dead:
        fails(dead, Disconnected("Dead.", status=401))
        for _ in range(20):
            live.refresh_from_db()
            refresh(live, refused_us=True)
    assert lost.count() == 1
    live.refresh_from_db()
    assert refresh(live), "the network lets us in again"
    lost.update(read_at=timezone.now())
    live.refresh_from_db()
    assert live.state == "live"
    fails(monkeypatch, Disconnected("Dead.", status=401))
    refresh(live, refused_us=True)
    assert lost.count() == 2 and AuditEvent.objects.filter(action="connection.lost").count() == 2


def test_its_history_says_when_it_was_in_trouble_lost_and_back(place, monkeypatch):
    here, live = a_dated_place(place, 600)
    here.there.fault("error_before", match={"path": "/token/renewal"})
    refresh(live)
    with monkeypatch.context() as dead:
        fails(dead, Disconnected("The server says that it was taken away.", status=401))
        refresh(live, refused_us=True)
        live.refresh_from_db()
        refresh(live, refused_us=True)
    live.refresh_from_db()
    refresh(live)
    story = list(live.changes.order_by("pk").values_list("kind", "why"))
    assert [kind for kind, _ in story] == ["live", "trouble", "disconnected", "back"]
    assert "taken away" in story[2][1]


def test_history_is_only_added_to(place):
    from django.db import DatabaseError, transaction

    _, live = a_dated_place(place, 600)
    for change in (lambda rows: rows.update(why=""), lambda rows: rows.delete()):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change(live.changes.all())
