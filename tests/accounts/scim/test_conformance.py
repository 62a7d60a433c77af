"""scim2-tester, whole, against a real web process."""

from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from scim2_client.client import BaseSyncSCIMClient
from scim2_tester import Status, check_server

from accounts import entrusting
from tests.factories import erin


class OverHttp(BaseSyncSCIMClient):
    """What scim2-client sends, sent by requests."""

    def __init__(self, base: str, token: str):
        super().__init__()
        self.base, self.session = base, requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def _stays_under_base_url(self, endpoint: str) -> bool:
        return not urlsplit(endpoint).netloc or endpoint.startswith(self.base)

    def _parse_json(self, response: Any) -> Any:
        return response.json()

    def request(self, method: str, url: str, **kwargs: Any) -> requests.Response:
        address = url if urlsplit(url).netloc else f"{self.base}/{url.lstrip('/')}"
        return self.session.request(method, address, timeout=30, **kwargs)


@pytest.mark.django_db(transaction=True)
def test_scim2_tester_finds_nothing_wrong_and_skips_nothing(processes, capsys):
    _, token = entrusting.entrust(erin(), "scim", "The tester")
    web = processes.web()
    results = check_server(OverHttp(f"{web.url}/scim/v2", token))
    done = [each for each in results if each.status == Status.SUCCESS]
    other = [(each.status.name, each.title, each.resource_type, each.reason) for each in results if each not in done]
    with capsys.disabled():
        print(f"\nscim2-tester: {len(results)} checks, {len(done)} passed")
    assert other == []
    assert len(done) > 60
    assert not [line for line in web.said().splitlines() if '"status": 500' in line or "Traceback" in line]
