"""Disconnecting gives our token back to the network: by a worker, at once where it can, and with an honest word."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEvent, Notification
from channels_registry import parting, polling, sealing
from channels_registry.connecting import connect, disconnect, prove
from channels_registry.connector.http import Http
from channels_registry.models import AccessGrant, Connection
from socialops.lib.sealing import CannotOpen
from tests import factories

pytestmark = pytest.mark.django_db


def let_in(here, token: str) -> bool:
    """Whether the network still takes this token."""
    import urllib.error
    import urllib.request

    request = urllib.request.Request(f"{here.there.url}/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    try:
        urllib.request.urlopen(request, timeout=10).close()
    except urllib.error.HTTPError as error:
        assert error.code == 401
        return False
    return True


@pytest.fixture
def here(place):
    return place("acme").connected()


@pytest.fixture
def left(here):
    """Disconnected by erin; no worker has come by yet."""
    disconnect(here.channel, factories.erin(), "no longer ours")
    return Connection.objects.get(channel=here.channel)


def trail(connection) -> list[str]:
    found = AuditEvent.objects.filter(subject_type="connection", subject_id=str(connection.pk)).order_by("pk")
    return [event.action for event in found]


def test_web_ends_the_connection_at_once_and_opens_nothing(here, monkeypatch):
    monkeypatch.setattr(sealing, "open_sealed", lambda connection: pytest.fail("web opened a secret"))
    monkeypatch.setattr(Http, "request", lambda *_, **__: pytest.fail("web asked the network"))
    disconnect(here.channel, factories.erin(), "no longer ours")
    left = Connection.objects.get(channel=here.channel)
    assert (left.state, left.given_back, left.ended_by) == ("ended", "asked", factories.erin())
    assert let_in(here, here.account["token"])


def test_a_worker_gives_the_token_back_tries_it_and_wipes_it(here, left):
    assert polling.part_due() == 1
    left.refresh_from_db()
    assert (left.given_back, bytes(left.sealed_secrets)) == ("revoked", b"")
    assert not let_in(here, here.account["token"])
    assert not AccessGrant.objects.standing().filter(channel=here.channel, ours=True).exists()
    assert AccessGrant.objects.get(channel=here.channel, label="Socialops").revoked_at
    assert trail(left)[-2:] == ["connection.ended", "connection.given_back"]
    assert polling.part_due() == 0


def test_a_network_that_is_away_is_asked_again_and_given_up_after_ten_minutes_with_a_word(here, left):
    here.there.fault("storm", 50)
    polling.part_due()
    left.refresh_from_db()
    assert left.given_back == "asked" and bytes(left.sealed_secrets) != b""
    long_ago = timezone.now() - timedelta(minutes=11)
    Connection.objects.filter(pk=left.pk).update(ended_at=long_ago, next_check_at=None)
    polling.part_due()
    left.refresh_from_db()
    assert left.given_back == "kept" and bytes(left.sealed_secrets) == b""
    told = Notification.objects.filter(kind="connection.not_given_back").values_list("person__name", flat=True)
    assert set(told) == {"Gina", "Erin"}  # who answers for the channel, and who disconnected it
    assert trail(left)[-1] == "connection.not_given_back"
    assert AccessGrant.objects.standing().filter(channel=here.channel, label="Socialops", ours=False).exists()


def test_a_token_that_may_not_end_itself_is_named_on_the_page_of_the_channel(place):
    here = place("acme", apps=[{"label": "Socialops", "entitlement": "publish", "token": True}])
    here.account["token"] = next(each["token"] for each in here.account["doors"] if "token" in each)
    here.connected()
    disconnect(here.channel, factories.erin(), "no longer ours")
    page = factories.signed_in(factories.erin()).get(f"/channels/{here.channel.pk}/").content.decode()
    assert "Our token is being given back" in page
    polling.part_due()
    assert Connection.objects.get(channel=here.channel).given_back == "kept"
    page = factories.signed_in(factories.erin()).get(f"/channels/{here.channel.pk}/").content.decode()
    assert "Our token may still work over there" in page and let_in(here, here.account["token"])


def test_a_channel_that_is_connected_again_with_the_same_token_keeps_it(here, left):
    again = prove(
        connect(here.channel, {"base_url": here.there.url}, {"token": here.account["token"]}, factories.erin())
    )
    polling.part_due()
    left.refresh_from_db()
    again.refresh_from_db()
    assert (left.given_back, bytes(left.sealed_secrets), again.state) == ("kept", b"", "live")
    assert let_in(here, here.account["token"])
    assert AccessGrant.objects.standing().filter(channel=here.channel, ours=True).count() == 1
    assert not Notification.objects.filter(kind="connection.not_given_back").exists()


def test_without_the_private_key_nothing_is_claimed(here, left, monkeypatch):
    def cannot(connection):
        raise CannotOpen("no private key")

    monkeypatch.setattr("channels_registry.reaching.sealing.open_sealed", cannot)
    parting.part(left)
    left.refresh_from_db()
    assert left.given_back == "asked" and let_in(here, here.account["token"])


def test_a_connection_that_was_dead_or_never_proven_is_wiped_at_once(here):
    Connection.objects.filter(channel=here.channel).update(state="disconnected")
    here.hand_over()
    disconnect(here.channel, factories.erin(), "no longer ours")
    rows = Connection.objects.filter(channel=here.channel)
    assert {(row.state, row.given_back, bytes(row.sealed_secrets)) for row in rows} == {("ended", "", b"")}
