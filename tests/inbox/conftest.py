"""A channel on a sandbox network that really runs, connected the way a worker connects it.

alice and bob may answer there, charlie may not, dana may and leaves. Imports stand inside the fixtures: this file is
read before the settings are.
"""

import pytest


@pytest.fixture
def network(sandbox_server):
    """The sandbox's backstage; empty at the beginning of every test."""
    sandbox_server.reset()
    return sandbox_server


@pytest.fixture
def shop(db, network, settings):
    """A connected channel with its cast. `shop.remote_id` is the account on the sandbox."""
    from channels_registry import connecting
    from tests import factories

    settings.PRIVATE_HOSTS, settings.PACE = ["127.0.0.1"], 0.05
    account = network.account("acme", "Acme")
    channel = factories.channel("sandbox", handle="acme", name="Acme")
    for name in ("alice", "bob", "dana"):
        factories.grant(channel, factories.person(name), "responder")
    factories.person("charlie")
    asked = connecting.connect(channel, {"base_url": network.url}, {"token": account["token"]}, factories.erin())
    assert connecting.prove(asked).state == "live", asked.trouble
    channel.refresh_from_db()
    return channel


def _person(name):
    @pytest.fixture(name=name)
    def somebody(db):
        from tests import factories

        return factories.person(name)

    return somebody


alice, bob, charlie, dana = (_person(name) for name in ("alice", "bob", "charlie", "dana"))
