"""Sealing: who has the public key can close an envelope, only who has the private key can open it.

An envelope is bound to its place by `binding` (a text such as "connection|7|3|secrets|2"): moved anywhere else, it does
not open. Layout, in bytes:

    version (1) | length of key id (1) | key id | wrapped key (80) | nonce (12) | ciphertext and tag

Each envelope has a random AES-256-GCM key of its own. That key is wrapped with HPKE (RFC 9180, X25519, HKDF-SHA256,
AES-256-GCM) for one public key, so a change of keys wraps it again and leaves the ciphertext alone.
"""

import os
from collections.abc import Mapping
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

VERSION = 1
WRAPPED_BYTES, NONCE_BYTES = 80, 12
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class CannotOpen(Exception):
    """The envelope was changed, belongs elsewhere, or its key is not here. Says nothing of what is in it."""


def key_id(public: X25519PublicKey) -> str:
    """A short name that follows from the key itself, so that two keys never share one."""
    return sha256(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def seal(plain: bytes, public: X25519PublicKey, binding: str) -> bytes:
    """Close an envelope around `plain` for the holder of the private key, at this place only."""
    key, nonce = AESGCM.generate_key(256), os.urandom(NONCE_BYTES)
    ciphertext = AESGCM(key).encrypt(nonce, plain, _payload_binding(binding))
    return _wrap(key, public, binding) + nonce + ciphertext


def unseal(envelope: bytes, keys: Mapping[str, X25519PrivateKey], binding: str) -> bytes:
    """What is in the envelope. Raises CannotOpen."""
    key, rest = _unwrap(envelope, keys, binding)
    try:
        return AESGCM(key).decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], _payload_binding(binding))
    except (InvalidTag, ValueError) as error:
        raise CannotOpen("the content was changed or moved") from error


def rewrap(envelope: bytes, keys: Mapping[str, X25519PrivateKey], public: X25519PublicKey, binding: str) -> bytes:
    """The same content under another public key. The ciphertext is not touched and not decrypted."""
    key, rest = _unwrap(envelope, keys, binding)
    return _wrap(key, public, binding) + rest


def key_id_of(envelope: bytes) -> str:
    """Which key opens this envelope. Raises CannotOpen for something that is none."""
    return _split(envelope)[0]


def _wrap(key: bytes, public: X25519PublicKey, binding: str) -> bytes:
    name = key_id(public).encode()
    wrapped = _SUITE.encrypt(key, public, info=_key_binding(binding, name))
    return bytes([VERSION, len(name)]) + name + wrapped


def _unwrap(envelope: bytes, keys: Mapping[str, X25519PrivateKey], binding: str) -> tuple[bytes, bytes]:
    name, wrapped, rest = _split(envelope)
    if name not in keys:
        raise CannotOpen(f"the private key {name} is not here")
    try:
        return _SUITE.decrypt(wrapped, keys[name], info=_key_binding(binding, name.encode())), rest
    except (InvalidTag, ValueError) as error:
        raise CannotOpen("the wrapped key was changed or moved") from error


def _split(envelope: bytes) -> tuple[str, bytes, bytes]:
    """(key id, wrapped key, nonce with ciphertext)"""
    if len(envelope) < 2 or envelope[0] != VERSION:
        raise CannotOpen("this is not an envelope")
    start = 2 + envelope[1]
    end = start + WRAPPED_BYTES
    if len(envelope) < end + NONCE_BYTES + 16:
        raise CannotOpen("the envelope is cut short")
    return envelope[2:start].decode("ascii", "replace"), envelope[start:end], envelope[end:]


def _payload_binding(binding: str) -> bytes:
    return f"socialops content v{VERSION}|{binding}".encode()


def _key_binding(binding: str, name: bytes) -> bytes:
    return f"socialops key v{VERSION}|{binding}|".encode() + name
