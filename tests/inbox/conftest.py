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


@pytest.fixture
def asked(shop, network):
    """Marie asked something on the sandbox, and it is in the inbox."""
    from inbox.models import Conversation
    from inbox.watching import Watch

    network.say(shop.remote_id, "Is the store open?", name="Marie")
    Watch(seconds=0.4).run()
    return Conversation.objects.select_related("channel").get()


@pytest.fixture
def acme(db):
    """A channel that is connected on paper only, with the same cast. No network runs."""
    from tests import factories
    from tests.publishing.steps import connect

    made = factories.channel("sandbox", handle="acme", name="Acme")
    made.remote_id = "id-acme"
    made.save()
    connect(made)
    for name in ("alice", "bob"):
        factories.grant(made, factories.person(name), "responder")
    factories.person("charlie")
    return made


def _person(name):
    @pytest.fixture(name=name)
    def somebody(db):
        from tests import factories

        return factories.person(name)

    return somebody


alice, bob, charlie, dana = (_person(name) for name in ("alice", "bob", "charlie", "dana"))
