"""The shop that has an account on the sandbox, and how its pages are read."""

import urllib.request

from channels_registry.networks import network
from tests.networks.peers import opened

it = network("sandbox")
SIGN = "This is a sandbox, not a real network."


async def connected(sandbox, shop, http):
    fields, secrets = {"base_url": sandbox.url}, {"token": shop["token"]}
    return opened(fields, await it.connect(fields, secrets, http), http)


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()
