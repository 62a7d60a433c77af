"""Secrets at rest, under a key for each purpose alone: second factors (AES-256-GCM, settings.MFA_KEYS, newest first),
and what signs the webhooks that leave (socialops.lib.keyring).
"""

import base64
import hashlib
import os
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from socialops.lib import sealing as envelope
from socialops.lib.keyring import WEBHOOKS, newest_public, privates

if TYPE_CHECKING:
    from accounts.models import DirectoryKey, WebhookEndpoint

PURPOSE = b"socialops second factor v1"


class CannotOpen(Exception):
    """It was changed, or its key is not in MFA_KEYS."""


def seal(text: str) -> str:
    """v1.<key id>.<nonce and ciphertext>"""
    name, key = next(iter(_keys().items()))
    nonce = os.urandom(12)
    sealed = nonce + AESGCM(key).encrypt(nonce, text.encode(), PURPOSE)
    return f"v1.{name}.{base64.urlsafe_b64encode(sealed).decode()}"


def opened(sealed: str) -> str:
    """The text. Raises CannotOpen."""
    try:
        version, name, content = sealed.split(".")
        raw = base64.urlsafe_b64decode(content)
        if version != "v1":
            raise CannotOpen("this was not sealed here")
        return AESGCM(_keys()[name]).decrypt(raw[:12], raw[12:], PURPOSE).decode()
    except KeyError as error:
        raise CannotOpen("its key is not in MFA_KEYS any more; put the old key back behind the new one") from error
    except (InvalidTag, ValueError) as error:
        raise CannotOpen("it was changed since it was sealed") from error


def _keys() -> dict[str, bytes]:
    """Key id to key, newest first."""
    keys = [HKDF(SHA256(), 32, salt=None, info=PURPOSE).derive(secret.encode()) for secret in settings.MFA_KEYS]
    return {hashlib.sha256(key).hexdigest()[:12]: key for key in keys}


def seal_endpoint_secret(endpoint: "WebhookEndpoint", value: str) -> bytes:
    """What signs the webhooks to this endpoint, for its row alone. The key is that of webhook secrets."""
    return envelope.seal(value.encode(), newest_public(WEBHOOKS), _of_endpoint(endpoint))


def open_endpoint_secret(endpoint: "WebhookEndpoint", sealed: bytes) -> str:
    """Raises socialops.lib.sealing.CannotOpen."""
    return envelope.unseal(bytes(sealed), privates(WEBHOOKS), _of_endpoint(endpoint)).decode()


def rewrap_endpoint_secret(endpoint: "WebhookEndpoint", sealed: bytes) -> bytes:
    """The same for the newest key, without reading it."""
    return envelope.rewrap(bytes(sealed), privates(WEBHOOKS), newest_public(WEBHOOKS), _of_endpoint(endpoint))


def seal_key_secret(key: "DirectoryKey", value: str) -> bytes:
    """What checks the signatures of messages that come in with this key, for its row alone."""
    return envelope.seal(value.encode(), newest_public(WEBHOOKS), _of_endpoint(key))


def open_key_secret(key: "DirectoryKey", sealed: bytes | memoryview) -> str:
    """Raises socialops.lib.sealing.CannotOpen."""
    return envelope.unseal(bytes(sealed), privates(WEBHOOKS), _of_endpoint(key)).decode()


def rewrap_key_secret(key: "DirectoryKey", sealed: bytes) -> bytes:
    """The same for the newest key, without reading it."""
    return envelope.rewrap(bytes(sealed), privates(WEBHOOKS), newest_public(WEBHOOKS), _of_endpoint(key))


def _of_endpoint(row: "WebhookEndpoint | DirectoryKey") -> str:
    return f"{row._meta.db_table}|{row.pk}|secret"
