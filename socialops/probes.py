"""Is this installation well? One function a part; each says what is wrong and how to mend it.

`manage.py doctor` shows them all, /readyz the few that decide whether pages can be served.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import wraps
from pathlib import Path

import psycopg2
import redis
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection, connections
from django.db.migrations.executor import MigrationExecutor
from redis.backoff import NoBackoff
from redis.retry import Retry

from socialops.celery import PULSE_KEY, PULSE_SECONDS, app
from socialops.lib import keyring
from socialops.lib.files import NO_ROOM
from socialops.lib.rights import owned_by_this_role

SECONDS = 2.0  # patience with a server that does not answer
OLDEST_POSTGRES = 160000
CLOCK_SECONDS = 2.0
LEAST_SPACE = 1_000_000_000  # bytes
OF_WEB = 16  # database connections of the web process as docker-compose.yml starts it: two processes of eight threads
OF_A_SHIFT = 3  # of each process of a worker while it delivers: its own, and one each for claiming and settling
WORKER_PROCESSES = 12  # as docker-compose.yml starts one, where no worker can be asked
SPARE = 5  # for migrating, doctor, and whoever looks into the database


@dataclass(frozen=True)
class Finding:
    """What was found about one part. `mend` is empty when it is well."""

    part: str
    what: str
    mend: str = ""

    @property
    def well(self) -> bool:
        return not self.mend


def needs_database(asked: str) -> Callable[[Callable[[], Finding]], Callable[[], Finding]]:
    """A probe that asks our own database: without one it says what cannot be `asked`."""

    def decorate(probe: Callable[[], Finding]) -> Callable[[], Finding]:
        @wraps(probe)
        def safe() -> Finding:
            try:
                return probe()
            except DatabaseError:
                return Finding(probe.__name__, f"cannot be {asked} without the database", "Mend the database first.")
            finally:
                connections.close_all()

        return safe

    return decorate


def database() -> Finding:
    """Reachable, new enough, and a connection of our own: session locks do not survive a transaction pooler."""
    part = "database"
    host = settings.DATABASES["default"]["HOST"] or "localhost"
    try:
        with closing(psycopg2.connect(**_parameters())) as own, own.cursor() as cursor:
            version = own.server_version
            cursor.execute("SELECT pg_backend_pid()")
            (behind,) = cursor.fetchone() or (0,)
            direct = behind == own.info.backend_pid
    except psycopg2.Error as error:
        said = str(error).strip().splitlines()[0] if str(error).strip() else "no answer"
        ours = "Start it: make demo, or make up for the servers alone. Or"
        start = ours if settings.LOCAL and host.startswith("/") else f"Start PostgreSQL at {host}, or"
        return Finding(part, f"cannot be reached: {said}", f"{start} correct DATABASE_URL.")
    if version < OLDEST_POSTGRES:
        return Finding(part, f"PostgreSQL {version // 10000} is too old", "Upgrade to PostgreSQL 16 or newer.")
    if not direct:
        return Finding(
            part,
            "the connection goes through a pooler, which loses the locks that keep two workers apart",
            "Point DATABASE_URL at PostgreSQL itself, not at the pooler.",
        )
    return Finding(part, f"PostgreSQL {version // 10000} at {host}, connected directly")


@needs_database("seen")
def durability() -> Finding:
    """A server that answers before it has written forgets, when it crashes, what it said was done."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_settings WHERE setting = 'off' AND name = ANY(%s)", [list(_WRITES)])
        off = {name for (name,) in cursor.fetchall()}
    if not off:
        return Finding("durability", "what is committed survives a crash")
    lost = [f"{name} is off: {risk}" for name, risk in _WRITES.items() if name in off]
    on = " ".join(f"ALTER SYSTEM SET {name} = on;" for name in _WRITES if name in off)
    return Finding("durability", "; ".join(lost), f"As a superuser of PostgreSQL: {on} SELECT pg_reload_conf();")


