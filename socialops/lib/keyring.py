"""The key files that seal, in the directory `settings.SEALING_KEYS`. A key is two files, and a higher number is newer:

    connections-1.public    seals; the web process needs no more
    connections-1.private   opens; for workers only, so that whoever takes over the web process reads no token
    webhooks-1.public       the secrets of webhooks, in and out, have a pair of their own, and web holds both halves,
    webhooks-1.private      because it must check signatures

Several keys stand side by side while rows are wrapped for the newest (`manage.py sealing_keys rotate`). A local
installation makes its keys on first use. There, web and worker run as one user: that separates processes, not users.
"""

import os
import re
import secrets
from functools import lru_cache
from pathlib import Path

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

from socialops.lib.sealing import key_id

CONNECTIONS, WEBHOOKS = "connections", "webhooks"


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
        keys[key_id(key.public_key())] = key
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
