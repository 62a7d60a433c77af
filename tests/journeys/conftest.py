"""A company of the test's own, and what the AT Protocol network holds before anybody comes: accounts and keys."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from tests.atproto.network import Account
from tests.journeys.company import PATIENCE, Company


@pytest.fixture
def company(browser, processes) -> Iterator[Company]:
    """Web, worker and beat, and erin, whom the operator let in."""
    expect.set_options(timeout=PATIENCE * 1000)
    made = Company(processes, browser)
    try:
        made.found()
        yield made
    finally:
        made.close()
        expect.set_options(timeout=5_000)  # Playwright's own


@dataclass(frozen=True)
class Remote:
    """On the network: the bank's account with an app password for Socialops and one of dana's own, and a customer."""

    bank: Account
    ours: str
    danas: str
    customer: Account


@pytest.fixture
def remote(atproto) -> Remote:
    bank = atproto.make_account("fernhill")
    ours, danas = atproto.app_password(bank, "Socialops"), atproto.app_password(bank, "Dana")
    return Remote(bank, ours, danas, atproto.make_account("marie"))