@needs_database("counted")
def room() -> Finding:
    """Whether the database lets in as many as web and workers may ever need at once."""
    with connection.cursor() as cursor:
        cursor.execute(_ROOM)
        allowed, others = cursor.fetchone()
    processes = _worker_processes()
    needed = OF_WEB + OF_A_SHIFT * processes + SPARE
    what = f"web and {processes} worker processes may need {needed} connections, {allowed - others} are there for them"
    if needed <= allowed - others:
        return Finding("room", what)
    short = needed - (allowed - others)
    return Finding("room", what, f"Set max_connections of PostgreSQL {short} higher, or run fewer worker processes.")


@needs_database("read")
def migrations() -> Finding:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        return Finding("migrations", f"{len(waiting)} have not been applied", "Run “manage.py migrate”.")
    return Finding("migrations", "all applied")


@needs_database("seen")
def rights() -> Finding:
    """Whoever owns the audit trail can switch off what guards it."""
    owner = owned_by_this_role("accounts_auditevent")
    if owner and not settings.LOCAL:
        return Finding("rights", "Socialops runs as the owner of its audit trail, and could change it", _AS_APP)
    return Finding("rights", "one role for all, on one machine" if owner else "the trail can only be added to")


def broker() -> Finding:
    try:
        with closing(_redis()) as client:
            server = client.info("server")
            policy = client.config_get("maxmemory-policy").get("maxmemory-policy", "noeviction")
    except redis.RedisError as error:
        return Finding(
            "broker",
            f"cannot be reached: {_one_line(error)}",
            "Start Redis or Valkey, or correct REDIS_URL. Nothing is lost meanwhile: the database holds what is due.",
        )
    name = "Valkey " + server["valkey_version"] if "valkey_version" in server else "Redis " + server["redis_version"]
    if policy != "noeviction":
        return Finding("broker", f"{name} throws keys away when it is full ({policy})", _NOEVICTION)
    return Finding("broker", f"{name} answers")


def worker() -> Finding:
    mend = "Start one: celery -A socialops worker --pool prefork (make demo and docker compose do)."
    try:
        answers = app.control.ping(timeout=SECONDS)
    except Exception as error:  # every transport has errors of its own
        return Finding("worker", f"cannot be asked: {_one_line(error)}", "Mend the broker first.")
    if not answers:
        return Finding("worker", "nobody answers, so nothing goes out", mend)
    return Finding("worker", f"{len(answers)} answering")


def beat() -> Finding:
    """Beat asks for a pulse every few seconds and a worker records it, so the pulse needs both."""
    mend = "Start it: celery -A socialops beat. It needs a running worker to be seen."
    try:
        with closing(_redis()) as client:
            last = client.get(PULSE_KEY)
            seconds, _ = client.time()
    except redis.RedisError:
        return Finding("beat", "cannot be seen without the broker", "Mend the broker first.")
    if last is None:
        return Finding("beat", "no sign of it, so nothing happens by itself", mend)
    age = seconds - float(last)
    if age > 4 * PULSE_SECONDS:
        return Finding("beat", f"last seen {age:.0f} s ago, so nothing happens by itself", mend)
    return Finding("beat", "running")


