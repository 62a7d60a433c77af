"""What connections keep secret, each value bound to its row. The keys are socialops.lib.keyring's."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from socialops.lib import sealing as envelope
from socialops.lib.keyring import CONNECTIONS, WEBHOOKS, newest_public, privates

if TYPE_CHECKING:
    from channels_registry.models import Connection


def seal(connection: "Connection", values: Mapping[str, str]) -> None:
    """Put `values` into the connection's sealed secrets, for its present `secret_version`. The row must have its id."""
    public = newest_public(CONNECTIONS)
    plain = json.dumps(dict(values), separators=(",", ":")).encode()
    connection.sealed_secrets = envelope.seal(plain, public, _binding(connection))
    connection.key_id = envelope.key_id(public)


def open_sealed(connection: "Connection") -> dict[str, str]:
    """The connection's secrets. Raises CannotOpen where the private key is not (every process but a worker)."""
    plain = envelope.unseal(bytes(connection.sealed_secrets), privates(CONNECTIONS), _binding(connection))
    return json.loads(plain)


def rewrap(connection: "Connection") -> bool:
    """Wrap for the newest key, without reading the content. False if it already is."""
    public = newest_public(CONNECTIONS)
    if connection.key_id == envelope.key_id(public):
        return False
    sealed = bytes(connection.sealed_secrets)
    connection.sealed_secrets = envelope.rewrap(sealed, privates(CONNECTIONS), public, _binding(connection))
    connection.key_id = envelope.key_id(public)
    return True


def seal_webhook_secret(connection: "Connection", value: str) -> None:
    sealed = envelope.seal(value.encode(), newest_public(WEBHOOKS), _webhook_binding(connection))
    connection.sealed_webhook_secret = sealed


def open_webhook_secret(connection: "Connection") -> str:
    """The secret that signs this channel's webhooks, or "" when there is none. Web may read this one."""
    if not connection.sealed_webhook_secret:
        return ""
    sealed = bytes(connection.sealed_webhook_secret)
    return envelope.unseal(sealed, privates(WEBHOOKS), _webhook_binding(connection)).decode()


def rewrap_webhook_secret(connection: "Connection") -> bool:
    """Wrap for the newest key of webhooks, without reading the content. False if it already is."""
    public, sealed = newest_public(WEBHOOKS), bytes(connection.sealed_webhook_secret)
    if envelope.key_id_of(sealed) == envelope.key_id(public):
        return False
    wrapped = envelope.rewrap(sealed, privates(WEBHOOKS), public, _webhook_binding(connection))
    connection.sealed_webhook_secret = wrapped
    return True


def _binding(connection: "Connection") -> str:
    table, version = connection._meta.db_table, connection.secret_version
    return f"{table}|{connection.pk}|{connection.channel_id}|secrets|{version}"


def _webhook_binding(connection: "Connection") -> str:
    return f"{connection._meta.db_table}|{connection.pk}|{connection.channel_id}|webhook"
