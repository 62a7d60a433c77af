"""Looking for a post in a list: how far down it is read."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from channels_registry.connector.looking import passed
from channels_registry.connector.types import Draft, Unsure
from channels_registry.networks import sandbox
from tests.networks import peers

DUE = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "reached"),
    [([], False), ([0.1], False), ([0.1, 0], False), ([0.1, -0.1], True), ([-0.1], False), ([-1, -14], False),
     ([-1, -16], True), ([0, -0.01], False)],
)  # fmt: skip
def test_a_list_without_anything_younger_is_read_as_far_as_a_clock_may_be_ahead(hours, reached):
    assert passed([DUE + timedelta(hours=each) for each in hours], DUE) is reached
    assert passed([DUE + timedelta(hours=each) for each in hours], None) is False


async def test_our_words_below_others_prove_nothing_where_a_clock_was_ahead(sandbox_server, http, monkeypatch):
    """A channel with many posts: ours stands on no first page, and all of them are dated before it was due."""
    sandbox_server.reset()
    monkeypatch.setattr("channels_registry.networks.sandbox.PER_PAGE", "1")
    network, fields = sandbox.Sandbox(), {"base_url": sandbox_server.url}
    connected = await network.connect(fields, {"token": sandbox_server.account("busy", "A shop")["token"]}, http)
    access = peers.opened(fields, connected, http)
    access = replace(access, facts={**access.facts, "key": False})
    for text in ("Ours", "Another", "A third"):
        await network.advance(access, Draft(text), f"key-of-{text}", {})
    ahead = datetime.now(UTC) + timedelta(hours=1)
    assert isinstance(await network.find_published(access, Draft("Ours", at=ahead), "", {}), Unsure)
    assert await network.find_published(access, Draft("Never sent", at=ahead), "", {}) is None
