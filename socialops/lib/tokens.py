"""Secrets that are shown once, as a link or a token, and of which only a digest is kept."""

import hashlib


def digest(secret: str) -> str:
    """SHA-256: 144 random bits and more need no slow hash. Text that is no UTF-8 is nobody's secret, and no error."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
