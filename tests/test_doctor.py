"""manage.py doctor names what is wrong and how to mend it: each failure is made with a real, broken server."""

import errno
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest
from django.core.management import call_command

from socialops import probes
from socialops.local import Servers
from tests.processes import wait_until
from tests.servers import CHECKOUT, free_port


@contextmanager
def database_at(settings_dict, **changed):
    """Django's own connection, pointed elsewhere for a while."""
    from django.db import connection

    before = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update(changed)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


@pytest.fixture
def written_at_once(monkeypatch):
    """The tests' own cluster is quick and forgetful on purpose; its durability is asked for by itself."""
    monkeypatch.setattr(probes, "PARTS", [each for each in probes.PARTS if each is not probes.durability])


def finding(part: str) -> probes.Finding:
    return next(each for each in probes.everything() if each.part == part)


def test_everything_is_well_when_web_worker_and_beat_run(processes, capsys, tmp_path, settings, written_at_once):
    settings.MEDIA_ROOT = tmp_path / "media"
    processes.worker()
    processes.beat()
    wait_until(lambda: probes.beat().well, "the first pulse")
    call_command("doctor")
    said = capsys.readouterr().out
    assert "WRONG" not in said
    assert said.endswith("Everything is well.\n")
    assert re.findall(r"^ok +(\w+):", said, re.MULTILINE) == [
        *("database", "room", "migrations", "rights", "broker"),
        *("worker", "beat", "clock", "keys", "storage", "kept", "connections"),
    ]


def test_it_ends_with_1_and_says_how_to_mend_a_missing_worker_and_beat(processes, capsys, written_at_once):
    with pytest.raises(SystemExit) as ended:
        call_command("doctor")
    assert ended.value.code == 1
    said = capsys.readouterr().out
    assert "WRONG  worker: nobody answers, so nothing goes out\n         Start one: celery" in said
    assert "WRONG  beat: no sign of it" in said
    assert said.endswith("2 of 12 parts need mending.\n")


HERE = "Start it: make demo, or make up for the servers alone."