@needs_database("compared")
def clock() -> Finding:
    """The database's clock decides what is due; ours must not be far from it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT abs(extract(epoch FROM clock_timestamp() - to_timestamp(%s)))", [time.time()])
        apart = float(cursor.fetchone()[0])
    if apart > CLOCK_SECONDS:
        return Finding(
            "clock",
            f"this machine and the database differ by {apart:.0f} s",
            "Let both keep time by NTP (timedatectl set-ntp true).",
        )
    return Finding("clock", "agrees with the database")


def keys() -> Finding:
    mend = f"Run “manage.py sealing_keys make”, and keep {settings.SEALING_KEYS} readable by this user."
    if len(settings.SECRET_KEY) < 40:
        return Finding("keys", "SECRET_KEY is shorter than 40 characters", "Make one: openssl rand -base64 48")
    try:
        keyring.newest_public(keyring.CONNECTIONS)
        readable = len(keyring.privates(keyring.CONNECTIONS))
    except ImproperlyConfigured as error:
        return Finding("keys", _one_line(error), mend)
    except (OSError, ValueError) as error:
        return Finding("keys", f"cannot be read: {_one_line(error)}", mend)
    return Finding("keys", f"seal; {readable} private here" if readable else "seal only, as a web process should")


def storage() -> Finding:
    root = Path(settings.MEDIA_ROOT)
    mend = f"Make {root} and let the user of web and worker (uid {os.geteuid()}) write there, or set MEDIA_ROOT."
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=root) as probe:
            probe.write(b"x" * 4096)
            probe.flush()
            os.fsync(probe.fileno())
        free = shutil.disk_usage(root).free
    except OSError as error:
        if error.errno in NO_ROOM:
            return Finding("storage", f"the disk of {root} is full", "Make room there, or set MEDIA_ROOT elsewhere.")
        return Finding("storage", f"{root} cannot be written: {error.strerror}", mend)
    if free < LEAST_SPACE:
        return Finding("storage", f"{free // 1_000_000} MB are left at {root}", "Make room: at least 1 GB.")
    return Finding("storage", f"{root} is writable, {free // 1_000_000_000} GB free")


def channel_connections() -> Iterator[Finding]:
    """One finding for each connection in trouble, and one for all the others."""
    from channels_registry.models import Connection

    try:
        live = Connection.objects.filter(state=Connection.State.LIVE).count()
        dead = Connection.objects.filter(state=Connection.State.DISCONNECTED).select_related("channel")
        for each in dead.order_by("channel__name"):
            what = each.trouble or "its credential is dead"
            yield Finding(f"connection {each.channel}", what, "Connect the channel again: Channels, its page, Connect.")
    except DatabaseError:
        yield Finding("connections", "cannot be read without the database", "Mend the database first.")
        return
    finally:
        connections.close_all()
    yield Finding("connections", f"{live} live")


def kept() -> Finding:
    """Never wrong: it says what is deleted when."""
    return Finding("kept", ", ".join(f"{name} {days} days" for name, days in settings.KEPT_DAYS.items()))


PARTS: list[Callable[[], Finding]] = [
    database, durability, room, migrations, rights, broker, worker, beat, clock, keys, storage, kept
]  # fmt: skip
_WRITES = {  # settings that make PostgreSQL quick and forgetful, with what is at stake
    "fsync": "a power cut can destroy the whole database",
    "full_page_writes": "a power cut can leave pages half written",
    "synchronous_commit": "a crash can forget what somebody was told is saved (Socialops turns it on where it sends)",
}
_ROOM = """
    SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
           - current_setting('reserved_connections')::int,
           (SELECT count(*) FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND datname IS DISTINCT FROM current_database())
"""
_AS_APP = "Migrate as the owner, with APP_DATABASE_URL, and run all else as that role: docker-compose.yml does."
_NOEVICTION = "Set maxmemory-policy to noeviction: a queue that forgets looks like a worker that is slow."


def everything() -> Iterator[Finding]:
    for probe in PARTS:
        yield probe()
    yield from channel_connections()


def _worker_processes() -> int:
    """How many processes all workers have together, as far as they can be asked."""
    try:
        told = app.control.inspect(timeout=SECONDS).stats() or {}
    except Exception:  # every transport has errors of its own
        return WORKER_PROCESSES
    return sum(len(each.get("pool", {}).get("processes", ())) for each in told.values()) or WORKER_PROCESSES


def _parameters() -> dict:
    own = connection.get_connection_params()
    own.pop("cursor_factory", None)
    return {**own, "connect_timeout": int(SECONDS) or 1}


def _redis() -> redis.Redis:
    return redis.from_url(
        settings.REDIS_URL, socket_timeout=SECONDS, socket_connect_timeout=SECONDS, retry=Retry(NoBackoff(), 0)
    )


def _one_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
