"""The embedded default: a real PostgreSQL and a real Valkey from wheels, in `.local/`, on sockets.

Used when the environment names no servers of its own (DATABASE_URL, REDIS_URL). Standard library only, so that the
settings can ask for addresses before Django exists. `python -m socialops.local up|down|status|demo`.

SOCIALOPS_HOME moves everything from `.local/` to another directory.
"""

import os
import secrets
from pathlib import Path

from socialops.local.errors import LocalError
from socialops.local.places import Places, private_directory
from socialops.local.servers import Servers

__all__ = ["LocalError", "Servers", "database_url", "directory", "redis_url", "secret"]


def database_url() -> str:
    """Where this checkout's PostgreSQL is (or will be, once it is up): `postgresql://socialops@/socialops?host=...`."""
    return Servers().database_url()


def redis_url() -> str:
    """Where this checkout's Valkey is (or will be, once it is up): `unix:///.../valkey.sock?db=0`."""
    return Servers().redis_url()


def directory() -> Path:
    """`.local/`: clusters, logs, keys, mail and media of this checkout."""
    return Places().home


def secret(name: str) -> str:
    """A secret of this checkout, made at the first call and kept in `.local/keys/`, readable by its owner only."""
    path = directory() / "keys" / name
    try:
        return path.read_text()
    except FileNotFoundError:
        private_directory(path.parent)
    draft = path.with_name(f"{name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as words:
        words.write(secrets.token_urlsafe(48))
    try:
        os.link(draft, path)  # whoever is first wins; all others read theirs
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text()
