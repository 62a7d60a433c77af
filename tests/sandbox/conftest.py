from tests.networks.conftest import http  # noqa: F401
