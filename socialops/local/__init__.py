"""The embedded default: a real PostgreSQL and a real Valkey from wheels, in `.local/`, on sockets.

Used when the environment names no servers of its own (DATABASE_URL, REDIS_URL). Standard library only, so that the
settings can ask for addresses before Django exists. `python -m socialops.local up|down|status|demo`.
"""

from socialops.local.errors import LocalError
from socialops.local.servers import Servers

__all__ = ["LocalError", "Servers", "database_url", "redis_url"]


def database_url() -> str:
    """Where this checkout's PostgreSQL is (or will be, once it is up): `postgresql://socialops@/socialops?host=...`."""
    return Servers().database_url()


def redis_url() -> str:
    """Where this checkout's Valkey is (or will be, once it is up): `unix:///.../valkey.sock?db=0`."""
    return Servers().redis_url()
