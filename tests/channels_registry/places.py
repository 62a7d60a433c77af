"""A channel here and its account on the sandbox network, connected for real; and the lane, run as a worker does."""

import urllib.request
from dataclasses import dataclass
from typing import Any

import pytest

from channels_registry.connecting import connect, prove
from channels_registry.models import Channel, Connection, Revocation
from channels_registry.shutting import LANE
from socialops.lib.delivery.shift import Shift
from socialops.sandbox.control import Control
from tests import factories


@dataclass
class Place:
    """A channel here, its account there."""

    channel: Channel
    account: dict[str, Any]
    there: Control

    def door(self, label: str = "", **of: str) -> dict[str, Any]:
        return next(d for d in self.account["doors"] if (not label or d["label"] == label) and of.items() <= d.items())

    def hand_over(self, token: str = "", by=None) -> Connection:
        fields, secrets = {"base_url": self.there.url}, {"token": token or self.account["token"]}
        return connect(self.channel, fields, secrets, by or factories.erin())

    def connected(self) -> "Place":
        prove(self.hand_over())
        self.channel.refresh_from_db()
        return self

    def shut_there(self, door_id: str) -> None:
        """Somebody shuts it on the network's own page."""
        token = self.there.token(self.door("Socialops")["id"])
        request = urllib.request.Request(f"{self.there.url}/api/v1/doors/{door_id}", method="DELETE")
        request.add_header("Authorization", f"Bearer {token}")
        urllib.request.urlopen(request, timeout=10).close()


def open_place(there: Control, handle: str = "acme", **wishes: Any) -> Place:
    """Make an account over there and its channel here: open_place(there, people=[...], app_passwords=[...])."""
    account = there.account(handle, **wishes)
    return Place(factories.channel(owner=factories.person("gina"), handle=handle), account, there)


def revoke_shift(revocation: Revocation | None = None, until: tuple[str, ...] = ("done", "blocked", "needs_human")):
    """Run the lane as a worker does until this revocation has settled. Needs a database of the test’s own."""
    for _ in range(20):
        Shift(LANE, seconds=0.4).run()
        if revocation is None:
            return None
        revocation.refresh_from_db()
        if revocation.state in until:
            return revocation
    pytest.fail(f"the revocation is still {revocation.state}: {revocation.reason}")
