"""The networks we have: one line each. A network is its file, its test, its line here and its icon; nothing else
knows its name.
"""

from importlib import import_module

from channels_registry.connector.capabilities import Network

_NETWORKS = {
    "bluesky": "channels_registry.networks.bluesky:Bluesky",
    "mastodon": "channels_registry.networks.mastodon:Mastodon",
    "sandbox": "channels_registry.networks.sandbox:Sandbox",
}
_loaded: dict[str, Network] = {}


def slugs() -> list[str]:
    return list(_NETWORKS)


def network(slug: str) -> Network:
    """The network with this slug. Raises KeyError for one we do not have."""
    if slug not in _loaded:
        module, name = _NETWORKS[slug].split(":")
        _loaded[slug] = getattr(import_module(module), name)()
    return _loaded[slug]
