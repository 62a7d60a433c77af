"""The keys that seal what connections keep secret, and the binding of each sealed value to its row.

In the directory `settings.SEALING_KEYS` a key is two files, and a higher number is newer:

    connections-1.public    seals; the web process needs no more
    connections-1.private   opens; for workers only, so that whoever takes over the web process reads no token
    webhooks-1.public       webhook secrets have a pair of their own, and web holds both halves,
    webhooks-1.private      because it must check signatures

Several keys stand side by side while rows are wrapped for the newest (`manage.py sealing_keys rotate`). A local
installation makes its keys on first use. There, web and worker run as one user: that separates processes, not users.
"""

import json
import os
import re
import secrets
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from socialops.lib import sealing as envelope

if TYPE_CHECKING:
    from channels_registry.models import Connection

CONNECTIONS, WEBHOOKS = "connections", "webhooks"


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


def newest_public(ring: str) -> X25519PublicKey:
    """The key that seals. Raises ImproperlyConfigured if there is none and none may be made."""
    found = _files(ring, "public")
    if not found and settings.LOCAL:
        make_key(ring)
        found = _files(ring, "public")
    if not found:
        raise ImproperlyConfigured(
            f"There is no {ring}-1.public in {settings.SEALING_KEYS}. "
            f"Make the keys with “manage.py sealing_keys make” and give the public file to web and workers."
        )
    return _public(found[max(found)].read_bytes())


def privates(ring: str) -> dict[str, X25519PrivateKey]:
    """Every private key that this process can read, by key id. Empty where there is none."""
    keys = {}
    for path in _files(ring, "private").values():
        try:
            key = _private(path.read_bytes())
        except PermissionError:
            continue  # the other user's: as good as not there
        keys[envelope.key_id(key.public_key())] = key
    return keys


def make_key(ring: str) -> int:
    """Make the next key of this ring; its number. When two processes make the first at once, one of them wins."""
    directory = Path(settings.SEALING_KEYS)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = max(_files(ring, "private") | _files(ring, "public"), default=0) + 1
    mine = X25519PrivateKey.generate()
    _write_once(
        directory / f"{ring}-{number}.private",
        mine.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        0o600,
    )
    standing = _private((directory / f"{ring}-{number}.private").read_bytes())
    public = standing.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _write_once(directory / f"{ring}-{number}.public", public, 0o644)
    return number


def _binding(connection: "Connection") -> str:
    table, version = connection._meta.db_table, connection.secret_version
    return f"{table}|{connection.pk}|{connection.channel_id}|secrets|{version}"


def _webhook_binding(connection: "Connection") -> str:
    return f"{connection._meta.db_table}|{connection.pk}|{connection.channel_id}|webhook"


def _files(ring: str, half: str) -> dict[int, Path]:
    directory = Path(settings.SEALING_KEYS)
    if not directory.is_dir():
        return {}
    pattern = re.compile(rf"{ring}-([0-9]+)\.{half}")
    return {int(match[1]): path for path in directory.iterdir() if (match := pattern.fullmatch(path.name))}


@lru_cache(maxsize=64)
def _public(pem: bytes) -> X25519PublicKey:
    key = load_pem_public_key(pem)
    if not isinstance(key, X25519PublicKey):
        raise ImproperlyConfigured("A public key in SEALING_KEYS is not an X25519 key.")
    return key


@lru_cache(maxsize=64)
def _private(pem: bytes) -> X25519PrivateKey:
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, X25519PrivateKey):
        raise ImproperlyConfigured("A private key in SEALING_KEYS is not an X25519 key.")
    return key


def _write_once(path: Path, content: bytes, mode: int) -> None:
    """The whole file or none, and never over one that stands."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    draft.chmod(mode)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
