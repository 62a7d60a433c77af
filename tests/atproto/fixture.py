import pytest

from tests.atproto.network import AtprotoNetwork, running_network


@pytest.fixture(scope="session")
def atproto(own_servers) -> AtprotoNetwork:
    """A real AT Protocol network on loopback, shared by the whole run: `atproto.pds`, `.appview`,
    `.make_account(name)`.
    """
    return running_network(own_servers)