@pytest.mark.parametrize(
    ("host", "mend"), [("127.0.0.1", "Start PostgreSQL at 127.0.0.1, or correct DATABASE_URL."), ("", HERE)]
)
def test_an_unreachable_database_is_named_without_a_traceback(own_servers, host, mend):
    at = f"{host}:{free_port()}/socialops" if host else "/socialops?host=/nowhere"
    nobody = f"postgresql://socialops@{at}"
    env = {"DATABASE_URL": nobody, "REDIS_URL": own_servers.redis_url(), "SOCIALOPS_LOCAL": "yes"}
    said = subprocess.run(
        [sys.executable, "manage.py", "doctor"],
        cwd=CHECKOUT,
        env=env | {"SOCIALOPS_HOME": str(own_servers.home), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert said.returncode == 1
    assert "WRONG  database: cannot be reached" in said.stdout
    assert mend in said.stdout
    assert "Traceback" not in said.stdout + said.stderr


@pytest.mark.django_db(transaction=True)
def test_a_pooler_is_noticed(own_servers):
    """A proxy that hands out a process id of its own, which is how PgBouncer looks from outside."""
    from django.db import connection

    with pooler(own_servers.database_port) as port, database_at(connection, HOST="127.0.0.1", PORT=str(port)):
        found = probes.database()
    assert "pooler" in found.what
    assert "PostgreSQL itself" in found.mend


@pytest.mark.django_db(transaction=True)
def test_a_database_that_forgets_at_a_crash(tmp_path):
    """First this run's own cluster, which is never asked to survive one; then one that is, until it is told not to."""
    from django.db import connection

    found = probes.durability()
    assert "fsync is off: a power cut can destroy" in found.what and "full_page_writes is off" in found.what
    own = Servers(tmp_path / "home")
    own.places.make()
    own.postgres.start()
    try:
        there = {"HOST": str(own.places.sockets), "PORT": "5432", "NAME": "socialops", "USER": "socialops"}
        with database_at(connection, **there):
            assert probes.durability().well
            with connection.cursor() as cursor:
                cursor.execute("ALTER SYSTEM SET synchronous_commit = off")
                cursor.execute("SELECT pg_reload_conf()")
            connection.close()
            found = wait_until(lambda: (told := probes.durability()) and not told.well and told, "the new setting")
        assert found.what.startswith("synchronous_commit is off") and "Socialops turns it on" in found.what
        assert "ALTER SYSTEM SET synchronous_commit = on; SELECT pg_reload_conf();" in found.mend
    finally:
        own.postgres.stop()


@pytest.mark.django_db(transaction=True)
def test_a_database_with_too_little_room_for_the_workers(monkeypatch):
    assert probes.room().well
    monkeypatch.setattr(probes, "_worker_processes", lambda: 400)
    found = probes.room()
    assert "400 worker processes may need 1221 connections" in found.what
    assert "Set max_connections" in found.mend


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_away_and_what_hangs_on_it(settings):
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    began = time.monotonic()
    assert probes.broker().what.startswith("cannot be reached")
    assert "Nothing is lost meanwhile" in probes.broker().mend
    assert probes.beat().mend == "Mend the broker first."
    assert time.monotonic() - began < 5


def test_a_broker_that_forgets_when_it_is_full(settings, tmp_path):
    own = Servers(tmp_path / "home")
    own.places.make()
    own.valkey.start()
    try:
        settings.REDIS_URL = own.redis_url()
        assert probes.broker().well
        with probes._redis() as client:
            client.config_set("maxmemory-policy", "allkeys-lru")
        assert "throws keys away" in probes.broker().what
    finally:
        own.valkey.stop()


def test_a_beat_that_has_stopped(settings, own_servers):
    settings.REDIS_URL = own_servers.redis_url(15)
    with probes._redis() as client:
        client.set(probes.PULSE_KEY, client.time()[0] - 300)
        assert probes.beat().what.startswith("last seen 300 s ago")
        client.delete(probes.PULSE_KEY)


@pytest.mark.django_db(transaction=True)
def test_a_clock_that_is_wrong(monkeypatch):
    real = time.time
    monkeypatch.setattr(probes.time, "time", lambda: real() - 90)
    assert probes.clock().what == "this machine and the database differ by 90 s"


def test_keys_that_are_short_missing_or_unreadable(settings, tmp_path):
    settings.SEALING_KEYS = str(tmp_path)
    settings.LOCAL = False
    assert "There is no connections-1.public" in probes.keys().what
    assert "sealing_keys make" in probes.keys().mend
    (tmp_path / "connections-1.public").write_text("not a key")
    assert not probes.keys().well
    settings.SECRET_KEY = "short"
    assert probes.keys().what == "SECRET_KEY is shorter than 40 characters"


def test_storage_that_cannot_be_written(settings, tmp_path):
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    settings.MEDIA_ROOT = in_the_way / "media"
    assert "cannot be written" in probes.storage().what
    assert "or set MEDIA_ROOT" in probes.storage().mend


def test_storage_that_is_full_or_nearly(settings, tmp_path, monkeypatch):
    def full(number: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(probes, "LEAST_SPACE", 10**18)
    assert "MB are left" in probes.storage().what
    monkeypatch.setattr(probes.os, "fsync", full)
    assert probes.storage().what == f"the disk of {tmp_path} is full"


@contextmanager
def pooler(behind: int):
    """A TCP proxy that changes the process id in PostgreSQL's BackendKeyData, for one connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        near, _ = listener.accept()
        with near, socket.create_connection(("127.0.0.1", behind)) as far:
            threading.Thread(target=_copy, args=(near, far), daemon=True).start()
            while data := far.recv(65536):
                at = data.find(b"K\0\0\0\x0c")
                if at >= 0:
                    data = data[: at + 5] + struct.pack("!I", 4242) + data[at + 9 :]
                near.sendall(data)

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return
