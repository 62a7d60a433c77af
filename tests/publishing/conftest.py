"""A post and the cast around it: alice writes, bob approves, charlie may not, dana publishes and leaves.

Imports stand inside the fixtures: this file is read before the settings are.
"""

import pytest


@pytest.fixture(autouse=True)
def kept_here(settings, tmp_path):
    """What is uploaded stays with the test."""
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def acme(db):
    """A channel on which alice may write, bob approve and dana publish. charlie may only look."""
    from tests import factories
    from tests.publishing.steps import staffed

    return staffed(factories.channel("sandbox", name="Acme"))


@pytest.fixture
def second(db):
    """Another channel with the same people."""
    from tests import factories
    from tests.publishing.steps import staffed

    return staffed(factories.channel("sandbox", name="Acme France"))


def _person(name):
    @pytest.fixture(name=name)
    def somebody(acme):
        from tests import factories

        return factories.person(name)

    return somebody


alice, bob, charlie, dana = (_person(name) for name in ("alice", "bob", "charlie", "dana"))


@pytest.fixture
def gina(acme):
    """Leads the social team, and has no right on the channel."""
    from tests import factories

    return factories.person("gina", "social_lead")


@pytest.fixture
def writer(alice):
    """alice's browser."""
    from tests import factories

    return factories.signed_in(alice)


@pytest.fixture
def post(acme, alice):
    from tests.publishing.steps import write

    return write(alice, [acme])


@pytest.fixture
def approval(post, alice, bob):
    """bob is asked about the post, which alice wants out the day after tomorrow."""
    from tests.publishing.steps import ask

    return ask(post, alice, bob)


@pytest.fixture
def approved(post, alice, bob):
    """The post, approved by bob."""
    from tests.publishing.steps import agree

    return agree(post, alice, bob)


@pytest.fixture
def publication(approved, dana):
    """The approved post, scheduled by dana for the day after tomorrow at nine, UTC."""
    from tests.publishing.steps import plan

    return plan(approved, dana)
