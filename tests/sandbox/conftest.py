from tests.networks.conftest import http, sandbox_server  # noqa: F401
