"""Second-factor secrets at rest: AES-256-GCM under a key for this purpose alone (settings.MFA_KEYS, newest first)."""

import base64
import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

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
