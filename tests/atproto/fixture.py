import pytest

from tests.atproto.installing import NotInstalled
from tests.atproto.network import AtprotoNetwork, running_network


@pytest.fixture(scope="session")
def atproto(own_servers) -> AtprotoNetwork:
    """A real AT Protocol network on loopback, shared by the whole run: `atproto.pds`, `.appview`,
    `.make_account(name)`.
    """
    try:
        return running_network(own_servers)
    except NotInstalled as error:
        pytest.fail(str(error), pytrace=False)
