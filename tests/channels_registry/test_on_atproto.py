"""Doors on a real AT Protocol network, through the ledger and its lane: listed, revoked, read again; what lives on."""

from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from channels_registry.connecting import connect, prove
from channels_registry.models import AccessGrant, Proof
from channels_registry.observing import observe
from channels_registry.requesting import request_all, request_revocation
from tests import factories
from tests.channels_registry.places import revoke_shift


@pytest.fixture
def place(atproto, transactional_db, settings, tmp_path):
    """(channel, account over there, the password of dana's app, the session that it has opened)"""
    settings.SEALING_KEYS, settings.PRIVATE_HOSTS = str(tmp_path / "keys"), ["127.0.0.1", "localhost"]
    account = atproto.make_account(f"leaving{datetime.now(UTC):%H%M%S%f}"[:16])
    ours, danas = atproto.app_password(account, "Socialops"), atproto.app_password(account, "Dana")
    login = {"identifier": account.handle, "password": danas}
    session, control = (atproto.call("com.atproto.server.createSession", login) for _ in range(2))
    assert renewable(atproto, control), "the control: a session of an app password that stands can be renewed"
    channel = factories.channel("bluesky", owner=factories.person("gina"), handle=account.handle)
    factories.person("dana")
    fields = {"service": atproto.pds, "handle": account.handle, "app_password_name": "Socialops"}
    prove(connect(channel, fields, {"app_password": ours}, factories.erin()))
    observe(channel)
    return channel, account, danas, session


def alive(atproto, session) -> bool:
    try:
        return bool(atproto.call("com.atproto.server.getSession", token=session["accessJwt"])["did"])
    except HTTPError:
        return False


def renewable(atproto, session) -> bool:
    """Renews it, if it can still be."""
    request = Request(f"{atproto.pds}/xrpc/com.atproto.server.refreshSession", b"", method="POST")
    request.add_header("Authorization", f"Bearer {session['refreshJwt']}")
    try:
        return bool(urlopen(request, timeout=30).status == 200)
    except HTTPError:
        return False


def test_a_leavers_app_password_is_revoked_and_the_session_it_opened_is_shown_with_its_end(atproto, place):
    channel, account, danas, session = place
    grant = AccessGrant.objects.standing().get(channel=channel, person=factories.person("dana"))
    assert (grant.door, grant.label) == ("app_password", "Dana")
    assert atproto.can_log_in(account.handle, danas) and alive(atproto, session), "the control: open before"
    revocation = revoke_shift(request_all([grant], "Dana left")[0])
    assert (revocation.stage, revocation.proof) == ("verified", Proof.API)
    assert not atproto.can_log_in(account.handle, danas)
    assert alive(atproto, session), "what is said to live on does live on"
    assert not renewable(atproto, session)
    assert "may go on for up to 2 hours" in revocation.residual
    assert timedelta(minutes=110) < revocation.residual_until - datetime.now(UTC) <= timedelta(hours=2)
    assert observe(channel).doors == 1  # ours
    grant.refresh_from_db()
    assert grant.revoked_at


def test_a_second_revocation_does_no_harm(atproto, place):
    channel, account, danas, _ = place
    grant = AccessGrant.objects.standing().get(channel=channel, person=factories.person("dana"))
    atproto.call("com.atproto.server.revokeAppPassword", {"name": "Dana"}, account.token)
    revocation = revoke_shift(request_revocation(grant, factories.erin(), "left"))
    assert (revocation.stage, revocation.proof) == ("verified", Proof.API)
    assert revocation.attempts.order_by("fence").first().outcome == "continued"
    assert not atproto.can_log_in(account.handle, danas)
